"""Comments on both databases: threads in reading order, what is left of what is gone, counts."""

from __future__ import annotations

import asyncio
from typing import Any

from cine_ratings.domain.comment import DEEPEST
from cine_ratings.domain.review import NOBODY
from cinemesh.errors import Aborted, FailedPrecondition, NotFound, PermissionDenied, Reason

from .conftest import ADA, BOB, BOSS, CY, Room, refused


async def thread(room: Room, review_id: str, size: int = 100) -> list[tuple[int, str]]:
    """Returns depth and text of all comments on a review, read page by page."""
    found: list[tuple[int, str]] = []
    after = ""
    while True:
        page = await room.comments.of_review(NOBODY, review_id, size, after)
        assert len(page.found) <= size
        found += [(one.comment.place.depth, one.comment.text.markdown) for one in page.found]
        if page.following is None:
            assert page.total == len(found)
            return found
        after = page.following


async def comment_count(room: Room, review_id: str) -> int:
    return (await room.reading.get(BOSS, review_id)).review.comment_count


async def test_threads_are_read_whole_and_oldest_first(room: Room) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    first = (await room.comment(BOB, review_id, "1")).comment
    second = (await room.comment(CY, review_id, "2")).comment
    answer = (await room.comment(ADA, review_id, "1.1", first.comment_id)).comment
    await room.comment(ADA, review_id, "2.1", second.comment_id)
    await room.comment(BOB, review_id, "1.1.1", answer.comment_id)
    await room.comment(CY, review_id, "1.2", first.comment_id)
    await room.comment(CY, review_id, "3")
    wanted = [(0, "1"), (1, "1.1"), (2, "1.1.1"), (1, "1.2"), (0, "2"), (1, "2.1"), (0, "3")]
    for size in (1, 2, 3, 7):
        assert await thread(room, review_id, size) == wanted
    page = await room.comments.of_review(NOBODY, review_id, 10, "")
    shown = {one.comment.text.markdown: one for one in page.found}
    assert shown["1"].comment.reply_count == 2 and shown["1.1"].comment.reply_count == 1
    assert shown["1.1"].comment.parent_comment_id == first.comment_id and shown["1.1"].username == "ada"
    assert await comment_count(room, review_id) == 7


async def test_answers_below_the_deepest_lie_beside_it(room: Room) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    parent, made = "", []
    for number in range(DEEPEST + 3):
        made.append((await room.comment(BOB, review_id, f"c{number}", parent)).comment)
        parent = made[-1].comment_id
    assert [one.place.depth for one in made] == [*range(DEEPEST + 1), DEEPEST, DEEPEST]
    assert [one.parent_comment_id for one in made[1:]] == [one.comment_id for one in made[:-1]]
    assert [text for _, text in await thread(room, review_id)] == [f"c{number}" for number in range(DEEPEST + 3)]
    # all below the deepest come in the order they were made, whichever of them they answer
    for late, answered in (("late", 5), ("later", 6), ("latest", 5)):
        await room.comment(CY, review_id, late, made[answered].comment_id)
    assert [text for _, text in await thread(room, review_id)][-5:] == ["c6", "c7", "late", "later", "latest"]


async def test_only_what_is_there_can_be_answered(room: Room) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    other = (await room.publish(ADA, 604)).review.review_id
    elsewhere = (await room.comment(BOB, other)).comment.comment_id
    for parent in (elsewhere, "01J00000000000000000000000"):
        refusal = await refused(room.comment(BOB, review_id, parent=parent), NotFound)
        assert refusal.violations[0][0] == "parent_comment_id"
    gone = (await room.comment(BOB, review_id)).comment.comment_id
    await room.comment(CY, review_id, parent=gone)
    await room.comments.delete(BOB, gone, "")
    await refused(room.comment(CY, review_id, parent=gone), FailedPrecondition)
    assert await comment_count(room, review_id) == 1


