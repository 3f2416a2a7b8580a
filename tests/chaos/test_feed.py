"""The small version of `make chaos-feed`, and proof that its checks and its proxy do what they are for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from ulid import ULID

from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cine.ratings.v1 import events_pb2
from cinemesh.db import Database, migrate
from cinemesh.feed import FeedServicer
from cinemesh.outbox import Outbox
from cinemesh.testing import TokenFactory, settings_for
from cinemesh.testing.feeds import FeedSettings, serving_feed
from cinemesh.testing.ports import free_port
from cinemesh.testing.postgres import PostgresServer
from tests.chaos.feed import Wanted, empty_stores, run
from tests.chaos.feed_checks import Truth, differences, follower_differs, sequence_differs
from tests.chaos.feed_relay import FeedRelay
from tests.chaos.follower import applied, apply, counted, metadata, told


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
async def test_projections_are_whole_after_kills_and_double_deliveries(
    request: pytest.FixtureRequest, tmp_path: Path, store: str
) -> None:
    server: Any = request.getfixturevalue("postgres_server") if store == "postgresql" else PostgresServer()
    with empty_stores(store, tmp_path, server) as stores:
        made = await run(tmp_path, stores, Wanted(events=300, kills=4, longest=1.0, seed=7))
    assert made.problems == []
    assert made.events >= 300
    assert {name: len(times) for name, times in made.restarts.items()} == {
        "ratings": 1,
        "catalog": 1,
        "watchlist": 1,
        "recommender": 1,
    }
    assert made.doubled.total() > 0
    assert made.disturbances


def rated(rating_id: str, stars: float, before: float | None = None, movie_id: int = 1) -> events_pb2.RatingChanged:
    return events_pb2.RatingChanged(
        rating_id=rating_id, user_id="ada", movie_id=movie_id, overall=stars, previous_overall=before
    )


FACTS: Sequence[Any] = (
    rated("r1", 4.0),
    rated("r1", 2.0, 4.0),
    rated("r2", 3.0, movie_id=2),
    events_pb2.RatingDeleted(rating_id="r2", user_id="ada", movie_id=2, previous_overall=3.0),
    events_pb2.DiaryEntryChanged(entry_id="d1", user_id="ada", movie_id=1, watched_on="2024-02-01", added=True),
    events_pb2.DiaryEntryChanged(entry_id="d1", user_id="ada", movie_id=1, watched_on="2024-02-03"),
    events_pb2.ReviewChanged(review_id="v1", user_id="ada", movie_id=1, revision=1, added=True),
    events_pb2.ReviewLiked(review_id="v1", user_id="eve", liked=True, like_count=1),
    events_pb2.CommentChanged(comment_id="c1", review_id="v1", user_id="eve", shown=True, comment_count=1),
    events_pb2.ReviewChanged(review_id="v2", user_id="bob", movie_id=1, revision=1, added=True),
    events_pb2.ReviewLiked(review_id="v2", user_id="eve", liked=True, like_count=1),
    events_pb2.ReviewDeleted(review_id="v2", user_id="bob", movie_id=1),
)


def events() -> list[feed_pb2.Event]:
    made = []
    for fact in FACTS:
        event = feed_pb2.Event(id=str(ULID()), type=fact.DESCRIPTOR.full_name)
        event.data.Pack(fact)
        made.append(event)
    return made


@pytest.fixture
async def follower(sqlite_url: str) -> AsyncIterator[Database]:
    async with Database(sqlite_url) as database:
        await database.write(lambda session: metadata.create_all(session.connection()))
        yield database


def held(session: Session) -> Truth:
    """Returns what a follower holds as what it must hold."""
    order = session.execute(sa.select(applied.c.event_id).order_by(applied.c.place)).scalars().all()
    last = {(row.kind, row.thing_id): row.value for row in session.execute(sa.select(told)).all()}
    sums = {(row.kind, row.movie_id, row.halves): row.count for row in session.execute(sa.select(counted)).all()}
    return Truth(order, last, {key: count for key, count in sums.items() if count}, {}, {})


@pytest.mark.parametrize("size", [1, 5, 100])
async def test_a_follower_that_hears_everything_holds_what_it_must(follower: Database, size: int) -> None:
    heard = events()
    for start in range(0, len(heard), size):
        await follower.write(lambda session, start=start: apply(session, heard[start : start + size]))
    found = await follower.read(held)
    assert found.told == {
        ("rating", "r1"): "ada 1 4 - - - -",
        ("diary", "d1"): "ada 1 2024-02-03 False",
        ("review", "v1"): "1",
        ("likes", "v1"): "1",
        ("like", "v1 eve"): "",
        ("comments", "v1"): "1",
    }
    assert found.counted == {("stars", 1, 4): 1, ("watches", 1, 0): 1, ("reviews", 1, 0): 1}
    assert await follower.read(lambda session: follower_differs(session, found)) == []


@pytest.mark.parametrize("place", range(len(FACTS)))
@pytest.mark.parametrize("fault", ["lost", "twice", "late"])
async def test_what_is_lost_told_twice_or_late_shows(follower: Database, place: int, fault: str) -> None:
    heard = events()
    await follower.write(lambda session: apply(session, heard))
    right = await follower.read(held)
    wrong = list(heard)
    if fault == "lost":
        del wrong[place]
    elif fault == "twice":
        wrong.append(heard[place])
    else:
        wrong.insert((place + 1) % len(wrong), wrong.pop(place))

    def again(session: Session) -> None:
        for table in (applied, told, counted):
            session.execute(sa.delete(table))
        apply(session, wrong)

    await follower.write(again)
    found = await follower.read(lambda session: follower_differs(session, right))
    words = {"lost": "1 of 12 lost", "twice": "1 applied twice", "late": "in another order"}[fault]
    assert any(words in line for line in found)


def test_differences_of_tables_and_sequences_are_told_apart() -> None:
    assert differences("x", {"a": 1}, {"a": 1}) == []
    assert [line.split(",")[0] for line in differences("x", {"a": 1, "b": 2}, {"b": 3, "c": 4})] == [
        "x: 1 missing",
        "x: 1 too many",
        "x: 1 not as they must be",
    ]
    assert sequence_differs("x", ["a", "b"], ["a", "b"]) == []
    assert sequence_differs("x", ["a", "b"], ["a", "c", "c"]) == [
        "x: 1 of 2 lost",
        "x: 1 that nobody told",
        "x: 1 applied twice",
    ]


async def test_the_proxy_delivers_everything_in_order_and_some_of_it_again(sqlite_url: str, tmp_path: Path) -> None:
    await asyncio.to_thread(migrate, sqlite_url, None)
    outbox = Outbox("catalog")
    facts = [(f"ratings/{number}", rated(f"r{number}", 3.0)) for number in range(600)]
    async with Database(sqlite_url) as source:
        await source.write(lambda session: outbox.append_many(session, facts))
        async with serving_feed(FeedServicer(source, outbox), tmp_path) as port:
            relay = FeedRelay(f"127.0.0.1:{port}", 0.2, random.Random(3))
            token = TokenFactory(settings_for(FeedSettings, tmp_path)).service("watchlist")
            async with relay.serving() as address, grpc.aio.insecure_channel(address) as channel:
                stub: Any = feed_pb2_grpc.FeedServiceStub(channel)
                wanted = feed_pb2.WatchEventsRequest(once=True)
                call = stub.WatchEvents(wanted, metadata=[("authorization", f"Bearer {token}")])
                subjects = [answer.event.subject async for answer in call]
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    async for _ in stub.WatchEvents(wanted):
                        pass
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert list(dict.fromkeys(subjects)) == [subject for subject, _ in facts]
    assert relay.told["watchlist"] == 600
    again = len(subjects) - 600
    assert again == relay.doubled.total()
    assert 80 < again < 160
    assert set(relay.doubled) == {"at once", "late"}


async def test_the_proxy_says_that_the_service_is_away() -> None:
    relay = FeedRelay(f"127.0.0.1:{free_port()}", 0.05, random.Random(1))
    async with relay.serving() as address, grpc.aio.insecure_channel(address) as channel:
        stub: Any = feed_pb2_grpc.FeedServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as away:
            async for _ in stub.WatchEvents(feed_pb2.WatchEventsRequest()):
                pass
    assert away.value.code() is grpc.StatusCode.UNAVAILABLE
