"""Whoever rates a film, or writes it into their diary, has seen it: Ratings and Watchlist as themselves, between them the feed."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cine.ratings.v1 import diary_pb2, diary_pb2_grpc, ratings_pb2, ratings_pb2_grpc
from cine.watchlist.v1 import canon_pb2, canon_pb2_grpc
from cine_ratings.app import RatingsApplication
from cine_ratings.settings import RatingsSettings
from cine_watchlist.app import WatchlistApplication
from cine_watchlist.settings import WatchlistSettings
from cinemesh.client import close_channels
from cinemesh.db import mesh_tables
from cinemesh.errors import CineError
from cinemesh.testing import Running, running, settings_for
from cinemesh.testing.catalogue import catalogue, film
from cinemesh.testing.identity import StandIn, standing_in
from cinemesh.testing.tokens import TokenFactory

ADA = "ada"
FILMS = [film(1, "Marty", year=1955), film(2, "Viridiana", year=1961), film(3, "Parasite", year=2019)]
DAY = "2026-03-01"


@dataclass
class Pair:
    """Both services, and Identity between."""

    ratings: Running
    watchlist: Running
    identity: StandIn
    caller: Any

    async def rate(self, movie_id: int) -> str:
        stub = self.ratings.stub(ratings_pb2_grpc.RatingsServiceStub)
        request = ratings_pb2.RateMovieRequest(movie_id=movie_id, overall=4)
        return str((await stub.RateMovie(request, metadata=self.caller)).rating_id)

    async def take_back(self, rating_id: str) -> None:
        stub = self.ratings.stub(ratings_pb2_grpc.RatingsServiceStub)
        await stub.DeleteRating(ratings_pb2.DeleteRatingRequest(rating_id=rating_id), metadata=self.caller)

    async def watch(self, movie_id: int) -> str:
        stub = self.ratings.stub(diary_pb2_grpc.DiaryServiceStub)
        request = diary_pb2.CreateDiaryEntryRequest(movie_id=movie_id, watched_on=DAY)
        return str((await stub.CreateDiaryEntry(request, metadata=self.caller)).entry_id)

    async def unwatch(self, entry_id: str) -> None:
        stub = self.ratings.stub(diary_pb2_grpc.DiaryServiceStub)
        await stub.DeleteDiaryEntry(diary_pb2.DeleteDiaryEntryRequest(entry_id=entry_id), metadata=self.caller)

    async def seen(self) -> set[int]:
        """Returns what the watchlist service takes the person to have seen of the winners of Cannes."""
        stub = self.watchlist.stub(canon_pb2_grpc.CanonServiceStub)
        request = canon_pb2.GetCanonListRequest(canon_id="palme-dor", page_size=100)
        answer = await stub.GetCanonList(request, metadata=self.caller)
        found = {item.movie_id for item in answer.items if item.seen}
        assert len(found) == answer.seen_count
        return found

    async def becomes(self, wanted: set[int]) -> None:
        for _ in range(500):
            if await self.seen() == wanted:
                return
            await asyncio.sleep(0.02)
        assert await self.seen() == wanted


async def filled(app: Any) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await app.films.probe()
            except CineError:
                await asyncio.sleep(0.02)
            else:
                return


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with catalogue(tmp_path, FILMS) as (_, films_at), standing_in(tmp_path) as (identity, identity_at):
        identity.people[ADA] = "Ada"
        peers = {"catalog": [films_at], "identity": [identity_at]}
        settings = settings_for(RatingsSettings, tmp_path, peers=peers)
        tokens = TokenFactory(settings)  # before anybody reads the keys
        async with running(RatingsApplication(settings)) as ratings:
            peers = {**peers, "ratings": [ratings.address]}
            async with running(WatchlistApplication(settings_for(WatchlistSettings, tmp_path, peers=peers))) as lists:
                await filled(ratings.app)
                await filled(lists.app)
                yield Pair(ratings, lists, identity, tokens.metadata(tokens.user(ADA)))
    await close_channels()


async def test_it_is_seen_as_long_as_a_rating_or_the_diary_says_so(pair: Pair) -> None:
    assert await pair.seen() == set()
    rating, entry = await pair.rate(1), await pair.watch(1)
    await pair.watch(2)
    await pair.becomes({1, 2})
    await pair.take_back(rating)
    await pair.rate(3)
    await pair.becomes({1, 2, 3})
    await pair.unwatch(entry)
    await pair.becomes({2, 3})


async def test_who_deletes_their_account_has_seen_nothing(pair: Pair) -> None:
    await pair.rate(1)
    await pair.watch(2)
    await pair.becomes({1, 2})
    await pair.identity.delete_account(ADA)
    await pair.becomes(set())


async def test_what_the_feed_no_longer_has_is_read_from_ratings_and_diaries(pair: Pair) -> None:
    rating, entry = await pair.rate(1), await pair.watch(2)
    await pair.becomes({1, 2})
    watchlist: Any = pair.watchlist.app
    ratings: Any = pair.ratings.app
    await watchlist.evenings.seen_films.stop()
    await pair.take_back(rating)
    await pair.unwatch(entry)
    await pair.rate(3)
    await pair.watch(2)
    long_ago = sa.update(mesh_tables.outbox).values(time=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    await ratings.database.write(lambda tx: tx.execute(long_ago).close())
    assert await ratings.outbox.prune(ratings.database, older_than=dt.timedelta(days=1)) > 0
    assert await pair.seen() == {1, 2}
    await watchlist.evenings.seen_films.start()
    await pair.becomes({2, 3})
