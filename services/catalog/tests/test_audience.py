"""What people rate and watch: figures that fade, a store that takes events in any order, lists that follow the feed of Ratings."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from cine.catalog.v1 import catalog_pb2 as pb
from cine.catalog.v1 import catalog_pb2_grpc
from cine.ratings.v1 import events_pb2
from cine_catalog.app import CatalogApplication
from cine_catalog.audience import day_of
from cine_catalog.domain.audience import TREND_HALF_LIFE, Day, Figures, joined
from cine_catalog.settings import CatalogSettings
from cine_catalog.store import audience as store
from cine_catalog.store.audience import RATING, WATCH, Doing
from cinemesh.db import Database, migrate
from cinemesh.feed import FeedServicer
from cinemesh.outbox import Outbox
from cinemesh.testing import running
from cinemesh.testing.feeds import serving_feed

from .conftest import SMALL, write_catalogue

NOW = dt.datetime.now(dt.UTC)
TODAY = day_of(NOW)


def figures(*rows: tuple[float, float, float, float]) -> Figures:
    count, rating, recent, popularity = np.array(rows, dtype=np.float64).T
    return Figures(count, rating, recent, popularity)


def test_ratings_here_and_in_the_data_count_alike() -> None:
    data = figures((3, 4.0, 0, 10), (0, 0, 0, 0))
    found = joined(data, 0.0, {0: [Day(TODAY, 1, 4, 0)], 1: [Day(TODAY, 2, 14, 1)]}, TODAY)
    assert found.count.tolist() == [4, 2]
    assert found.rating.tolist() == [3.5, 3.5]
    assert found.popularity.tolist() == [11, 2.5]


def test_interest_halves_with_each_half_life() -> None:
    data = figures((100, 4.0, 8, 10), (100, 4.0, 0, 10))
    old = [Day(TODAY - round(TREND_HALF_LIFE), 2, 10, 0)]
    found = joined(data, 2 * TREND_HALF_LIFE, {1: old}, TODAY)
    assert found.recent.tolist() == [2.0, 1.0]


def test_nobody_did_anything() -> None:
    data = figures((3, 4.0, 1, 10))
    found = joined(data, 0.0, {}, TODAY)
    assert [getattr(found, name).tolist() for name in ("count", "rating", "recent", "popularity")] == [
        [3],
        [4],
        [1],
        [10],
    ]


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, "cine_catalog")
    opened = Database(store_url)
    await opened.open()
    yield opened
    await opened.close()


def doing(
    doing_id: str, minute: int, *, movie_id: int = 1, halves: int = 8, gone: bool = False, kind: str = RATING
) -> Doing:
    return Doing(kind, doing_id, movie_id, TODAY, 0 if gone else halves, gone, NOW + dt.timedelta(minutes=minute))


async def test_events_in_any_order_and_twice_give_the_same_rows(database: Database) -> None:
    told = [doing(f"r{n % 40}", n, movie_id=n % 7 + 1, halves=n % 11, gone=n % 9 == 0) for n in range(200)]
    told += [doing(f"d{n}", n, movie_id=n % 7 + 1, halves=0, kind=WATCH) for n in range(30)]

    async def after(order: list[Doing], size: int) -> dict[int, list[Day]]:
        await database.write(lambda tx: tx.execute(store.doings.delete()))
        for start in range(0, len(order), size):
            part = order[start : start + size]
            await database.write(lambda tx, part=part: store.apply(tx, part))
        return await database.read(store.days)

    expected = await after(told, 256)
    assert sum(day.ratings for days in expected.values() for day in days) > 0
    chooser = random.Random(5)
    for size in (1, 17):
        shuffled = told + chooser.sample(told, 60)
        chooser.shuffle(shuffled)
        assert await after(shuffled, size) == expected


async def test_a_late_event_does_not_bring_back_what_was_deleted(database: Database) -> None:
    await database.write(lambda tx: store.apply(tx, [doing("r", 5, gone=True)]))
    assert await database.write(lambda tx: store.apply(tx, [doing("r", 1)])) == set()
    assert await database.read(store.days) == {}


async def test_of_two_changes_at_one_moment_the_later_told_counts(database: Database) -> None:
    for halves in (3, 9):
        await database.write(lambda tx, halves=halves: store.apply(tx, [doing("r", 0, halves=halves)]))
    assert await database.read(store.days) == {1: [Day(TODAY, 1, 9, 0)]}
    await database.write(lambda tx: store.apply(tx, [doing("r", 0, gone=True)]))
    assert await database.read(store.days) == {}


async def test_a_film_that_a_rating_left_is_touched_too(database: Database) -> None:
    await database.write(lambda tx: store.apply(tx, [doing("r", 0, movie_id=1)]))
    assert await database.write(lambda tx: store.apply(tx, [doing("r", 1, movie_id=2)])) == {1, 2}


async def test_what_a_whole_reading_lacks_is_gone_unless_it_is_newer(database: Database) -> None:
    await database.write(lambda tx: store.apply(tx, [doing("kept", 0), doing("lost", 0), doing("new", 10)]))
    watch = doing("w", 0, kind=WATCH, halves=0)
    await database.write(lambda tx: store.apply(tx, [watch]))
    await database.write(lambda tx: store.keep_only(tx, RATING, {"kept"}, NOW + dt.timedelta(minutes=5)))
    assert await database.read(store.days) == {1: [Day(TODAY, 2, 16, 1)]}


async def test_a_whole_reading_knows_better_than_what_was_told_before(database: Database) -> None:
    began = NOW + dt.timedelta(minutes=5)
    await database.write(lambda tx: store.apply(tx, [doing("old", 2, halves=3), doing("new", 10, halves=4)]))
    # both bear moments of long ago, as imported ratings do
    read = [doing("old", -9999, halves=9), doing("new", -9999, halves=9)]
    assert await database.write(lambda tx: store.apply(tx, read, began)) == {1}
    assert await database.read(store.days) == {1: [Day(TODAY, 2, 13, 0)]}
    # events that come again afterwards, and one that is news
    again = [doing("old", 1, halves=1), doing("old", 3, halves=7)]
    await database.write(lambda tx: store.apply(tx, again[:1]))
    assert await database.read(store.days) == {1: [Day(TODAY, 2, 13, 0)]}
    await database.write(lambda tx: store.apply(tx, again[1:]))
    assert await database.read(store.days) == {1: [Day(TODAY, 2, 11, 0)]}


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60), st.integers(0, 10), st.booleans()), max_size=30))
def test_means_equal_a_plain_count(rows: list[tuple[int, int, int, bool]]) -> None:
    live: dict[int, list[Day]] = {}
    for film, age, halves, _ in rows:
        live.setdefault(film, []).append(Day(TODAY - age, 1, halves, 0))
    found = joined(figures(*[(0, 0, 0, 0)] * 6), 0.0, live, TODAY)
    for film in range(6):
        mine = [halves / 2 for other, _, halves, _ in rows if other == film]
        assert found.count[film] == len(mine)
        assert found.rating[film] == pytest.approx(sum(mine) / len(mine) if mine else 0.0)


@asynccontextmanager
async def followed(settings: CatalogSettings, folder: Path) -> AsyncIterator[tuple[Any, Database, Outbox]]:
    """A catalogue that follows a feed which a test writes to, as Ratings would."""
    url = f"sqlite:///{folder / 'ratings.sqlite3'}"
    await asyncio.to_thread(migrate, url, "cine_catalog")  # any store has an outbox
    database, outbox = Database(url), Outbox("ratings")
    await database.open()
    write_catalogue(settings.merged_csv, SMALL)
    async with serving_feed(FeedServicer(database, outbox), settings.var_dir.parent) as port:
        pointed = settings.model_copy(update={"peers": {"ratings": [f"127.0.0.1:{port}"]}, "audience_seconds": 0.05})
        async with running(CatalogApplication(pointed)) as server:
            yield server.stub(catalog_pb2_grpc.CatalogServiceStub), database, outbox
    await database.close()


def rated(rating_id: str, movie_id: int, overall: float) -> events_pb2.RatingChanged:
    return events_pb2.RatingChanged(
        rating_id=rating_id,
        user_id="u",
        movie_id=movie_id,
        overall=overall,
        rated_at=Timestamp(seconds=int(NOW.timestamp())),
    )


async def told(database: Database, outbox: Outbox, *events: Any) -> None:
    await database.write(lambda tx: outbox.append_many(tx, [(f"movies/{event.movie_id}", event) for event in events]))


async def eventually(ask: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool]) -> Any:
    """Asks until the answer is as wanted, and returns it."""
    async with asyncio.timeout(15):
        while not holds(answer := await ask()):  # noqa: ASYNC110 - a server of its own, no event to wait for
            await asyncio.sleep(0.05)
    return answer


async def until_count(stub: Any, movie_id: int, count: int) -> Any:
    return await eventually(
        lambda: stub.GetMovie(pb.GetMovieRequest(movie_id=movie_id)), lambda film: film.rating_count == count
    )


async def test_a_rating_changes_mean_cards_and_lists_within_seconds(settings: CatalogSettings, tmp_path: Path) -> None:
    async with followed(settings, tmp_path) as (stub, database, outbox):
        trending = await stub.ListTrendingMovies(pb.ListTrendingMoviesRequest())
        assert trending.movies[0].movie_id == 3
        before = await stub.GetMovie(pb.GetMovieRequest(movie_id=5))
        await told(database, outbox, *[rated(f"r{n}", 5, 5.0) for n in range(90)])
        after = await until_count(stub, 5, 180)
        assert after.average_rating == pytest.approx((before.average_rating + 5.0) / 2, abs=0.001)
        assert after.etag != before.etag and after.etag.partition(".")[0] == before.etag  # what the feed announced
        found = await stub.SearchMovies(pb.SearchMoviesRequest(query="rocky"))
        assert (found.movies[0].rating_count, found.movies[0].movie_id) == (180, 5)
        trending = await stub.ListTrendingMovies(pb.ListTrendingMoviesRequest())
        assert trending.movies[0].movie_id == 5
        # a change is not one more, and what is taken back leaves the data's own figures
        await told(database, outbox, *[rated(f"r{n}", 5, 1.0) for n in range(90)])
        await eventually(lambda: stub.GetMovie(pb.GetMovieRequest(movie_id=5)), lambda film: film.average_rating < 2.2)
        gone = [events_pb2.RatingDeleted(rating_id=f"r{n}", user_id="u", movie_id=5) for n in range(90)]
        await told(database, outbox, *gone)
        film = await until_count(stub, 5, 90)
        assert film.average_rating == pytest.approx(before.average_rating)


async def test_an_import_keeps_what_people_rated(settings: CatalogSettings, tmp_path: Path) -> None:
    async with followed(settings, tmp_path) as (stub, database, outbox):
        await told(database, outbox, rated("a", 5, 4.0), rated("unknown film", 999_999, 4.0))
        await until_count(stub, 5, 91)
        write_catalogue(settings.merged_csv, SMALL[:6])
        await eventually(lambda: stub.SearchMovies(pb.SearchMoviesRequest()), lambda found: found.total_size == 6)
        assert (await stub.GetMovie(pb.GetMovieRequest(movie_id=5))).rating_count == 91
