"""A consumer applies every event exactly once, whatever dies in between, and hides nothing it could not apply."""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine.catalog.v1 import events_pb2
from cine.common.v1 import feed_pb2
from cinemesh import errors, telemetry
from cinemesh.db import Database, mesh_tables, migrate, new_metadata
from cinemesh.feed import Consumer, FeedServicer, each
from cinemesh.outbox import Outbox
from cinemesh.testing import TokenFactory, settings_for
from cinemesh.testing.feeds import FeedSettings, close_channels, feed_stub, serving_feed
from cinemesh.testing.ports import free_port
from cinemesh.testing.postgres import PostgresServer

METADATA = new_metadata()
# no unique constraint: applying twice would show
APPLIED = sa.Table(
    "applied", METADATA, sa.Column("row", sa.Integer, primary_key=True), sa.Column("subject", sa.String, nullable=False)
)

FOLLOWER = """
import asyncio, sys, time, types
import grpc
import sqlalchemy as sa
from cine.common.v1 import feed_pb2_grpc
from cinemesh.db import Database
from cinemesh.feed import Consumer

url, port, token = sys.argv[1:]

def stub():  # without the whole client, whose loading is most of the test
    watch = feed_pb2_grpc.FeedServiceStub(grpc.aio.insecure_channel(f"127.0.0.1:{port}")).WatchEvents
    metadata = (("authorization", f"Bearer {token}"),)
    return types.SimpleNamespace(WatchEvents=lambda request, timeout: watch(request, timeout=timeout, metadata=metadata))

def apply(session, events):
    for event in events:
        session.execute(sa.text("INSERT INTO applied (subject) VALUES (:s)"), {"s": event.subject})
        print(event.subject, flush=True)
        time.sleep(0.002)  # so that a kill hits the middle of a batch

async def main():
    async with Database(url) as db:
        consumer = Consumer("recommender.catalog", stub, db, apply, batch=20)
        await consumer.catch_up()
        print("done", flush=True)

asyncio.run(main())
"""


class Mesh:
    """A source with a feed, and a follower's store."""

    def __init__(self, folder: Path, source: Database, projection: Database, projection_url: str) -> None:
        self.folder, self.source, self.projection, self.projection_url = folder, source, projection, projection_url
        self.outbox = Outbox("catalog")
        self.feed = FeedServicer(source, self.outbox, poll_seconds=0.05)
        self.port = 0

    async def publish(self, *numbers: int) -> None:
        events = [(f"movies/{number}", events_pb2.MovieChanged(movie_id=number)) for number in numbers]
        await self.source.write(lambda session: self.outbox.append_many(session, events))

    async def applied(self) -> list[int]:
        found = await self.projection.read(
            lambda session: session.scalars(sa.select(APPLIED.c.subject).order_by(APPLIED.c.row)).all()
        )
        return [int(subject.removeprefix("movies/")) for subject in found]

    def consumer(self, handler: Callable[[Session, Sequence[feed_pb2.Event]], None], **options: Any) -> Consumer:
        options = {"first_wait": 0.01, **options}
        return Consumer("recommender.catalog", feed_stub(self.folder, self.port), self.projection, handler, **options)


def apply(session: Session, events: Sequence[feed_pb2.Event]) -> None:
    session.execute(sa.insert(APPLIED), [{"subject": event.subject} for event in events])


@pytest.fixture
async def mesh(request: pytest.FixtureRequest, store_url: str, tmp_path: Path) -> AsyncIterator[Mesh]:
    server: PostgresServer | None = None
    if store_url.startswith("sqlite"):
        projection_url = f"sqlite:///{tmp_path / 'projection.sqlite3'}"
    else:
        server = request.getfixturevalue("postgres_server")
        assert server is not None
        projection_url = server.create_database()
    # tracebacks as JSON: the pretty ones take half a second each
    telemetry.set_up(settings_for(FeedSettings, tmp_path))
    for url in (store_url, projection_url):
        await asyncio.to_thread(migrate, url, None)
    async with Database(store_url) as source, Database(projection_url) as projection:
        await projection.write(lambda session: METADATA.create_all(session.connection()))
        made = Mesh(tmp_path, source, projection, projection_url)
        async with serving_feed(made.feed, tmp_path) as made.port:
            yield made
    await close_channels()
    if server is not None:
        await asyncio.to_thread(server.drop_database, projection_url)


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while True:
            answer = true()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.01)


async def test_catches_up_and_goes_on_where_it_was(mesh: Mesh) -> None:
    await mesh.publish(*range(600))
    consumer = mesh.consumer(apply)
    assert await consumer.catch_up() == 600
    assert await consumer.catch_up() == 0
    await mesh.publish(600, 601)
    assert await mesh.consumer(apply).catch_up() == 2  # the cursor is in the store, not in the object
    assert await mesh.applied() == list(range(602))


