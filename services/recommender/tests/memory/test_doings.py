"""What Ratings and Watchlist tell, once or twice, late or all over again: it ends as what they hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from cine.ratings.v1.events_pb2 import DiaryEntryChanged, DiaryEntryDeleted, RatingChanged, RatingDeleted
from cine.watchlist.v1.events_pb2 import WatchlistItemChanged, WatchlistItemRemoved
from cine_recommender.domain.known import Known
from cine_recommender.flows.doings import Doings
from cine_recommender.flows.memory import Memory
from cine_recommender.settings import RecommenderSettings
from cine_recommender.store import Transaction, doings, memories, schema
from cinemesh.client import close_channels
from cinemesh.db import Database, migrate
from cinemesh.errors import Unavailable
from cinemesh.testing import settings_for

from .conftest import ADA, BEN, NOBODY, START, MovableClock, Room, event, eventually
from .histories import Source, deliveries, sources
from .standins import Followed, standing_in

T = schema.doings


def assert_is(known: Known, source: Source, who: str) -> None:
    """Checks that what is known of somebody is what the source holds."""
    rated = source.rated_by(who)
    ordered = sorted((at, movie_id, max(stars, 0.5)) for movie_id, (stars, at) in rated.items())
    assert known.movie_ids.tolist() == [movie_id for _, movie_id, _ in ordered]
    assert known.ratings.tolist() == [stars for _, _, stars in ordered]
    assert known.times.tolist() == [at for at, _, _ in ordered]
    assert known.seen.tolist() == sorted(rated.keys() | source.watched_by(who))
    assert known.rating_count == len(rated)


def test_however_it_arrives_it_ends_as_the_source(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite3'}"
    migrate(url, "cine_recommender")
    loop = asyncio.new_event_loop()
    database = Database(url)
    made = settings_for(RecommenderSettings, tmp_path, peers={"ratings": [NOBODY]})
    memory = Memory(database)
    follower = Doings(made, database, memory)

    async def read(source: Source) -> None:
        for who in (ADA, BEN):
            assert_is(await memory.of(who), source, who)

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def whatever_comes(data: st.DataObject) -> None:
        source = data.draw(sources())
        batches = data.draw(deliveries(source))
        loop.run_until_complete(database.write(_empty))
        memory._drop_all()  # as the store was emptied behind its back
        for events in batches:
            loop.run_until_complete(database.write(lambda tx, events=events: follower.apply(tx, events)))  # type: ignore[misc]
            loop.run_until_complete(memory.of(ADA))  # and so at hand
        loop.run_until_complete(read(source))

    try:
        whatever_comes()
    finally:
        loop.run_until_complete(database.close())
        loop.close()


def _empty(tx: Transaction) -> None:
    for table in (schema.doings, schema.memories):
        tx.execute(sa.delete(table))


class TestStore:
    async def test_what_is_told_counts_on_both_stores(self, room: Room) -> None:
        source = Source()
        for act in (
            ("rate", ADA, 1, 9),
            ("rate", ADA, 2, 0),
            ("rate", BEN, 1, 2),
            ("watch", ADA, 3, 0),
            ("mark", ADA, 4, 0),
            ("mark", BEN, 4, 0),
            ("unmark", BEN, 4, 0),
            ("rate", ADA, 1, 3),
            ("unrate", BEN, 1, 0),
        ):
            source.do(*act)
        for _ in range(2):  # twice
            await room.database.write(lambda tx: room.doings.apply(tx, source.events))
        for who in (ADA, BEN):
            assert_is(await room.memory.of(who), source, who)
        known = await room.memory.of(ADA)
        assert known.seen.tolist() == [1, 2, 3, 4]
        assert known.movie_ids.dtype == np.int32 and known.ratings.dtype == np.float32 and known.times.dtype == np.int64

    async def test_what_was_taken_back_says_no_longer_whose_it_was_and_goes_in_time(
        self, room: Room, clock: MovableClock
    ) -> None:
        await room.told((RatingChanged(rating_id="r", user_id=ADA, movie_id=2, overall=3), 1))
        await room.told((RatingDeleted(rating_id="r", user_id=ADA, movie_id=2), 2))
        rows = await room.database.read(lambda tx: tx.execute(sa.select(T.c.user_id, T.c.movie_id, T.c.gone)).all())
        assert [tuple(row) for row in rows] == [("", 0, True)]
        clock.forward(days=59)
        assert await room.doings.prune() == 0
        clock.forward(days=2)
        assert await room.doings.prune() == 1

    async def test_a_whole_reading_brings_what_was_missed_and_not_what_was_taken_back(self, room: Room) -> None:
        await room.told(
            (RatingChanged(rating_id="r1", user_id=ADA, movie_id=1, overall=5), 1),
            (RatingChanged(rating_id="r2", user_id=ADA, movie_id=2, overall=5), 2),
            (RatingDeleted(rating_id="r2", user_id=ADA, movie_id=2), 3),
            (RatingChanged(rating_id="r3", user_id=ADA, movie_id=3, overall=5), 4),
        )
        read = [
            doings.Doing(doings.RATING, number, ADA, movie_id, START, halves=2, happened_at=7)
            for number, movie_id in (("r1", 1), ("r2", 2), ("r4", 4))
        ]

        def change(tx: Transaction) -> int:
            doings.note_reading(tx, "reading", read)
            return doings.drop_unread(tx, doings.RATING, "reading")

        assert await room.database.write(change) == 1
        known = await room.memory.of(ADA)
        assert (known.movie_ids.tolist(), known.ratings.tolist()) == ([1, 4], [1.0, 1.0])
        # every event that is kept comes again: what it tells is newer, or the same
        await room.told((RatingChanged(rating_id="r1", user_id=ADA, movie_id=1, overall=4), 1))
        assert (await room.memory.of(ADA)).ratings.tolist() == [1.0, 4.0]

    async def test_what_comes_late_of_people_who_left_goes_with_housekeeping(self, room: Room) -> None:
        await room.database.write(lambda tx: tx.execute(sa.update(schema.people).values(state="deleted")).close())
        await room.told((RatingChanged(rating_id="r", user_id=ADA, movie_id=2, overall=3), 1))
        await room.told((RatingChanged(rating_id="s", user_id="cat", movie_id=2, overall=3), 1))
        assert await room.database.write(memories.drop_departed) == 2  # the rating and the version
        assert len(await room.memory.of("cat")) == 1
        left = await room.database.read(lambda tx: tx.execute(sa.select(schema.memories.c.user_id)).scalars().all())
        assert left == ["cat"]


@pytest.fixture
async def ratings(tmp_path: Path) -> AsyncIterator[tuple[Followed, str]]:
    async with standing_in(tmp_path, "ratings") as made:
        yield made


@pytest.fixture
async def watchlist(tmp_path: Path) -> AsyncIterator[tuple[Followed, str]]:
    async with standing_in(tmp_path, "watchlist") as made:
        yield made


def following(room: Room, folder: Path, clock: MovableClock, **peers: tuple[Followed, str]) -> Doings:
    """Returns what follows the services given."""
    known = {"ratings": [NOBODY], "watchlist": [NOBODY], **{name: [address] for name, (_, address) in peers.items()}}
    made = settings_for(RecommenderSettings, folder, peers=known)
    return Doings(made, room.database, room.memory, clock)


@pytest.fixture
def follower(room: Room, tmp_path: Path, ratings: tuple[Followed, str], clock: MovableClock) -> Doings:
    return following(room, tmp_path, clock, ratings=ratings)


class TestFollowing:
    async def test_a_rating_changes_what_is_known_within_a_second(
        self, follower: Doings, ratings: tuple[Followed, str], room: Room
    ) -> None:
        assert (await room.memory.of(ADA)).version == 0
        await follower.start()
        try:

            async def connected() -> bool:
                try:
                    return "following" in await follower.ratings.probe()
                except Unavailable:
                    return False

            await eventually(connected)
            for number in range(3):
                rated = RatingChanged(rating_id="r", user_id=ADA, movie_id=1, overall=1 + number)
                await ratings[0].tell(rated)

                async def arrived(stars: float = 1 + number) -> bool:
                    return (await room.memory.of(ADA)).ratings.tolist() == [stars]

                await eventually(arrived)
        finally:
            await follower.stop()

    async def test_when_the_feed_lacks_what_was_missed_everything_is_read_again(
        self, follower: Doings, ratings: tuple[Followed, str], room: Room
    ) -> None:
        app, _ = ratings
        await app.tell(
            RatingChanged(rating_id="r1", user_id=ADA, movie_id=1, overall=1),
            RatingChanged(rating_id="r2", user_id=ADA, movie_id=2, overall=2),
            DiaryEntryChanged(entry_id="d3", user_id=ADA, movie_id=3),
            RatingChanged(rating_id="r9", user_id="cat", movie_id=1, overall=1),
        )
        assert await follower.ratings.catch_up() == 4
        assert (await room.memory.of(ADA)).seen.tolist() == [1, 2, 3]
        assert len(await room.memory.of("cat")) == 1
        # missed, and pruned: r1, d3 and r9 go, r2 is another one, r4 and d5 come; r6 comes with an event that is still kept
        await app.tell(
            RatingDeleted(rating_id="r1", user_id=ADA, movie_id=1),
            DiaryEntryDeleted(entry_id="d3", user_id=ADA, movie_id=3),
            RatingChanged(rating_id="r4", user_id=ADA, movie_id=4, overall=4),
        )
        await app.lose_events()
        app.ratings = {"r2": (ADA, 2, 4.5), "r4": (ADA, 4, 4.0), "r6": (BEN, 1, 1.0)}
        app.entries = {"d5": (ADA, 5)}
        await app.tell(RatingChanged(rating_id="r6", user_id=BEN, movie_id=1, overall=3))
        await follower.ratings.catch_up()
        known = await room.memory.of(ADA)
        assert dict(zip(known.movie_ids.tolist(), known.ratings.tolist(), strict=True)) == {2: 4.5, 4: 4.0}
        assert known.seen.tolist() == [2, 4, 5]
        assert (await room.memory.of(BEN)).ratings.tolist() == [3.0]
        assert len(await room.memory.of("cat")) == 0, "at hand before, and nobody told of it"

    async def test_watchlists_are_read_again_too(
        self, room: Room, tmp_path: Path, clock: MovableClock, watchlist: tuple[Followed, str]
    ) -> None:
        app, _ = watchlist
        follower = following(room, tmp_path, clock, watchlist=watchlist)
        marks = [WatchlistItemChanged(item_id=f"i{one}", user_id=ADA, movie_id=one, watched=True) for one in (1, 2)]
        await app.tell(*marks)
        assert await follower.watchlist.catch_up() == 2
        await room.told((RatingChanged(rating_id="r", user_id=ADA, movie_id=5, overall=3), 1))
        await app.tell(WatchlistItemRemoved(item_id="i1", user_id=ADA, movie_id=1))
        await app.lose_events()
        app.watched = {"i2": (ADA, 2), "i3": (ADA, 3)}
        await follower.watchlist.catch_up()
        assert (await room.memory.of(ADA)).seen.tolist() == [2, 3, 5], "and what was rated stays"

    async def test_while_ratings_is_away_nothing_is_lost(self, room: Room) -> None:
        await room.told((RatingChanged(rating_id="r", user_id=ADA, movie_id=1, overall=3), 1))
        for attempt in (room.doings.ratings.catch_up(), room.doings.read_ratings(), room.doings.read_watchlists()):
            with pytest.raises(Unavailable):
                await attempt
        assert (await room.memory.of(ADA)).seen.tolist() == [1]
        await close_channels()

    async def test_a_mark_on_the_watchlist_counts_as_seen_and_a_film_that_is_only_wanted_does_not(
        self, room: Room
    ) -> None:
        wanted = WatchlistItemChanged(item_id="i1", user_id=ADA, movie_id=1)
        watched = WatchlistItemChanged(item_id="i2", user_id=ADA, movie_id=2, watched=True)
        await room.told((wanted, 1), (watched, 2))
        known = await room.memory.of(ADA)
        assert (known.seen.tolist(), len(known)) == ([2], 0)

    async def test_an_event_that_cannot_be_read_changes_nothing(self, room: Room) -> None:
        bad = event(DiaryEntryChanged(entry_id="d", user_id=ADA, movie_id=1, watched_on="yesterday"), 1)
        with pytest.raises(ValueError, match="yesterday"):
            await room.database.write(lambda tx: room.doings.apply(tx, [bad]))
        assert (await room.memory.of(ADA)).version == 0