async def test_an_answered_comment_leaves_its_place_and_others_leave_nothing(room: Room) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    top = (await room.comment(BOB, review_id, "top")).comment
    middle = (await room.comment(CY, review_id, "middle", top.comment_id)).comment
    leaf = (await room.comment(ADA, review_id, "leaf", middle.comment_id)).comment
    await room.events()
    await room.comments.delete(CY, middle.comment_id, "")
    assert await thread(room, review_id) == [(0, "top"), (1, ""), (2, "leaf")]
    (shown,) = [one for one in (await room.comments.of_review(NOBODY, review_id, 9, "")).found if one.comment.deleted]
    assert (shown.comment.text.html, shown.username, shown.comment.reply_count) == ("", "cy", 1)
    for call in (
        room.comments.update(CY, middle.comment_id, "Back.", ""),
        room.comments.delete(CY, middle.comment_id, ""),
    ):
        await refused(call, NotFound)
    # the last answer takes the empty places above it along, and stops at what somebody still says
    await room.comments.delete(ADA, leaf.comment_id, "")
    assert await thread(room, review_id) == [(0, "top")]
    (left,) = (await room.comments.of_review(NOBODY, review_id, 9, "")).found
    assert left.comment.reply_count == 0
    told: list[Any] = await room.events()
    assert [(one.comment_id, one.shown, one.comment_count) for one in told] == [
        (middle.comment_id, False, 2),
        (leaf.comment_id, False, 1),
    ]
    await room.comments.delete(BOB, top.comment_id, "")
    assert await thread(room, review_id) == [] and await comment_count(room, review_id) == 0


async def test_its_author_edits_a_comment_and_nobody_else_does(room: Room) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    comment = (await room.comment(BOB, review_id, "*One.*")).comment
    for viewer in (ADA, BOSS):
        await refused(room.comments.update(viewer, comment.comment_id, "Mine", ""), PermissionDenied)
        await refused(room.comments.delete(viewer, comment.comment_id, ""), PermissionDenied)
    changed = (await room.comments.update(BOB, comment.comment_id, "*Two.*", comment.etag)).comment
    assert changed.text.html == "<p><em>Two.</em></p>"
    assert changed.etag != comment.etag and changed.updated_at > changed.created_at
    for call in (
        room.comments.update(BOB, comment.comment_id, "Three.", comment.etag),
        room.comments.delete(BOB, comment.comment_id, comment.etag),
    ):
        assert (await refused(call, Aborted)).reason is Reason.ETAG_MISMATCH
    await room.events()
    assert (await room.comments.update(BOB, comment.comment_id, "*Two.* ", "")).comment == changed
    assert await room.events() == []


async def test_of_a_hidden_comment_only_its_place_is_shown_and_its_author_learns_why(room: Room) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    comment_id = (await room.comment(BOB, review_id, "Rude.")).comment.comment_id
    await room.events()
    await room.moderation.hide_comment(BOSS, comment_id, "rude", hidden=True)
    for viewer, reason in ((NOBODY, ""), (CY, ""), (BOB, "rude"), (BOSS, "rude")):
        (shown,) = (await room.comments.of_review(viewer, review_id, 9, "")).found
        assert shown.comment.hidden and shown.comment.text.markdown == shown.comment.text.html == ""
        assert shown.comment.hidden_reason == reason
    assert await comment_count(room, review_id) == 0
    await refused(room.comment(CY, review_id, parent=comment_id), FailedPrecondition)
    await room.comments.update(BOB, comment_id, "Polite.", "")
    await room.moderation.hide_comment(BOSS, comment_id, "", hidden=False)
    assert await thread(room, review_id) == [(0, "Polite.")] and await comment_count(room, review_id) == 1
    told: list[Any] = await room.events()
    assert [(one.shown, one.comment_count) for one in told] == [(False, 0), (False, 0), (True, 1)]


async def test_comments_of_many_at_once_are_all_counted_and_in_one_order(room: Room) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    top = (await room.comment(BOB, review_id, "top")).comment
    await asyncio.gather(*(room.comment(CY, review_id, f"c{n}", top.comment_id) for n in range(30)))
    page = await room.comments.of_review(NOBODY, review_id, 100, "")
    assert page.found[0].comment.reply_count == 30 and await comment_count(room, review_id) == 31
    assert len({one.comment.place.path for one in page.found}) == 31
    await asyncio.gather(*(room.comments.delete(CY, one.comment.comment_id, "") for one in page.found[1:]))
    assert await thread(room, review_id) == [(0, "top")] and await comment_count(room, review_id) == 1
