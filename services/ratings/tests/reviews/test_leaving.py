"""What is left of somebody who left: what they wrote, without their name, on both databases."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import sqlalchemy as sa

from cine.ratings.v1 import events_pb2
from cine_ratings.domain.moderation import Complaint
from cine_ratings.domain.review import NOBODY
from cine_ratings.store import review_tables as tables
from cinemesh.errors import Unauthenticated
from cinemesh.projections import person_rows

from .conftest import ADA, BOB, BOSS, CY, START, Room, refused


async def leave(room: Room, user_id: str) -> None:
    """What the projection of people does when it learns of a deletion."""
    from cine_ratings.store.schema import people

    def change(tx: Any) -> None:
        person_rows.bury(tx, people, user_id, START)
        room.forget(tx, user_id)

    await room.database.write(change)


async def holders(room: Room) -> set[str]:
    """Returns everybody whose id is anywhere in the tables of reviews."""
    columns = [table.c.user_id for table in tables.reviews.metadata.sorted_tables if table.name in _TABLES]

    def read(tx: Any) -> set[str]:
        return {one for column in columns for one in tx.execute(sa.select(column)).scalars() if one is not None}

    return await room.database.read(read)


async def rows(room: Room, table: sa.Table, review_id: str) -> int:
    counted = sa.select(sa.func.count()).where(table.c.review_id == review_id)
    return await room.database.read(lambda tx: int(tx.execute(counted).scalar_one()))


_TABLES = {"reviews", "review_likes", "comments", "report_reporters"}


async def test_what_they_wrote_stays_without_their_name(room: Room) -> None:
    mine = (await room.publish(ADA, 603, "Mine.", overall=4.0)).review
    await room.reviews.update(ADA, mine.review_id, {"body_markdown": "Mine, edited."}, "")
    other = (await room.publish(BOB, 603, "Bob's.")).review
    comment = (await room.comment(ADA, other.review_id, "Well said.")).comment
    await room.comment(CY, other.review_id, "Is it?", comment.comment_id)
    for review in (mine, other):
        for fan in (ADA, CY):
            await room.reviews.like(fan, review.review_id, liked=True)
    report_id = await room.moderation.report_review(ADA, other.review_id, Complaint("spam"))
    await room.moderation.report_review(CY, other.review_id, Complaint("spam"))
    before = await room.reading.get(NOBODY, mine.review_id)
    await room.events()

    await leave(room, "u-ada")

    left = await room.reading.get(NOBODY, mine.review_id)
    assert (left.review.user_id, left.username, left.review.text.markdown) == (None, "", "Mine, edited.")
    assert left.review.like_count == 1 and left.review.etag != before.review.etag
    assert (await room.reading.get(NOBODY, other.review_id)).review.like_count == 1
    first, answer = (await room.comments.of_review(NOBODY, other.review_id, 9, "")).found
    assert (first.comment.user_id, first.username, first.comment.text.markdown) == (None, "", "Well said.")
    assert answer.username == "cy"
    assert "u-ada" not in await holders(room)
    revisions = sa.select(sa.func.count()).select_from(tables.review_revisions)
    assert await room.database.read(lambda tx: tx.execute(revisions).scalar_one()) == 0
    (report,) = (await room.moderation.find("open", 9, None)).found
    assert (report.report_id, report.reporter_count) == (report_id, 2)
    assert await room.events() == [
        events_pb2.ReviewLiked(review_id=one, user_id="u-ada", liked=False, like_count=1)
        for one in sorted((mine.review_id, other.review_id))
    ]
    await leave(room, "u-ada")
    assert await room.events() == [] and (await room.reading.get(NOBODY, mine.review_id)).review == left.review


async def test_two_who_left_may_have_reviewed_the_same_film(room: Room) -> None:
    for viewer in (ADA, BOB):
        await room.publish(viewer, 603)
        await leave(room, viewer.user_id)
    from cine_ratings.store.reviews import OfFilm

    page = await room.reading.of_film(OfFilm(603), 9, None)
    assert [one.review.user_id for one in page.found] == [None, None] and page.total == 2


async def test_nothing_of_theirs_is_written_any_more(room: Room) -> None:
    mine = (await room.publish(ADA, 603)).review
    other = (await room.publish(BOB, 603)).review
    comment = (await room.comment(ADA, other.review_id)).comment
    await leave(room, "u-ada")
    for call in (
        room.publish(ADA, 604),
        room.reviews.update(ADA, mine.review_id, {"title": "Still me"}, ""),
        room.reviews.delete(ADA, mine.review_id, ""),
        room.reviews.like(ADA, other.review_id, liked=True),
        room.comment(ADA, other.review_id),
        room.comments.update(ADA, comment.comment_id, "Still me", ""),
        room.comments.delete(ADA, comment.comment_id, ""),
        room.moderation.report_review(ADA, other.review_id, Complaint("spam")),
        room.moderation.report_comment(ADA, comment.comment_id, Complaint("spam")),
    ):
        await refused(call, Unauthenticated)
    assert "u-ada" not in await holders(room)


async def test_leaving_while_everybody_writes_leaves_no_name_and_right_counts(room: Room) -> None:
    made = [(await room.publish(BOSS, movie_id)).review.review_id for movie_id in (603, 604, 2571)]

    async def busy(viewer: Any, turn: int) -> None:
        review_id = made[turn % 3]
        for call in (
            room.reviews.like(viewer, review_id, liked=turn % 2 == 0),
            room.comment(viewer, review_id, f"Word {turn}."),
        ):
            with contextlib.suppress(Unauthenticated):
                await call

    tasks = [busy(viewer, turn) for turn in range(12) for viewer in (ADA, BOB, CY)]
    await asyncio.gather(*tasks[:18], leave(room, "u-ada"), *tasks[18:], leave(room, "u-cy"))
    assert await holders(room) <= {"u-bob", "u-boss"}
    for review_id in made:
        review = (await room.reading.get(NOBODY, review_id)).review
        assert review.like_count == await rows(room, tables.review_likes, review_id)
        assert review.comment_count == await rows(room, tables.comments, review_id)