async def test_events_come_in_batches_and_each_batch_in_one_transaction(mesh: Mesh) -> None:
    await mesh.publish(*range(500))
    sizes: list[int] = []

    def handler(session: Session, events: Sequence[feed_pb2.Event]) -> None:
        sizes.append(len(events))
        time.sleep(0.02)  # a handler that takes longer than an event to arrive, on any machine
        apply(session, events)

    before = mesh.projection.commits
    await mesh.consumer(handler, batch=100).catch_up()
    assert sum(sizes) == 500
    assert max(sizes) <= 100
    assert mesh.projection.commits - before <= len(sizes) + 1
    assert len(sizes) < 50


async def test_follows_live(mesh: Mesh) -> None:
    consumer = mesh.consumer(each(lambda session, event: apply(session, [event])))
    await consumer.start()
    await consumer.start()  # twice is once
    try:
        for number in range(5):
            await mesh.publish(number)
            await until(lambda number=number: is_applied(mesh, number))
        assert (await consumer.probe()).startswith("following")
        assert consumer.lag_seconds == 0
    finally:
        await consumer.stop()
    await mesh.publish(99)
    with pytest.raises(errors.Unavailable, match="stopped"):
        await consumer.probe()
    assert await mesh.applied() == [0, 1, 2, 3, 4]


async def is_applied(mesh: Mesh, number: int) -> bool:
    return number in await mesh.applied()


