"""What people have seen: what Ratings tells, once or twice, late or all over again, and what they marked here."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from cine.common.v1 import feed_pb2
from cine.ratings.v1 import diary_pb2, diary_pb2_grpc, ratings_pb2, ratings_pb2_grpc
from cine.ratings.v1.events_pb2 import DiaryEntryChanged, DiaryEntryDeleted, RatingChanged, RatingDeleted
from cine_watchlist.flows.seen_films import SeenFilms, apply
from cine_watchlist.settings import WatchlistSettings
from cine_watchlist.store import Transaction, schema, seen
from cine_watchlist.store.seen_tables import seen as table
from cinemesh.client import close_channels
from cinemesh.db import Database, mesh_tables, migrate
from cinemesh.errors import Unavailable
from cinemesh.feed import FeedServicer
from cinemesh.outbox import Outbox
from cinemesh.server import Application, Mount, Server
from cinemesh.settings import ServiceSettings
from cinemesh.stamps import stamp
from cinemesh.testing import settings_for

from .conftest import ADA, BEN, MovableClock

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
FILMS = range(1, 6)


def event(fact: Message, second: int) -> feed_pb2.Event:
    packed = Packed()
    packed.Pack(fact)
    when = stamp(START + dt.timedelta(seconds=second))
    return feed_pb2.Event(id=str(second), type=fact.DESCRIPTOR.full_name, time=when, data=packed)


class History:
    """A history of ratings and diary entries as Ratings makes it: ids are new, and a thing is there before it is taken back."""

    def __init__(self, acts: Sequence[tuple[str, int, int]]) -> None:
        self.events: list[feed_pb2.Event] = []
        self.left: dict[tuple[str, str], tuple[str, int]] = {}
        for second, (user_id, movie_id, what) in enumerate(acts):
            if what < 4 or not self.left:
                source, number = ("rating", "diary")[what % 2], f"{second:03}"
                self.left[source, number] = (user_id, movie_id)
                self._tell(source, number, user_id, movie_id, second)
            else:
                (source, number), (user_id, movie_id) = list(self.left.items())[movie_id % len(self.left)]
                if what == 4:
                    self._tell(source, number, user_id, movie_id, second)
                else:
                    del self.left[source, number]
                    kind: Any = RatingDeleted if source == "rating" else DiaryEntryDeleted
                    key = "rating_id" if source == "rating" else "entry_id"
                    self.events.append(event(kind(**{key: number}, user_id=user_id, movie_id=movie_id), second))

    def _tell(self, source: str, number: str, user_id: str, movie_id: int, second: int) -> None:
        fact: Message
        if source == "rating":
            fact = RatingChanged(rating_id=number, user_id=user_id, movie_id=movie_id, overall=3)
        else:
            fact = DiaryEntryChanged(entry_id=number, user_id=user_id, movie_id=movie_id)
        self.events.append(event(fact, second))

    def seen_by(self, user_id: str) -> set[int]:
        return {movie_id for who, movie_id in self.left.values() if who == user_id}


histories = st.lists(
    st.tuples(st.sampled_from([ADA, BEN]), st.sampled_from(list(FILMS)), st.integers(0, 5)), max_size=25
).map(History)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_told_twice_and_in_any_order_the_same_comes_of_it(store_url: str, loop: asyncio.AbstractEventLoop) -> None:
    migrate(store_url, "cine_watchlist")
    database = Database(store_url)

    @settings(max_examples=60, deadline=None)
    @given(histories, st.randoms(use_true_random=False), st.integers(1, 6))
    def whatever_comes(history: History, random: Any, at_once: int) -> None:
        told = [*history.events, *random.sample(history.events, len(history.events) // 3)]
        random.shuffle(told)

        def change(tx: Transaction) -> list[set[int]]:
            tx.execute(sa.delete(table))
            for start in range(0, len(told), at_once):
                apply(tx, told[start : start + at_once])
            return [seen.seen_among(tx, user_id, FILMS) for user_id in (ADA, BEN)]

        assert loop.run_until_complete(database.write(change)) == [history.seen_by(ADA), history.seen_by(BEN)]

    try:
        whatever_comes()
    finally:
        loop.run_until_complete(database.close())


class TestStore:
    async def test_what_one_marked_here_counts_and_what_others_did_does_not(self, database: Database) -> None:
        def change(tx: Transaction) -> tuple[set[int], set[int], bool, bool]:
            apply(tx, [event(RatingChanged(rating_id="r", user_id=BEN, movie_id=2), 1)])
            tx.execute(sa.insert(schema.watchlists).values(user_id=ADA, item_count=2, spreads=0))
            for movie_id, watched_at in ((1, START), (3, None)):
                tx.execute(sa.insert(schema.watchlist_items).values(**item(movie_id, watched_at)))
            return (
                seen.seen_among(tx, ADA, FILMS),
                seen.seen_among(tx, BEN, FILMS),
                seen.has_rated(tx, BEN, 2),
                seen.has_rated(tx, ADA, 1),
            )

        assert await database.write(change) == ({1}, {2}, True, False)
        assert await database.read(lambda tx: seen.seen_among(tx, "", FILMS)) == set()

    async def test_what_was_taken_back_says_no_longer_whose_it_was_and_goes_in_time(self, database: Database) -> None:
        def change(tx: Transaction) -> Any:
            apply(tx, [event(RatingChanged(rating_id="r", user_id=ADA, movie_id=2), 1)])
            apply(tx, [event(RatingDeleted(rating_id="r", user_id=ADA, movie_id=2), 2)])
            return tx.execute(sa.select(table.c.user_id, table.c.movie_id, table.c.gone)).all()

        assert await database.write(change) == [("", 0, True)]
        later = START + dt.timedelta(seconds=2)
        assert await database.write(lambda tx: seen.prune(tx, later)) == 0
        assert await database.write(lambda tx: seen.prune(tx, later + dt.timedelta(seconds=1))) == 1

    async def test_a_whole_reading_does_not_forget_what_was_taken_back(self, database: Database) -> None:
        rated = event(RatingChanged(rating_id="r", user_id=ADA, movie_id=2), 1)

        def change(tx: Transaction) -> set[int]:
            apply(tx, [rated, event(RatingDeleted(rating_id="r", user_id=ADA, movie_id=2), 2)])
            seen.drop_unread(tx, seen.RATING, "reading")
            apply(tx, [rated])  # put aside at first, and tried once more
            return seen.seen_among(tx, ADA, FILMS)

        assert await database.write(change) == set()

    async def test_who_leaves_has_seen_nothing(self, database: Database) -> None:
        def change(tx: Transaction) -> tuple[set[int], set[int]]:
            apply(tx, [event(RatingChanged(rating_id=one, user_id=one, movie_id=2), 1) for one in (ADA, BEN)])
            seen.forget(tx, ADA)
            return seen.seen_among(tx, ADA, FILMS), seen.seen_among(tx, BEN, FILMS)

        assert await database.write(change) == (set(), {2})


class RatingsStandIn(Application):
    """Stands where Ratings would: a feed, ratings and diaries to be read whole."""

    name = "ratings"

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.database = Database(settings.store_url, pool=2)
        self.outbox = Outbox(self.name)
        self.ratings: dict[str, tuple[str, int]] = {}
        self.entries: dict[str, tuple[str, int]] = {}
        self._feed = FeedServicer(self.database, self.outbox, poll_seconds=0.05)

    async def start(self) -> list[Mount]:
        await asyncio.to_thread(migrate, self.settings.store_url, None)
        await self.database.open()
        ratings, diary = ratings_pb2.DESCRIPTOR.services_by_name, diary_pb2.DESCRIPTOR.services_by_name
        return [
            Mount(Whole(self), ratings_pb2_grpc.add_RatingsServiceServicer_to_server, ratings["RatingsService"]),
            Mount(WholeDiary(self), diary_pb2_grpc.add_DiaryServiceServicer_to_server, diary["DiaryService"]),
        ]

    async def stop(self) -> None:
        self._feed.stop()
        await self.database.close()

    def feed(self) -> FeedServicer:
        return self._feed

    async def tell(self, *facts: Message) -> None:
        await self.database.write(lambda tx: self.outbox.append_many(tx, [("ratings/x", fact) for fact in facts]))


_Ratings: Any = ratings_pb2_grpc.RatingsServiceServicer  # of which these answer one call each
_Diary: Any = diary_pb2_grpc.DiaryServiceServicer


class Whole(_Ratings):  # type: ignore[misc]
    def __init__(self, app: RatingsStandIn) -> None:
        self.app = app

    async def StreamRatings(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802 - by the contract
        for number, (user_id, movie_id) in self.app.ratings.items():
            rating = ratings_pb2.Rating(rating_id=number, movie_id=movie_id)
            yield ratings_pb2.StreamRatingsResponse(ratings=[ratings_pb2.OwnedRating(user_id=user_id, rating=rating)])


class WholeDiary(_Diary):  # type: ignore[misc]
    def __init__(self, app: RatingsStandIn) -> None:
        self.app = app

    async def StreamDiaryEntries(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        entries = [
            diary_pb2.WatchedFilm(entry_id=number, user_id=user_id, movie_id=movie_id)
            for number, (user_id, movie_id) in self.app.entries.items()
        ]
        yield diary_pb2.StreamDiaryEntriesResponse(entries=entries)


class RatingsStandInSettings(ServiceSettings):
    service: ClassVar[str] = "ratings"


@pytest.fixture
async def ratings(tmp_path: Path) -> AsyncIterator[tuple[RatingsStandIn, str]]:
    made = settings_for(RatingsStandInSettings, tmp_path)
    made.service_dir.mkdir(parents=True, exist_ok=True)
    app = RatingsStandIn(made)
    server = Server(app)
    await server.bind(0, None)
    try:
        await server.start()
        yield app, f"127.0.0.1:{server.port}"
    finally:
        await server.stop()
        await close_channels()


@pytest.fixture
def follower(database: Database, tmp_path: Path, ratings: tuple[RatingsStandIn, str], clock: MovableClock) -> SeenFilms:
    made = settings_for(WatchlistSettings, tmp_path, peers={"ratings": [ratings[1]]})
    return SeenFilms(made, database, clock)


async def seen_by(database: Database, user_id: str) -> set[int]:
    return await database.read(lambda tx: seen.seen_among(tx, user_id, FILMS))


class TestFollowing:
    async def test_what_is_told_arrives(
        self, follower: SeenFilms, ratings: tuple[RatingsStandIn, str], database: Database
    ) -> None:
        app, _ = ratings
        await app.tell(
            RatingChanged(rating_id="r1", user_id=ADA, movie_id=1),
            DiaryEntryChanged(entry_id="d1", user_id=ADA, movie_id=1),
            DiaryEntryChanged(entry_id="d2", user_id=ADA, movie_id=2),
        )
        assert await follower.catch_up() == 3
        assert await seen_by(database, ADA) == {1, 2}
        await app.tell(
            RatingDeleted(rating_id="r1", user_id=ADA, movie_id=1),
            DiaryEntryDeleted(entry_id="d2", user_id=ADA, movie_id=2),
        )
        await follower.catch_up()
        assert await seen_by(database, ADA) == {1}  # the diary still says so

    async def test_it_follows_in_the_background(
        self, follower: SeenFilms, ratings: tuple[RatingsStandIn, str], database: Database
    ) -> None:
        with pytest.raises(Unavailable):
            await follower.probe()
        await follower.start()
        try:
            await ratings[0].tell(RatingChanged(rating_id="r1", user_id=ADA, movie_id=1))
            async with asyncio.timeout(10):
                while True:
                    try:
                        assert "following" in await follower.probe()
                        assert await seen_by(database, ADA) == {1}
                    except (Unavailable, AssertionError):
                        await asyncio.sleep(0.02)
                    else:
                        break
        finally:
            await follower.stop()

    async def test_when_the_feed_lacks_what_was_missed_everything_is_read_again(
        self, follower: SeenFilms, ratings: tuple[RatingsStandIn, str], database: Database
    ) -> None:
        app, _ = ratings
        await app.tell(
            RatingChanged(rating_id="r1", user_id=ADA, movie_id=1),
            DiaryEntryChanged(entry_id="d1", user_id=ADA, movie_id=2),
            RatingChanged(rating_id="r3", user_id=ADA, movie_id=3),
        )
        await follower.catch_up()
        await app.tell(RatingDeleted(rating_id="r3", user_id=ADA, movie_id=3))
        await follower.catch_up()
        # missed, and pruned: r1 and d1 go, r4 and d5 come, r6 comes with an event that is still kept
        gone = [RatingDeleted(rating_id="r1", user_id=ADA, movie_id=1), DiaryEntryDeleted(entry_id="d1", user_id=ADA)]
        await app.tell(*gone, RatingChanged(rating_id="r4", user_id=ADA, movie_id=4))
        old = sa.update(mesh_tables.outbox).values(time=START)
        await app.database.write(lambda tx: tx.execute(old).close())
        await app.outbox.prune(app.database, older_than=dt.timedelta(days=1))
        app.ratings = {"r3": (ADA, 3), "r4": (ADA, 4)}  # as if r3 were still there when it was read
        app.entries = {"d5": (ADA, 5)}
        await app.tell(RatingChanged(rating_id="r6", user_id=BEN, movie_id=1))
        await follower.catch_up()
        assert await seen_by(database, ADA) == {4, 5}
        assert await seen_by(database, BEN) == {1}

    async def test_while_ratings_is_away_nothing_is_lost(
        self, database: Database, tmp_path: Path, clock: MovableClock
    ) -> None:
        made = settings_for(WatchlistSettings, tmp_path, peers={"ratings": ["127.0.0.1:1"]})
        await database.write(lambda tx: apply(tx, [event(RatingChanged(rating_id="r", user_id=ADA, movie_id=1), 1)]))
        follower = SeenFilms(made, database, clock)
        for attempt in (follower.catch_up(), follower.read_all()):
            with pytest.raises(Unavailable):
                await attempt
        assert await seen_by(database, ADA) == {1}
        await close_channels()


def item(movie_id: int, watched_at: dt.datetime | None) -> dict[str, Any]:
    return {
        "item_id": f"item{movie_id}",
        "user_id": ADA,
        "movie_id": movie_id,
        "priority": 5,
        "watched_at": watched_at,
        "notes": "",
        "place": movie_id,
        "created_at": START,
        "updated_at": START,
        "version": 1,
    }
