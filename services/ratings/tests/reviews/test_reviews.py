"""Reviews on both databases: one a person and film, edits with their history, likes, orders, who sees what."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cine.ratings.v1 import events_pb2
from cine_ratings.domain.rating import RatingWish, Score
from cine_ratings.domain.review import NOBODY, Order, Viewer, wish_of
from cine_ratings.store import counts, ratings
from cine_ratings.store.reviews import OfFilm
from cinemesh.errors import Aborted, AlreadyExists, InvalidArgument, NotFound, PermissionDenied, Reason, Unavailable

from .conftest import ADA, BOB, BOSS, CY, START, Room, refused


async def shown_count(room: Room, movie_id: int) -> int:
    counted = await room.database.read(lambda tx: counts.of_film(tx, movie_id))
    return counted.review_count


async def test_a_review_is_published_with_all_that_belongs_to_it(room: Room) -> None:
    shown = await room.publish(ADA, 603, "**Wow**", title=" Twice  ", contains_spoilers=True, overall=4.5)
    review = shown.review
    assert (review.user_id, review.movie_id, review.title, review.overall) == ("u-ada", 603, "Twice", 9)
    assert review.text.markdown == "**Wow**" and review.text.html == "<p><strong>Wow</strong></p>"
    assert (shown.username, shown.liked, review.revision, review.contains_spoilers) == ("ada", False, 1, True)
    assert shown.movie is not None and shown.movie.title == "The Matrix"
    assert await room.reading.get(NOBODY, review.review_id) == shown_to_all(shown)
    assert await shown_count(room, 603) == 1
    rated, told = await room.events()
    assert isinstance(rated, events_pb2.RatingChanged) and (rated.user_id, rated.overall) == ("u-ada", 4.5)
    assert told == events_pb2.ReviewChanged(
        review_id=review.review_id, user_id="u-ada", movie_id=603, revision=1, added=True
    )


def shown_to_all(shown: Any) -> Any:
    return type(shown)(shown.review, shown.username, False, False, shown.movie)


async def test_a_rating_that_comes_with_it_leaves_the_other_dimensions_alone(room: Room) -> None:
    wish = RatingWish(603, Score(6, acting=3))
    await room.database.write(lambda tx: room.book.apply(tx, "u-ada", [wish]))
    assert (await room.publish(ADA, 603, overall=5.0)).review.overall == 10
    kept = await room.database.read(lambda tx: ratings.of(tx, "u-ada", 603))
    assert kept is not None and kept.score == Score(10, acting=3)
    other = (await room.publish(BOB, 603)).review
    assert other.overall is None


async def test_a_film_that_nobody_knows_is_not_reviewed(room: Room) -> None:
    # the copy of the catalogue is not whole here and the catalogue away: nobody can tell
    await refused(room.publish(ADA, 999), Unavailable)
    assert (await room.reading.of_author(ADA, 10, None)).total == 0


async def test_there_is_one_review_a_person_and_film(room: Room) -> None:
    first = await room.publish(ADA, 603)
    await room.publish(BOB, 603)
    await room.publish(ADA, 604)
    refusal = await refused(room.publish(ADA, 603, "Again."), AlreadyExists)
    assert refusal.metadata == {"review_id": first.review.review_id} and refusal.violations[0][0] == "movie_id"
    assert await shown_count(room, 603) == 2


async def test_sent_by_many_at_once_one_review_is_published(room: Room) -> None:
    answers = await asyncio.gather(*(room.publish(ADA, 603, f"Take {n}.") for n in range(10)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in answers) == ["AlreadyExists"] * 9 + ["ShownReview"]
    assert await shown_count(room, 603) == 1 and len(await room.events()) == 1


async def test_an_edit_keeps_what_was_said_before(room: Room) -> None:
    review = (await room.publish(ADA, 603, "One.", title="I")).review
    await room.events()
    for number, body in ((2, "Two."), (3, "Three.")):
        changed = await room.reviews.update(ADA, review.review_id, {"body_markdown": body}, "")
        assert (changed.review.revision, changed.review.text.markdown, changed.review.title) == (number, body, "I")
        assert changed.review.etag != review.etag and changed.review.updated_at > review.updated_at
        review = changed.review
    history = await room.reading.history(ADA, review.review_id, 10, None)
    assert [(one.revision, one.text.markdown) for one in history.found] == [(2, "Two."), (1, "One.")]
    assert (history.total, history.following) == (2, None)
    first = await room.reading.history(ADA, review.review_id, 1, None)
    assert (await room.reading.history(ADA, review.review_id, 1, first.following)).found == history.found[1:]
    told: list[Any] = await room.events()
    assert [(one.revision, one.added) for one in told] == [(2, False), (3, False)]


async def test_an_edit_that_says_the_same_changes_nothing(room: Room) -> None:
    review = (await room.publish(ADA, 603, "One.")).review
    await room.events()
    changes = {"body_markdown": "One.\r\n", "title": "", "contains_spoilers": False}
    assert (await room.reviews.update(ADA, review.review_id, changes, "")).review == review
    assert await room.events() == []


async def test_an_etag_that_is_not_the_current_one_is_refused(room: Room) -> None:
    review = (await room.publish(ADA, 603, "One.")).review
    await room.reviews.update(ADA, review.review_id, {"title": "I"}, review.etag)
    for call in (
        room.reviews.update(ADA, review.review_id, {"title": "II"}, review.etag),
        room.reviews.delete(ADA, review.review_id, review.etag),
    ):
        assert (await refused(call, Aborted)).reason is Reason.ETAG_MISMATCH
    assert (await room.reading.get(ADA, review.review_id)).review.title == "I"


async def test_of_many_edits_with_one_etag_one_wins(room: Room) -> None:
    review = (await room.publish(ADA, 603, "One.")).review
    answers = await asyncio.gather(
        *(room.reviews.update(ADA, review.review_id, {"title": f"{n}"}, review.etag) for n in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Aborted) for one in answers) == 9
    assert (await room.reading.history(ADA, review.review_id, 10, None)).total == 1


async def test_likes_and_comments_leave_the_etag_alone(room: Room) -> None:
    review = (await room.publish(ADA, 603)).review
    await room.reviews.like(BOB, review.review_id, liked=True)
    await room.comment(BOB, review.review_id)
    assert (await room.reading.get(ADA, review.review_id)).review.etag == review.etag


@pytest.mark.parametrize("body", ["   ", "\u200b\n", "<div></div>", "a\x00b", "a\x07", "a\u202eb", "---"])
async def test_a_text_that_says_nothing_or_deceives_is_refused(room: Room, body: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await room.publish(ADA, 603, body)
    assert caught.value.violations[0][0] == "body_markdown"


async def test_others_may_not_change_it(room: Room) -> None:
    review = (await room.publish(ADA, 603)).review
    for viewer in (BOB, BOSS):
        for call in (
            room.reviews.update(viewer, review.review_id, {"title": "Mine"}, ""),
            room.reviews.delete(viewer, review.review_id, ""),
            room.reading.history(viewer, review.review_id, 10, None),
        ):
            await refused(call, PermissionDenied)
    await refused(room.reviews.update(BOB, "01J00000000000000000000000", {"title": "Mine"}, ""), NotFound)


async def test_a_hidden_review_is_seen_by_its_author_and_administrators_alone(room: Room) -> None:
    review = (await room.publish(ADA, 603)).review
    await room.publish(BOB, 603)
    await room.moderation.hide_review(BOSS, review.review_id, "rude", hidden=True)
    assert await shown_count(room, 603) == 1
    for viewer in (ADA, BOSS, Viewer(sees_hidden=True)):
        found = await room.reading.get(viewer, review.review_id)
        assert found.review.hidden and found.review.hidden_reason == "rude" and found.told
        assert (await room.reading.of_film(OfFilm(603, viewer=viewer), 10, None)).total == 2
    await refused(room.reviews.like(BOB, review.review_id, liked=True), NotFound)
    await refused(room.reviews.update(BOB, review.review_id, {"title": "Mine"}, ""), NotFound)
    await refused(room.comment(BOB, review.review_id), NotFound)
    for viewer in (NOBODY, BOB):
        await refused(room.reading.get(viewer, review.review_id), NotFound)
        await refused(room.comments.of_review(viewer, review.review_id, 10, ""), NotFound)
        page = await room.reading.of_film(OfFilm(603, viewer=viewer), 10, None)
        assert (len(page.found), page.total) == (1, 1)
    mine = await room.reading.of_author(ADA, 10, None)
    assert [one.review.hidden for one in mine.found] == [True]


async def test_a_deleted_review_takes_everything_with_it(room: Room) -> None:
    review = (await room.publish(ADA, 603)).review
    await room.reviews.update(ADA, review.review_id, {"title": "I"}, "")
    await room.reviews.like(BOB, review.review_id, liked=True)
    comment = (await room.comment(BOB, review.review_id)).comment
    await room.events()
    await room.reviews.delete(ADA, review.review_id, "")
    (told,) = await room.events()
    assert told == events_pb2.ReviewDeleted(review_id=review.review_id, user_id="u-ada", movie_id=603)
    assert await shown_count(room, 603) == 0
    await refused(room.reading.get(ADA, review.review_id), NotFound)
    await refused(room.comments.update(BOB, comment.comment_id, "Still?", ""), NotFound)
    again = (await room.publish(ADA, 603)).review
    assert (again.like_count, again.comment_count, again.revision) == (0, 0, 1)
    assert not (await room.reading.get(BOB, again.review_id)).liked


async def test_a_like_counts_once(room: Room) -> None:
    review = (await room.publish(ADA, 603)).review
    await room.events()
    assert await room.reviews.like(BOB, review.review_id, liked=True) == 1
    assert await room.reviews.like(BOB, review.review_id, liked=True) == 1
    assert await room.reviews.like(CY, review.review_id, liked=True) == 2
    assert (await room.reading.get(BOB, review.review_id)).liked
    assert not (await room.reading.get(ADA, review.review_id)).liked
    assert await room.reviews.like(BOB, review.review_id, liked=False) == 1
    assert await room.reviews.like(BOB, review.review_id, liked=False) == 1
    told: list[Any] = await room.events()
    assert [(one.user_id, one.liked, one.like_count) for one in told] == [
        ("u-bob", True, 1),
        ("u-cy", True, 2),
        ("u-bob", False, 1),
    ]


async def test_likes_of_many_at_once_are_all_counted(room: Room) -> None:
    review = (await room.publish(ADA, 603)).review
    await asyncio.gather(
        *(room.reviews.like(Viewer(f"u-{n % 20}"), review.review_id, liked=True) for n in range(60)),
        *(room.reviews.like(Viewer(f"v-{n}"), review.review_id, liked=False) for n in range(10)),
    )
    assert (await room.reading.get(ADA, review.review_id)).review.like_count == 20


async def titled(room: Room, order: Order, size: int = 2, **fields: Any) -> list[str]:
    """Returns the titles of all reviews of a film, read page by page."""
    found, after = [], None
    wanted = OfFilm(603, order, **fields)
    while True:
        page = await room.reading.of_film(wanted, size, after)
        assert len(page.found) <= size and all(one.movie is None for one in page.found)
        found += [one.review.title for one in page.found]
        if page.following is None:
            assert page.total == len(found)
            return found
        after = page.following


async def test_the_reviews_of_a_film_come_in_every_order(room: Room) -> None:
    for number, (overall, likes) in enumerate([(3.0, 1), (5.0, 0), (None, 2), (0.0, 1), (5.0, 3), (None, 0), (4.0, 0)]):
        spoils = number % 2 == 1
        made = await room.publish(
            Viewer(f"u-{number}"), 603, title=str(number), overall=overall, contains_spoilers=spoils
        )
        for fan in range(likes):
            await room.reviews.like(Viewer(f"fan-{fan}"), made.review.review_id, liked=True)
    await room.publish(ADA, 604)
    for size in (1, 2, 3, 7, 10):
        assert await titled(room, "newest", size) == ["6", "5", "4", "3", "2", "1", "0"]
        liked = await titled(room, "most_liked", size)
        assert liked[:2] == ["4", "2"] and set(liked[2:4]) == {"0", "3"} and set(liked[4:]) == {"1", "5", "6"}
        highest = await titled(room, "highest", size)
        assert set(highest[:2]) == {"1", "4"} and highest[2:5] == ["6", "0", "3"] and set(highest[5:]) == {"2", "5"}
        lowest = await titled(room, "lowest", size)
        assert lowest[:3] == ["3", "0", "6"] and set(lowest[3:5]) == {"1", "4"} and set(lowest[5:]) == {"2", "5"}
    assert await titled(room, "newest", hide_spoilers=True) == ["6", "4", "2", "0"]


async def test_others_services_read_reviews_by_id_and_whole(room: Room) -> None:
    made = [(await room.publish(Viewer(f"u-{n}"), 603)).review.review_id for n in range(5)]
    await room.moderation.hide_review(BOSS, made[1], "", hidden=True)
    service = Viewer(sees_hidden=True)
    found, missing = await room.reading.some(service, [made[3], "nothing", made[1], made[3]])
    assert [one.review.review_id for one in found] == [made[3], made[1]] and missing == ["nothing"]
    streamed = [one.review.review_id async for some in room.reading.stream(service, "") for one in some]
    assert streamed == sorted(made)
    after = [one.review.review_id async for some in room.reading.stream(service, streamed[2]) for one in some]
    assert after == streamed[3:]


async def test_an_import_adds_and_replaces_and_is_taken_back_where_nothing_changed_since(room: Room) -> None:
    mine = (await room.publish(ADA, 603, "My own.")).review
    wishes = [wish_of(603, "Theirs."), wish_of(604, "New.", created_at=START), wish_of(2571, "Edited since.")]

    def apply(tx: Any) -> list[Any]:
        return [room.reviews.apply(tx, "u-ada", wish) for wish in wishes]

    replaced, added, touched = await room.database.write(apply)
    assert replaced.before == mine and added.before is None and added.after.created_at == START
    assert (await room.database.write(lambda tx: room.reviews.apply(tx, "u-ada", wishes[0]))).changed is False
    await room.reviews.update(ADA, touched.after.review_id, {"title": "Mine now"}, "")

    def undo(tx: Any) -> list[bool]:
        return [room.reviews.undo(tx, change) for change in (replaced, added, touched)]

    assert await room.database.write(undo) == [True, True, False]
    assert await room.database.write(undo) == [False, False, False]
    left = {one.review.movie_id: one.review for one in (await room.reading.of_author(ADA, 10, None)).found}
    assert {movie_id: review.text.markdown for movie_id, review in left.items()} == {
        603: "My own.",
        2571: "Edited since.",
    }
    assert (await shown_count(room, 603), await shown_count(room, 604)) == (1, 0)
