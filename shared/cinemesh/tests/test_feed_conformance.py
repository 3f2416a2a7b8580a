"""What a feed promises, over SQLite and PostgreSQL alike, through the real server and client."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf import timestamp_pb2
from sqlalchemy.orm import Session

from cine.catalog.v1 import events_pb2
from cine.common.v1 import feed_pb2
from cinemesh import context, errors, telemetry
from cinemesh.client import close_channels, failure_of
from cinemesh.db import Database, mesh_tables, migrate
from cinemesh.feed import FeedServicer
from cinemesh.outbox import Outbox
from cinemesh.testing.feeds import feed_stub, serving_feed

CHANGED, REMOVED = "cine.catalog.v1.MovieChanged", "cine.catalog.v1.MovieRemoved"
DAY = dt.timedelta(days=1)


class Source:
    """A service that owns facts, and its feed."""

    def __init__(self, db: Database, feed: FeedServicer, outbox: Outbox, stub: Callable[[], Any]) -> None:
        self.db, self.feed, self.outbox, self._stub = db, feed, outbox, stub

    async def change(self, *movies: int, age: dt.timedelta = dt.timedelta(), removed: bool = False) -> None:
        """Writes one event a film, each in a transaction of its own, as if it had happened `age` ago."""
        for movie in movies:
            data = events_pb2.MovieRemoved(movie_id=movie) if removed else events_pb2.MovieChanged(movie_id=movie)
            time = dt.datetime.now(dt.UTC) - age
            await self.db.write(
                lambda session, data=data, movie=movie, time=time: self.outbox.append(
                    session, subject=f"movies/{movie}", data=data, time=time
                )
            )

    def watch(self, after: str = "", *types: str, once: bool = True, not_before: Any = None) -> Any:
        request = feed_pb2.WatchEventsRequest(after=after, types=types, once=once, not_before=not_before)
        return self._stub().WatchEvents(request, timeout=20)

    async def recent(self, not_before: dt.datetime, *types: str) -> list[feed_pb2.Event]:
        return [answer.event async for answer in self.watch("", *types, not_before=not_before)]

    async def stored(self, after: str = "", *types: str) -> list[feed_pb2.Event]:
        return [answer.event async for answer in self.watch(after, *types)]


@pytest.fixture
async def source(store_url: str, tmp_path: Path) -> AsyncIterator[Source]:
    await asyncio.to_thread(migrate, store_url, None)
    async with Database(store_url, pool=8) as db:
        outbox = Outbox("catalog")
        # only a commit of this process wakes it within the life of a test
        feed = FeedServicer(db, outbox, batch=50, poll_seconds=3600)
        async with serving_feed(feed, tmp_path) as port:
            yield Source(db, feed, outbox, feed_stub(tmp_path, port))
    await close_channels()


def films(events: list[feed_pb2.Event]) -> list[int]:
    return [int(event.subject.removeprefix("movies/")) for event in events]


def watchers() -> float:
    return telemetry.REGISTRY.get_sample_value("cine_feed_watchers", {"source": "catalog"}) or 0.0


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - a metric does not wake anybody
            await asyncio.sleep(0.01)


async def test_an_event_says_what_happened(source: Source) -> None:
    moment = dt.datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    data = events_pb2.MovieChanged(movie_id=603, etag="e1", added=True)
    with context.using(context.RequestContext(traceparent=trace)):
        given = await source.db.write(
            lambda session: source.outbox.append(session, subject="movies/603", data=data, time=moment)
        )
    (event,) = await source.stored()
    assert (event.id, event.source, event.type, event.subject, event.traceparent) == (
        given,
        "catalog",
        CHANGED,
        "movies/603",
        trace,
    )
    assert event.time.ToDatetime(tzinfo=dt.UTC) == moment
    unpacked = events_pb2.MovieChanged()
    assert event.data.Unpack(unpacked)
    assert unpacked == data
    assert 0 < len(event.cursor) <= 64


async def test_serves_everything_once_in_order_and_from_any_cursor(source: Source) -> None:
    await source.db.write(
        lambda session: source.outbox.append_many(
            session, [(f"movies/{i}", events_pb2.MovieChanged(movie_id=i)) for i in range(120)]
        )
    )
    await source.change(120, 121)
    events = await source.stored()
    assert films(events) == list(range(122))
    assert len({event.id for event in events}) == 122
    for position in (0, 49, 50, 118, 121):  # at and around the edges of batches
        assert films(await source.stored(events[position].cursor)) == list(range(position + 1, 122))


async def test_a_change_that_was_undone_has_no_event(source: Source) -> None:
    def change(session: Session) -> None:
        source.outbox.append(session, subject="movies/1", data=events_pb2.MovieChanged(movie_id=1))
        raise errors.NotFound("no")

    with pytest.raises(errors.NotFound):
        await source.db.write(change)
    await source.change(2)
    assert films(await source.stored()) == [2]


async def test_a_commit_here_wakes_every_watcher_at_once(source: Source) -> None:
    watching = [source.watch(once=False) for _ in range(3)]
    for movie in range(5):
        await source.change(movie)
        assert [answer.event.subject for answer in await asyncio.gather(*(call.read() for call in watching))] == [
            f"movies/{movie}"
        ] * 3
    assert watchers() == 3
    for call in watching:
        call.cancel()
    await until(lambda: watchers() == 0)  # nobody polls for those who left


async def test_a_commit_elsewhere_is_noticed_by_polling(source: Source) -> None:
    source.feed._poll = 0.02
    call = source.watch(once=False)
    reading = asyncio.create_task(call.read())
    await call.initial_metadata()
    elsewhere = Outbox("catalog")  # nobody here listens to it
    await source.db.write(
        lambda session: elsewhere.append(session, subject="movies/8", data=events_pb2.MovieRemoved(movie_id=8))
    )
    assert (await reading).event.subject == "movies/8"
    call.cancel()


async def test_serves_only_the_types_wanted(source: Source) -> None:
    await source.change(1, 2)
    await source.change(2, removed=True)
    await source.change(3)
    assert films(await source.stored("", REMOVED)) == [2]
    assert films(await source.stored("", CHANGED)) == [1, 2, 3]
    assert films(await source.stored("", CHANGED, REMOVED)) == [1, 2, 2, 3]
    assert films(await source.stored("", "cine.catalog.v1.Nothing")) == []


async def test_a_watcher_of_a_rare_type_gets_it_after_many_others(source: Source) -> None:
    call = source.watch("", REMOVED, once=False)
    reading = asyncio.create_task(call.read())
    await call.initial_metadata()
    await source.db.write(
        lambda session: source.outbox.append_many(session, [("movies/1", events_pb2.MovieChanged(movie_id=1))] * 130)
    )
    await source.change(9, removed=True)
    assert (await reading).event.subject == "movies/9"
    call.cancel()


@pytest.mark.parametrize("cursor", ["x", "AAAA", "not base64 at all!", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRob", "é"])
async def test_what_is_no_cursor_is_refused_by_name(source: Source, cursor: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await source.stored(cursor)
    failure = failure_of(caught.value)
    assert isinstance(failure, errors.InvalidArgument)
    assert [field for field, _ in failure.violations] == ["after"]


async def test_a_cursor_of_an_earlier_life_is_told_to_rebuild(source: Source) -> None:
    await source.change(1, 2, 3)
    cursor = (await source.stored())[-1].cursor
    # restored from a backup that did not have the last event
    last = sa.select(sa.func.max(mesh_tables.outbox.c.id)).scalar_subquery()
    await source.db.write(
        lambda session: session.execute(sa.delete(mesh_tables.outbox).where(mesh_tables.outbox.c.id == last))
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await source.stored(cursor)
    assert isinstance(failure_of(caught.value), errors.FailedPrecondition)
    # recreated: another epoch
    cursor = (await source.stored())[-1].cursor
    call = source.watch(cursor, once=False)
    reading = asyncio.create_task(call.read())
    await call.initial_metadata()
    await source.db.write(lambda session: session.execute(sa.update(mesh_tables.outbox_state).values(epoch="0" * 12)))
    await source.change(4)
    for failing in (reading, source.stored(cursor)):  # also those who are watching
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await failing
        failure = failure_of(caught.value)
        assert isinstance(failure, errors.FailedPrecondition)
        assert failure.metadata["feed"] == "rebuild"
    assert films(await source.stored()) == [1, 2, 4]


async def test_pruning_takes_the_oldest_and_never_leaves_a_hole(source: Source) -> None:
    await source.change(1, 2, age=40 * DAY)
    await source.change(3, age=10 * DAY)
    await source.change(4, age=50 * DAY)  # its clock was wrong: it stays until its turn comes
    await source.change(5)
    assert await source.outbox.prune(source.db, older_than=30 * DAY) == 2
    assert films(await source.stored()) == [3, 4, 5]
    assert await source.outbox.prune(source.db, older_than=30 * DAY) == 0
    assert await source.outbox.prune(source.db, older_than=5 * DAY) == 2
    assert films(await source.stored()) == [5]


async def test_pruning_works_in_steps(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cinemesh.outbox._PRUNE_STEP", 10)
    await source.change(*range(25), age=40 * DAY)
    await source.change(25)
    assert await source.outbox.prune(source.db, older_than=30 * DAY) == 25
    assert films(await source.stored()) == [25]


async def test_a_consumer_behind_what_was_pruned_is_told_to_rebuild(source: Source) -> None:
    await source.change(1, 2, age=40 * DAY)
    await source.change(3, removed=True)
    events = await source.stored()
    await source.outbox.prune(source.db, older_than=30 * DAY)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await source.stored(events[0].cursor)
    failure = failure_of(caught.value)
    assert isinstance(failure, errors.FailedPrecondition)
    assert "rebuild" in failure.message
    # who had applied the last one pruned has missed nothing
    assert films(await source.stored(events[1].cursor)) == [3]
    # neither has who wants only what was not pruned
    assert films(await source.stored(events[0].cursor, REMOVED)) == [3]
    # everything pruned: cursors still mean what they meant, and ids are not used again
    await source.db.write(
        lambda session: session.execute(sa.update(mesh_tables.outbox).values(time=dt.datetime.now(dt.UTC) - 40 * DAY))
    )
    await source.outbox.prune(source.db, older_than=30 * DAY)
    assert await source.stored(events[2].cursor) == []
    await source.change(4)
    assert films(await source.stored(events[2].cursor)) == [4]
    assert films(await source.stored()) == [4]


async def test_a_watcher_overtaken_by_pruning_is_told(source: Source) -> None:
    call = source.watch(once=False)
    await source.change(*range(60), age=40 * DAY)
    assert (await call.read()).event.subject == "movies/0"
    call.cancel()
    events = await source.stored()
    pruned, mend = asyncio.Event(), source.feed._mend

    async def slow() -> None:
        await pruned.wait()
        await mend()

    source.feed._mend = slow  # type: ignore[method-assign] # else it may have sent everything by then
    call = source.watch(events[9].cursor, once=False)
    await source.outbox.prune(source.db, older_than=30 * DAY)
    pruned.set()
    seen = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        seen = [answer.event async for answer in call]
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert seen == []


async def test_a_slow_reader_holds_the_sender_back(source: Source) -> None:
    def served() -> float:
        return telemetry.REGISTRY.get_sample_value("cine_feed_served_total", {"source": "catalog"}) or 0.0

    text = "x" * 2000
    await source.db.write(
        lambda session: source.outbox.append_many(session, [("movies/1", events_pb2.MovieChanged(etag=text))] * 6000)
    )
    before = served()
    call = source.watch(once=True)
    await call.read()
    previous = -1.0
    while served() != previous:  # until it does not move any more
        previous = served()
        await asyncio.sleep(0.3)
    assert served() - before < 3000  # of 12 MB, what fits the windows of HTTP/2
    rest = 0
    while await call.read() is not grpc.aio.EOF:
        rest += 1
    assert rest == 5999


async def test_stopping_ends_the_streams_and_not_the_transactions(source: Source) -> None:
    calls = [source.watch(once=False) for _ in range(3)]
    await asyncio.gather(*(call.initial_metadata() for call in calls))
    source.feed.stop()
    for call in calls:
        assert await call.read() is grpc.aio.EOF
    await source.change(1)


async def test_only_services_of_the_mesh_may_follow(source: Source, tmp_path: Path) -> None:
    target = source._stub.__closure__  # the factory's settings hold the address; a bare channel has no token
    assert target is not None
    settings = next(cell.cell_contents for cell in target if hasattr(cell.cell_contents, "endpoints"))
    from cine.common.v1 import feed_pb2_grpc

    async with grpc.aio.insecure_channel(settings.endpoints("catalog")[0]) as bare:
        stub: Any = feed_pb2_grpc.FeedServiceStub(bare)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.WatchEvents(feed_pb2.WatchEventsRequest(once=True), timeout=10).read()
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("subject", ["", "x" * 201])
async def test_an_event_needs_a_subject(source: Source, subject: str) -> None:
    with pytest.raises(ValueError, match="1 to 200"):
        await source.db.write(
            lambda session: source.outbox.append(session, subject=subject, data=events_pb2.MovieRemoved())
        )
    assert await source.stored() == []


async def test_changes_made_before_a_moment_can_be_left_out(source: Source) -> None:
    await source.change(1, 2, age=2 * DAY)
    await source.change(3, removed=True)
    await source.change(4)
    moment = dt.datetime.now(dt.UTC) - DAY
    assert films(await source.recent(moment)) == [3, 4]
    assert films(await source.recent(moment, CHANGED)) == [4]
    assert films(await source.recent(dt.datetime.now(dt.UTC) + DAY)) == []
    # the very moment is in
    (first, *_) = await source.stored()
    assert films(await source.recent(first.time.ToDatetime(tzinfo=dt.UTC))) == [1, 2, 3, 4]


async def test_what_comes_later_reaches_those_who_left_out_what_was_before(source: Source) -> None:
    await source.change(*range(60), age=2 * DAY)
    watching = source.watch(once=False, not_before=dt.datetime.now(dt.UTC) - DAY)
    await watching.initial_metadata()
    await source.change(60, age=2 * DAY)
    await source.change(61)
    assert films([(await watching.read()).event]) == [61]
    watching.cancel()


async def test_a_moment_out_of_range_is_refused(source: Source) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [answer async for answer in source.watch(not_before=timestamp_pb2.Timestamp(seconds=2**60))]
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [field for field, _ in failure_of(caught.value).violations] == ["not_before"]