async def test_a_follower_killed_again_and_again_applies_everything_once(mesh: Mesh) -> None:
    await mesh.publish(*range(80))
    await mesh.projection.close()  # the follower opens it
    token = TokenFactory(settings_for(FeedSettings, mesh.folder)).service()
    kills = 0
    for lines in (7, 33, None):
        follower = subprocess.Popen(  # noqa: ASYNC220 - a process of its own, to be killed
            [sys.executable, "-c", FOLLOWER, mesh.projection_url, str(mesh.port), token],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert follower.stdout is not None
        told = 0
        while line := await asyncio.to_thread(follower.stdout.readline):
            told += 1
            if told == lines:
                follower.send_signal(signal.SIGKILL)
                kills += 1
                break
            if line == "done\n":
                break
        await asyncio.to_thread(follower.wait, 20)
        follower.stdout.close()
        assert follower.returncode == (-signal.SIGKILL if lines else 0)
    assert kills == 2
    async with Database(mesh.projection_url) as projection:
        mesh.projection = projection
        assert await mesh.applied() == list(range(80))


class Stuttering(FeedServicer):
    """Tells every event again: at once, and once more after others."""

    async def WatchEvents(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802 - by the contract
        told: list[Any] = []
        async for answer in super().WatchEvents(request, context):
            told.append(answer)
            for one in (answer, answer, told[len(told) // 2]):
                yield one


@pytest.mark.parametrize("batch", [1, 7, 256])
async def test_what_comes_again_is_not_applied_again(mesh: Mesh, tmp_path: Path, batch: int) -> None:
    await mesh.publish(*range(60))
    async with serving_feed(Stuttering(mesh.source, mesh.outbox), tmp_path) as mesh.port:
        assert await mesh.consumer(apply, batch=batch).catch_up() == 60
        await mesh.publish(60)
        assert await mesh.consumer(apply, batch=batch).catch_up() == 1
    assert await mesh.applied() == list(range(61))


async def test_two_instances_of_one_name_share_the_work(mesh: Mesh) -> None:
    first, second = mesh.consumer(apply, batch=5), mesh.consumer(apply, batch=5)
    await asyncio.gather(first.start(), second.start())
    for start in range(0, 200, 10):
        await mesh.publish(*range(start, start + 10))
        await asyncio.sleep(0.005)
    await until(lambda: is_applied(mesh, 199))
    await asyncio.gather(first.stop(), second.stop())
    assert await mesh.applied() == list(range(200))


async def test_an_event_that_cannot_be_applied_is_parked_and_shown(mesh: Mesh) -> None:
    broken = True
    tried = 0

    def handler(session: Session, events: Sequence[feed_pb2.Event]) -> None:
        nonlocal tried
        apply(session, events)
        if broken and any(event.subject == "movies/3" for event in events):
            tried += len(events) == 1
            raise ValueError("bad year, password=hunter2")

    await mesh.publish(*range(6))
    consumer = mesh.consumer(handler, attempts=4)
    assert await consumer.catch_up() == 6
    assert await mesh.applied() == [0, 1, 2, 4, 5]
    assert tried == 4
    (parked,) = await consumer.parked()
    assert parked.event.subject == "movies/3"
    assert parked.event.data.Is(events_pb2.MovieChanged.DESCRIPTOR)
    assert "ValueError: bad year" in parked.error
    assert "hunter2" not in parked.error
    assert telemetry.REGISTRY.get_sample_value("cine_feed_parked", {"consumer": consumer.name}) == 1
    assert await consumer.retry_parked() == 0
    broken = False
    assert await consumer.retry_parked() == 1
    assert await consumer.retry_parked() == 0
    assert await mesh.applied() == [0, 1, 2, 4, 5, 3]
    assert await consumer.parked() == []
    assert telemetry.REGISTRY.get_sample_value("cine_feed_parked", {"consumer": consumer.name}) == 0


async def test_a_store_that_is_away_for_a_while_parks_nothing(mesh: Mesh) -> None:
    away = 4

    def handler(session: Session, events: Sequence[feed_pb2.Event]) -> None:
        nonlocal away
        apply(session, events)
        if away:
            away -= 1
            raise errors.Unavailable("The store does not answer.")

    await mesh.publish(1, 2)
    consumer = mesh.consumer(handler, attempts=2)
    assert await consumer.catch_up() == 2
    assert await mesh.applied() == [1, 2]
    assert await consumer.parked() == []


async def test_a_broken_handler_stands_still_instead_of_parking_everything(mesh: Mesh) -> None:
    broken = True

    def handler(session: Session, events: Sequence[feed_pb2.Event]) -> None:
        if broken:
            raise KeyError("a bug")
        apply(session, events)

    await mesh.publish(*range(10))
    consumer = mesh.consumer(handler, attempts=2, park_limit=3)
    with pytest.raises(errors.FailedPrecondition, match="stands still"):
        await consumer.catch_up()
    await consumer.start()
    try:
        await until(lambda: "parked already" in consumer._problem)
        with pytest.raises(errors.Unavailable, match="3 events are parked already"):
            await consumer.probe()
        assert consumer.lag_seconds > 0
        broken = False
        await until(lambda: is_applied(mesh, 9))
        assert await consumer.retry_parked() == 3
    finally:
        await consumer.stop()
    assert sorted(await mesh.applied()) == list(range(10))


async def test_the_effect_and_the_cursor_are_kept_together(mesh: Mesh) -> None:
    def handler(session: Session, events: Sequence[feed_pb2.Event]) -> None:
        apply(session, events)
        raise RuntimeError("after the effect")

    await mesh.publish(1)
    consumer = mesh.consumer(handler, attempts=1, park_limit=0)
    with pytest.raises(errors.FailedPrecondition):
        await consumer.catch_up()
    assert await mesh.applied() == []
    assert await mesh.projection.read(
        lambda session: session.scalars(sa.select(mesh_tables.feed_cursor.c.cursor)).all()
    ) == [""]


async def test_reconnects_when_the_source_comes_back(mesh: Mesh, tmp_path: Path) -> None:
    port = free_port()
    consumer = Consumer("recommender.catalog", feed_stub(tmp_path, port), mesh.projection, apply, first_wait=0.01)
    await consumer.start()
    try:
        await until(lambda: "UNAVAILABLE" in consumer._problem)
        for number in range(3):
            feed = FeedServicer(mesh.source, mesh.outbox)
            async with serving_feed(feed, tmp_path, port=port):
                await mesh.publish(number)
                await until(lambda number=number: is_applied(mesh, number))
                await until(lambda: consumer._problem == "")  # said a moment after the effect is there
            await until(lambda: consumer._problem)
    finally:
        await consumer.stop()
    assert await mesh.applied() == [0, 1, 2]


async def test_rebuilds_when_what_it_missed_was_pruned(mesh: Mesh) -> None:
    rebuilt = 0

    async def rebuild() -> None:
        nonlocal rebuilt
        rebuilt += 1
        await mesh.projection.write(lambda session: session.execute(sa.delete(APPLIED)))
        await mesh.projection.write(
            lambda session: session.execute(sa.insert(APPLIED), [{"subject": f"movies/{n}"} for n in range(4)])
        )

    await mesh.publish(0, 1)
    consumer = mesh.consumer(apply, rebuild=rebuild)
    await consumer.catch_up()
    await mesh.publish(2, 3)
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=40)
    await mesh.source.write(lambda session: session.execute(sa.update(mesh_tables.outbox).values(time=past)))
    await mesh.outbox.prune(mesh.source, older_than=dt.timedelta(days=30))
    await mesh.publish(4)
    helpless = mesh.consumer(apply)
    with pytest.raises(errors.FailedPrecondition, match="rebuild"):
        await helpless.catch_up()
    await helpless.start()
    await until(lambda: "FAILED_PRECONDITION" in helpless._problem)
    with pytest.raises(errors.Unavailable):
        await helpless.probe()
    await helpless.stop()
    assert await mesh.applied() == [0, 1]
    await consumer.start()
    await until(lambda: is_applied(mesh, 4))
    await consumer.stop()
    assert rebuilt == 1
    assert await mesh.applied() == [0, 1, 2, 3, 4]
