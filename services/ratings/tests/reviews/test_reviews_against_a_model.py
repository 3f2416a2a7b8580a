"""Any sequence of acts on reviews, comments and reports, held against a model that does the same in plain Python; both databases."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cine_ratings.domain.moderation import Complaint
from cine_ratings.domain.review import NOBODY, Order, Viewer
from cine_ratings.store import counts
from cine_ratings.store.reviews import OfFilm
from cine_ratings.store.schema import metadata
from cinemesh.db import Database, migrate
from cinemesh.errors import AlreadyExists, CineError, FailedPrecondition, NotFound, PermissionDenied

from .conftest import ADA, BOB, BOSS, CY, FILMS, Room, TickingClock
from .review_model import DEEPEST, MADE, Said, Written, reading_order

WRITERS = (ADA, BOB, CY)
ORDERS: tuple[Order, ...] = ("newest", "most_liked", "highest", "lowest")
PICK = st.integers(0, 119)


class Acts(RuleBasedStateMachine):
    """What people and administrators do, in the store and in the model."""

    database: ClassVar[Database]
    loop: ClassVar[asyncio.AbstractEventLoop]
    folder: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[str, Written] = {}
        self.said: dict[str, tuple[Written, Said]] = {}
        self.ratings: dict[tuple[str, int], int] = {}
        self.gone: list[str] = ["01J00000000000000000000000"]
        self.followed: dict[str, Followed] = {}
        self.number = self.steps = 0
        self.room = Room(self.database, self.folder, TickingClock())

    def do(self, call: Any) -> Any:
        """Returns what a call answers, or the class of what it raises."""
        try:
            return self.loop.run_until_complete(call)
        except CineError as failure:
            return type(failure)

    @initialize()
    def begin(self) -> None:
        def empty(tx: Any) -> None:
            for table in reversed(metadata.sorted_tables):
                tx.execute(sa.delete(table))

        self.do(self.database.write(empty))
        self.do(self.room.fill())
        self.do(self.room.events())
        for viewer in WRITERS[:2]:
            self.publish(viewer, min(FILMS), False, None)

    def review_at(self, pick: int) -> str:
        """Returns the id of a review, or now and then one of something that is not there any more."""
        live = list(self.written)
        return live[pick % len(live)] if live and pick % 10 else self.gone[pick % len(self.gone)]

    def comment_at(self, pick: int) -> str:
        """As `review_at`, of comments: small numbers are late ones, so that threads grow deep."""
        live = list(self.said)[::-1]
        return live[pick // 10 % len(live)] if live and pick % 10 else self.gone[pick % len(self.gone)]

    def author_of(self, author: str, pick: int) -> Viewer:
        """Returns the author of something, or now and then somebody else."""
        return Viewer(author) if pick % 4 else WRITERS[pick // 4 % 3]

    def visible(self, review_id: str, viewer: Viewer) -> Written | None:
        review = self.written.get(review_id)
        return review if review is not None and review.seen_by(viewer) else None

    def may_change(self, review_id: str, viewer: Viewer) -> Written | type[CineError]:
        review = self.visible(review_id, viewer)
        if review is None:
            return NotFound
        return review if review.author == viewer.user_id else PermissionDenied

    def present(self, comment_id: str, viewer: Viewer) -> tuple[Written, Said] | None:
        found = self.said.get(comment_id)
        if found is None or found[1].deleted or self.visible(found[0].review_id, viewer) is None:
            return None
        return found

    @rule(
        viewer=st.sampled_from(WRITERS),
        movie_id=st.sampled_from(sorted(FILMS)),
        spoils=st.booleans(),
        halves=st.none() | st.integers(0, 10),
    )
    def publish(self, viewer: Viewer, movie_id: int, spoils: bool, halves: int | None) -> None:
        body = f"Text {self.number}."
        overall = halves / 2 if halves is not None else None
        answer = self.do(self.room.publish(viewer, movie_id, body, contains_spoilers=spoils, overall=overall))
        if any((one.author, one.movie_id) == (viewer.user_id, movie_id) for one in self.written.values()):
            assert answer is AlreadyExists
            return
        self.number += 1
        if halves is not None:
            self.ratings[viewer.user_id, movie_id] = halves
        review_id = answer.review.review_id
        self.written[review_id] = Written(review_id, viewer.user_id, movie_id, body, spoils, self.number)

    @rule(pick=PICK, body=st.sampled_from(["One.", "Two.", "Three."]))
    def edit(self, pick: int, body: str) -> None:
        review_id = self.review_at(pick)
        viewer = self.author_of(self.written[review_id].author if review_id in self.written else "", pick)
        answer = self.do(self.room.reviews.update(viewer, review_id, {"body_markdown": body}, ""))
        review = self.may_change(review_id, viewer)
        if not isinstance(review, Written):
            assert answer is review
            return
        if review.body != body:
            review.history.insert(0, review.body)
            review.body = body
        assert answer.review.revision == len(review.history) + 1

    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        review_id = self.review_at(pick)
        viewer = self.author_of(self.written[review_id].author if review_id in self.written else "", pick)
        answer = self.do(self.room.reviews.delete(viewer, review_id, ""))
        review = self.may_change(review_id, viewer)
        if not isinstance(review, Written):
            assert answer is review
            return
        del self.written[review_id]
        self.gone += [review_id, *(comment_id for comment_id, one in self.said.items() if one[0] is review)]
        self.said = {comment_id: one for comment_id, one in self.said.items() if one[0] is not review}

    @rule(viewer=st.sampled_from(WRITERS), pick=PICK, liked=st.booleans())
    def like(self, viewer: Viewer, pick: int, liked: bool) -> None:
        review_id = self.review_at(pick)
        answer = self.do(self.room.reviews.like(viewer, review_id, liked=liked))
        review = self.visible(review_id, viewer)
        if review is None:
            assert answer is NotFound
            return
        review.likes = review.likes | {viewer.user_id} if liked else review.likes - {viewer.user_id}
        assert answer == len(review.likes)

    @rule(pick=PICK, hidden=st.booleans())
    def hide(self, pick: int, hidden: bool) -> None:
        review_id = self.review_at(pick)
        answer = self.do(self.room.moderation.hide_review(BOSS, review_id, "why", hidden=hidden))
        if review_id in self.written:
            self.written[review_id].hidden = hidden
        else:
            assert answer is NotFound

    @rule(viewer=st.sampled_from(WRITERS), pick=PICK)
    def comment(self, viewer: Viewer, pick: int) -> None:
        self._comment(viewer, self.review_at(pick), None)

    @rule(viewer=st.sampled_from(WRITERS), pick=PICK, length=st.integers(1, DEEPEST + 3))
    def converse(self, viewer: Viewer, pick: int, length: int) -> None:
        """Answers a comment, then that answer, and so on."""
        for _ in range(length):
            found = self.said.get(self.comment_at(pick))
            if found is None or not self._comment(viewer, found[0].review_id, found[1]):
                return
            pick = 1  # the one just made

    def _comment(self, viewer: Viewer, review_id: str, parent: Said | None) -> bool:
        """Comments in both. Returns whether there is a comment more."""
        self.number += 1
        body = f"Word {self.number}."
        parent_id = parent.comment_id if parent is not None else ""
        answer = self.do(self.room.comment(viewer, review_id, body, parent_id))
        review = self.visible(review_id, viewer)
        if review is None:
            assert answer is NotFound
            return False
        if parent is not None and not parent.shown:
            assert answer is FailedPrecondition
            return False
        said = Said(answer.comment.comment_id, viewer.user_id, body, parent)
        MADE[said.comment_id] = self.number
        (review.threads if parent is None else parent.answers).append(said)
        self.said[said.comment_id] = (review, said)
        return True

    @rule(pick=PICK, body=st.sampled_from(["One.", "Two."]))
    def reword(self, pick: int, body: str) -> None:
        comment_id = self.comment_at(pick)
        viewer = self.author_of(self.said[comment_id][1].author if comment_id in self.said else "", pick)
        answer = self.do(self.room.comments.update(viewer, comment_id, body, ""))
        found = self.present(comment_id, viewer)
        if found is None:
            assert answer is NotFound
        elif found[1].author != viewer.user_id:
            assert answer is PermissionDenied
        else:
            found[1].body = body

    @rule(picks=st.lists(PICK, min_size=1, max_size=3))
    def take_back(self, picks: list[int]) -> None:
        for pick in picks:
            comment_id = self.comment_at(pick)
            viewer = self.author_of(self.said[comment_id][1].author if comment_id in self.said else "", pick)
            self._take_back(viewer, comment_id)

    def _take_back(self, viewer: Viewer, comment_id: str) -> None:
        answer = self.do(self.room.comments.delete(viewer, comment_id, ""))
        found = self.present(comment_id, viewer)
        if found is None:
            assert answer is NotFound
            return
        review, said = found
        if said.author != viewer.user_id:
            assert answer is PermissionDenied
            return
        said.deleted, said.hidden, said.body = True, False, ""
        gone: Said | None = said
        while gone is not None and gone.deleted and not gone.answers:
            (review.threads if gone.parent is None else gone.parent.answers).remove(gone)
            del self.said[gone.comment_id]
            self.gone.append(gone.comment_id)
            gone = gone.parent

    @rule(pick=PICK, hidden=st.booleans(), taken_back=st.booleans())
    def hide_comment(self, pick: int, hidden: bool, taken_back: bool) -> None:
        comment_id = self.comment_at(pick)
        answer = self.do(self.room.moderation.hide_comment(BOSS, comment_id, "why", hidden=hidden))
        found = self.present(comment_id, BOSS)
        if found is None:
            assert answer is NotFound
        else:
            found[1].hidden = hidden
            if taken_back:
                self._take_back(Viewer(found[1].author), comment_id)

    @rule(viewer=st.sampled_from(WRITERS), pick=PICK)
    def report(self, viewer: Viewer, pick: int) -> None:
        review_id = self.review_at(pick)
        answer = self.do(self.room.moderation.report_review(viewer, review_id, Complaint("spam")))
        assert (answer is NotFound) == (self.visible(review_id, viewer) is None)

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        self.steps += 1
        if self.steps % 8 == 0:
            self.check()

    def teardown(self) -> None:
        self.check()

    def check(self) -> None:
        """Compares all there is; not after every step, so that there is time for more of them."""
        self.reviews_are_those_of_the_model()
        self.orders_are_right_and_pages_join()
        self.history_and_threads_are_those_of_the_model()
        self.counts_have_not_drifted()
        self.who_follows_the_feed_knows_the_same()

    def reviews_are_those_of_the_model(self) -> None:
        for viewer in (NOBODY, ADA, BOSS):
            for movie_id in FILMS:
                wanted = [one for one in self.written.values() if one.movie_id == movie_id and one.seen_by(viewer)]
                page = self.do(self.room.reading.of_film(OfFilm(movie_id, viewer=viewer), 50, None))
                assert page.total == len(wanted)
                by_age = sorted(wanted, key=lambda one: -one.number)
                assert [one.review.review_id for one in page.found] == [one.review_id for one in by_age]
                for shown in page.found:
                    self.is_as(shown, self.written[shown.review.review_id], viewer)

    def is_as(self, shown: Any, review: Written, viewer: Viewer) -> None:
        found = shown.review
        assert (found.text.markdown, found.contains_spoilers, found.hidden) == (
            review.body,
            review.spoils,
            review.hidden,
        )
        assert (found.like_count, shown.liked) == (len(review.likes), viewer.user_id in review.likes)
        assert found.overall == self.ratings.get((review.author, review.movie_id))
        assert found.comment_count == sum(said.shown for _, said in reading_order(review.threads))
        assert shown.username == review.author.removeprefix("u-")

    def orders_are_right_and_pages_join(self) -> None:
        movie_id = min(FILMS)
        for order in ORDERS:
            found: list[Any] = []
            after = None
            while True:
                page = self.do(self.room.reading.of_film(OfFilm(movie_id, order, viewer=BOSS), 2, after))
                found += page.found
                if page.following is None:
                    break
                after = page.following
            keys = [self.key(self.written[one.review.review_id], order) for one in found]
            assert keys == sorted(keys) and page.total == len(found) == len({one.review.review_id for one in found})

    def key(self, review: Written, order: Order) -> float:
        overall = self.ratings.get((review.author, review.movie_id))
        if order == "newest":
            return -review.number
        if order == "most_liked":
            return -len(review.likes)
        if overall is None:
            return 99
        return -overall if order == "highest" else overall

    def history_and_threads_are_those_of_the_model(self) -> None:
        for review in self.written.values():
            author = Viewer(review.author)
            history = self.do(self.room.reading.history(author, review.review_id, 50, None))
            assert [one.text.markdown for one in history.found] == review.history
            page = self.do(self.room.comments.of_review(author, review.review_id, 100, ""))
            wanted = list(reading_order(review.threads))
            assert page.total == len(wanted) == len(page.found)
            for shown, (depth, said) in zip(page.found, wanted, strict=True):
                comment = shown.comment
                assert (comment.comment_id, comment.place.depth) == (said.comment_id, depth)
                assert comment.text.markdown == (said.body if said.shown else "")
                assert (comment.deleted, comment.hidden) == (said.deleted, said.hidden)
                assert comment.reply_count == len(said.answers)

    def counts_have_not_drifted(self) -> None:
        for movie_id in FILMS:
            counted = self.do(self.database.read(partial(counts.of_film, movie_id=movie_id)))
            shown = [one for one in self.written.values() if one.movie_id == movie_id and not one.hidden]
            assert counted.review_count == len(shown)

    def who_follows_the_feed_knows_the_same(self) -> None:
        """Applies what was told since the last step to nothing but what was told before."""
        for fact in self.do(self.room.events()):
            name = fact.DESCRIPTOR.name
            if name == "ReviewChanged":
                self.followed.setdefault(fact.review_id, Followed(fact.user_id, fact.movie_id)).revision = fact.revision
            elif name == "ReviewDeleted":
                del self.followed[fact.review_id]
            elif name == "ReviewHidden":
                self.followed[fact.review_id].hidden = fact.hidden
            elif name == "ReviewLiked":
                self.followed[fact.review_id].like_count = fact.like_count
            elif name == "CommentChanged":
                self.followed[fact.review_id].comment_count = fact.comment_count
        told = {review_id: dataclasses.astuple(one) for review_id, one in self.followed.items()}
        assert told == {
            one.review_id: (
                one.author,
                one.movie_id,
                len(one.history) + 1,
                one.hidden,
                len(one.likes),
                sum(said.shown for _, said in reading_order(one.threads)),
            )
            for one in self.written.values()
        }


@dataclass
class Followed:
    """What a consumer knows of a review from events alone."""

    user_id: str
    movie_id: int
    revision: int = 1
    hidden: bool = False
    like_count: int = 0
    comment_count: int = 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_any_sequence_of_acts_leaves_what_the_model_says(store_url: str, tmp_path: Path) -> None:
    migrate(store_url, "cine_ratings")
    loop = asyncio.new_event_loop()
    database = Database(store_url, pool=2)
    try:
        kind = type("Bound", (Acts,), {"database": database, "loop": loop, "folder": tmp_path})
        run_state_machine_as_test(
            kind,
            settings=settings(
                max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        loop.run_until_complete(database.close())
        loop.close()
