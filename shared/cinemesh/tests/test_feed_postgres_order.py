"""PostgreSQL hands out ids before it commits: the feed must neither lose nor reorder what commits late."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine.catalog.v1 import events_pb2
from cinemesh import errors
from cinemesh.db import Database, mesh_tables, migrate
from cinemesh.feed import FeedServicer, log
from cinemesh.outbox import Outbox
from cinemesh.testing.feeds import close_channels, feed_stub, serving_feed


@pytest.fixture
async def db(postgres_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, postgres_url, None)
    async with Database(postgres_url, pool=12) as database:
        yield database


def append(session: Session, number: int) -> None:
    Outbox("catalog").append(session, subject=f"movies/{number}", data=events_pb2.MovieChanged(movie_id=number))


async def read(db: Database, after: log.Cursor | None = None, limit: int = 1000) -> log.Batch:
    start = after or await db.read(lambda session: log.start(session, ""))
    return await db.read(lambda session: log.read_batch(session, start, [], limit))


async def test_what_commits_late_is_waited_for_and_served(db: Database) -> None:
    has_id, may_commit = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        append(session, 1)
        has_id.set()
        may_commit.wait(10)

    late = asyncio.create_task(db.write(slow))
    await asyncio.to_thread(has_id.wait, 10)
    await db.write(lambda session: append(session, 2))  # a higher id, committed first
    early = await read(db)
    assert early.rows == []  # else a reader past id 2 would never see id 1
    may_commit.set()
    await late
    batch = await read(db, early.reached)
    assert [row.subject for row in batch.rows] == ["movies/1", "movies/2"]
    await db.write(lambda session: append(session, 3))
    assert [row.subject for row in (await read(db, batch.reached)).rows] == ["movies/3"]


async def test_what_waited_for_another_change_comes_after_it(db: Database) -> None:
    """The first transaction has its id before the second begins, and changes the same thing after it."""
    has_id, may_append = threading.Event(), threading.Event()
    touch = sa.text("INSERT INTO feed_cursor VALUES ('first', '', NULL, now())")

    def first(session: Session) -> None:
        session.execute(touch)
        own = session.execute(sa.text("SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)")).scalar_one()
        numbers.append(own)
        has_id.set()
        may_append.wait(10)
        append(session, 1)  # as if it had waited for a lock until now

    numbers: list[int] = []
    waiting = asyncio.create_task(db.write(first))
    await asyncio.to_thread(has_id.wait, 10)
    for number in (2, 3):
        await db.write(lambda session, n=number: append(session, n))
    may_append.set()
    await waiting
    batch = await read(db)
    assert [row.subject for row in batch.rows] == ["movies/2", "movies/3", "movies/1"]
    assert numbers[0] < batch.rows[0].xid, "the first transaction began first"
    await db.write(lambda session: append(session, 4))
    assert [row.subject for row in (await read(db, batch.reached)).rows] == ["movies/4"]


async def test_events_of_changes_to_one_thing_come_in_the_order_of_the_changes(db: Database) -> None:
    """Many at once write down the number after the one they found, under its lock; each has its id before it waits for that."""
    take_id = sa.text("SELECT pg_current_xact_id()")
    found = sa.text("SELECT cursor FROM feed_cursor WHERE consumer = 'thing' FOR UPDATE")
    put = sa.text("UPDATE feed_cursor SET cursor = :next WHERE consumer = 'thing'")
    await db.write(
        lambda session: session.execute(sa.text("INSERT INTO feed_cursor VALUES ('thing', '0', NULL, now())"))
    )
    chance = random.Random(7)

    def change(session: Session, pause: float) -> None:
        session.execute(take_id)
        time.sleep(pause)  # in the transaction, on purpose
        following = int(session.execute(found).scalar_one()) + 1
        session.execute(put, {"next": str(following)})
        append(session, following)

    count = 400
    pauses = [chance.uniform(0, 0.004) for _ in range(count)]
    await asyncio.gather(*(db.write(lambda session, pause=pause: change(session, pause)) for pause in pauses))
    batch = await read(db)
    assert [row.subject for row in batch.rows] == [f"movies/{number}" for number in range(1, count + 1)]


async def test_nothing_is_lost_between_many_long_transactions(db: Database, tmp_path: Path) -> None:
    """A follower reads while twelve transactions at a time run, take ids early and commit, or not, in any order."""
    chance = random.Random(20261121)
    plans = [(number, [chance.uniform(0, 0.012) for _ in range(3)], chance.random() < 0.15) for number in range(300)]

    def work(session: Session, number: int, pauses: list[float], fails: bool) -> None:
        for part, pause in enumerate(pauses):
            append(session, 10 * number + part)
            time.sleep(pause)  # in the transaction, on purpose
        if fails:
            raise errors.Aborted("changed its mind")

    outbox = Outbox("catalog")
    seen: list[str] = []
    feed = FeedServicer(db, outbox, batch=7, poll_seconds=0.005)
    async with serving_feed(feed, tmp_path) as port, Database(db_url(db), pool=2) as reader:
        feed._db = reader  # so that the follower does not queue behind the writers
        stub = feed_stub(tmp_path, port)
        from cine.common.v1 import feed_pb2

        async def follow() -> None:
            async for answer in stub().WatchEvents(feed_pb2.WatchEventsRequest(), timeout=60):
                seen.append(answer.event.subject)  # noqa: PERF401 - looked at meanwhile

        following = asyncio.create_task(follow())
        outcomes = await asyncio.gather(
            *(db.write(lambda session, plan=plan: work(session, *plan)) for plan in plans), return_exceptions=True
        )
        committed = {
            f"movies/{10 * number + part}"
            for (number, _, _), outcome in zip(plans, outcomes, strict=True)
            if outcome is None
            for part in range(3)
        }
        assert 200 < len(committed) / 3 < 300
        async with asyncio.timeout(20):
            while len(seen) < len(committed):  # noqa: ASYNC110 - the follower is on the other side of a socket
                await asyncio.sleep(0.01)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    await close_channels()
    assert len(seen) == len(set(seen))
    assert set(seen) == committed
    ids = await db.read(
        lambda session: dict(session.execute(sa.select(mesh_tables.outbox.c.subject, mesh_tables.outbox.c.id)).all())
    )
    served = [ids[subject] for subject in seen]
    assert served != sorted(served), "ids came in order: nothing was interleaved, so this proves nothing"


def db_url(db: Database) -> str:
    return db._backend._url.render_as_string(hide_password=False)  # type: ignore[union-attr]


async def test_an_outbox_restored_into_another_server_begins_another_life(db: Database) -> None:
    for number in range(3):
        await db.write(lambda session, n=number: append(session, n))
    before = (await read(db)).reached
    # as if the old server had been much further: its transaction ids lie in the future of this one
    await db.write(
        lambda session: session.execute(sa.text("UPDATE outbox SET xid = (xid::text::bigint + 1000000000)::text::xid8"))
    )
    await db.write(lambda session: append(session, 3))
    assert [row.subject for row in (await read(db)).rows] == ["movies/3"]  # the others are held back: that is the trap
    feed = FeedServicer(db, Outbox("catalog"))
    await feed._mend()
    batch = await read(db)
    assert [row.subject for row in batch.rows] == [f"movies/{number}" for number in range(4)]
    await db.write(lambda session: append(session, 4))
    assert [row.subject for row in (await read(db, batch.reached)).rows] == ["movies/4"]
    with pytest.raises(errors.FailedPrecondition):
        await db.read(lambda session: log.start(session, before.encode()))
    epoch = batch.reached.epoch
    await feed._mend()  # once is enough
    assert (await read(db)).reached.epoch == epoch
