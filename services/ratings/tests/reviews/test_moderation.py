"""Reports and what administrators do about them, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cine.ratings.v1 import events_pb2
from cine_ratings.domain.moderation import Act, Complaint, Report, State, Thing
from cine_ratings.domain.review import Viewer
from cine_ratings.store import moderation
from cinemesh.errors import FailedPrecondition, NotFound

from .conftest import ADA, BOB, BOSS, CY, Room, refused

SPAM, ABUSE = Complaint("spam", "Buy!"), Complaint("abuse", "Rude.")


async def reports(room: Room, state: State = "open", size: int = 10) -> list[Report]:
    found: list[Report] = []
    after = None
    while True:
        page = await room.moderation.find(state, size, after)
        found += page.found
        if page.following is None:
            assert page.total == len(found)
            return found
        after = page.following


async def acts(room: Room, review_id: str) -> list[Act]:
    return await room.database.read(lambda tx: moderation.acts(tx, review_id))


async def test_what_many_report_is_one_report(room: Room) -> None:
    review_id = (await room.publish(ADA, 603, "Buy *this*!")).review.review_id
    comment_id = (await room.comment(ADA, review_id, "And this!")).comment.comment_id
    first = await room.moderation.report_review(BOB, review_id, SPAM)
    assert await room.moderation.report_review(CY, review_id, ABUSE) == first
    assert await room.moderation.report_review(BOB, review_id, ABUSE) == first  # again: nothing changes
    other = await room.moderation.report_comment(BOB, comment_id, ABUSE)
    for size in (1, 10):
        about_review, about_comment = await reports(room, size=size)
        assert (about_review.report_id, about_review.reporter_count, about_review.complaint) == (first, 2, SPAM)
        assert (about_review.thing, about_review.body_markdown) == (Thing(review_id), "Buy *this*!")
        assert (about_comment.report_id, about_comment.reporter_count) == (other, 1)
        assert (about_comment.thing, about_comment.body_markdown) == (Thing(review_id, comment_id), "And this!")


async def test_reports_of_many_at_once_are_one(room: Room) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    told = await asyncio.gather(
        *(room.moderation.report_review(Viewer(f"u-{n % 10}"), review_id, SPAM) for n in range(30))
    )
    (report,) = await reports(room)
    assert set(told) == {report.report_id} and report.reporter_count == 10


async def test_what_nobody_sees_cannot_be_reported(room: Room) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    comment_id = (await room.comment(ADA, review_id)).comment.comment_id
    await room.moderation.hide_comment(BOSS, comment_id, "", hidden=True)
    await refused(room.moderation.report_comment(BOB, comment_id, SPAM), NotFound)
    await room.moderation.hide_review(BOSS, review_id, "", hidden=True)
    await refused(room.moderation.report_review(BOB, review_id, SPAM), NotFound)
    await refused(room.moderation.report_review(BOB, "01J00000000000000000000000", SPAM), NotFound)
    assert await reports(room) == []


async def test_a_report_is_settled_by_hiding(room: Room) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    report_id = await room.moderation.report_review(BOB, review_id, SPAM)
    await room.events()
    settled = await room.moderation.resolve(BOSS, report_id, "hide", "third time")
    assert (settled.state, settled.report_id) == ("hidden", report_id) and settled.resolved_at is not None
    assert await room.moderation.resolve(BOSS, report_id, "hide", "once more") == settled
    await refused(room.moderation.resolve(BOSS, report_id, "dismiss", ""), FailedPrecondition)
    assert await reports(room) == [] and await reports(room, "hidden") == [settled]
    review = (await room.reading.get(ADA, review_id)).review
    assert (review.hidden, review.hidden_reason) == (True, "spam")  # what it was for, not the administrators' notes
    assert await room.events() == [events_pb2.ReviewHidden(review_id=review_id, movie_id=603, hidden=True)]
    assert await acts(room, review_id) == [Act("u-boss", "review.hide", Thing(review_id), report_id, "third time")]


async def test_a_report_is_dismissed_and_somebody_else_may_open_another(room: Room) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    comment_id = (await room.comment(CY, review_id)).comment.comment_id
    report_id = await room.moderation.report_comment(BOB, comment_id, SPAM)
    assert (await room.moderation.resolve(BOSS, report_id, "dismiss", "no")).state == "dismissed"
    assert await acts(room, review_id) == [
        Act("u-boss", "report.dismiss", Thing(review_id, comment_id), report_id, "no")
    ]
    assert await room.moderation.report_comment(BOB, comment_id, SPAM) == report_id
    assert await reports(room) == []
    another = await room.moderation.report_comment(ADA, comment_id, ABUSE)
    assert another != report_id
    await room.moderation.resolve(BOSS, another, "hide", "after all")
    (shown,) = (await room.comments.of_review(CY, review_id, 9, "")).found
    assert (shown.comment.hidden, shown.comment.hidden_reason) == (True, "abuse")


@pytest.mark.parametrize("kind", ["review", "comment"])
async def test_hiding_settles_the_report_and_showing_again_is_possible(room: Room, kind: str) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    comment_id = (await room.comment(ADA, review_id)).comment.comment_id
    on_review = kind == "review"
    thing_id = review_id if on_review else comment_id
    report: Any = room.moderation.report_review if on_review else room.moderation.report_comment
    hide: Any = room.moderation.hide_review if on_review else room.moderation.hide_comment
    report_id = await report(BOB, thing_id, SPAM)
    await room.events()
    for hidden in (True, True, False, False):
        await hide(BOSS, thing_id, "why", hidden=hidden)
    assert [one.report_id for one in await reports(room, "hidden")] == [report_id]
    assert [one.action for one in await acts(room, review_id)] == [f"{kind}.hide", f"{kind}.show"]
    assert len(await room.events()) == 2
    review = (await room.reading.get(BOB, review_id)).review
    assert (review.hidden, review.hidden_reason, review.comment_count) == (False, "", 1)


async def test_reports_go_with_what_they_are_about(room: Room) -> None:
    review_id = (await room.publish(ADA, 603)).review.review_id
    comment = (await room.comment(CY, review_id)).comment
    await room.comment(BOB, review_id, parent=comment.comment_id)
    report_id = await room.moderation.report_comment(BOB, comment.comment_id, SPAM)
    await room.comments.delete(CY, comment.comment_id, "")
    assert await reports(room) == []
    await refused(room.moderation.resolve(BOSS, report_id, "hide", ""), NotFound)
    await refused(room.moderation.hide_comment(BOSS, comment.comment_id, "", hidden=True), NotFound)
    report_id = await room.moderation.report_review(BOB, review_id, SPAM)
    await room.moderation.hide_review(BOSS, review_id, "why", hidden=True)
    await room.reviews.delete(ADA, review_id, "")
    assert await reports(room, "hidden") == []
    assert [one.action for one in await acts(room, review_id)] == ["review.hide"]  # what was done stays
