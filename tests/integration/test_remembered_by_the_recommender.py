"""What people rate, watch and say is known to the recommender: Ratings, Watchlist and Recommender as themselves, and feeds between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cine.ratings.v1 import diary_pb2, diary_pb2_grpc, ratings_pb2, ratings_pb2_grpc
from cine.recommender.v1 import recommender_pb2, recommender_pb2_grpc
from cine.watchlist.v1 import watchlist_pb2, watchlist_pb2_grpc
from cine_ratings.app import RatingsApplication
from cine_ratings.settings import RatingsSettings
from cine_recommender.app import RecommenderApplication
from cine_recommender.settings import RecommenderSettings
from cine_watchlist.app import WatchlistApplication
from cine_watchlist.settings import WatchlistSettings
from cinemesh.client import close_channels
from cinemesh.testing import Running, running, settings_for
from cinemesh.testing.catalogue import catalogue, film, read_whole
from cinemesh.testing.identity import StandIn, standing_in
from cinemesh.testing.tokens import TokenFactory

ADA = "ada"
FILMS = [film(number, f"Film {number}", year=1950 + number) for number in range(1, 8)]


@dataclass
class Trio:
    """The services, and Identity beside them."""

    ratings: Running
    watchlist: Running
    recommender: Running
    identity: StandIn
    caller: Any

    async def ask(self, server: Running, stub: Any, method: str, request: Any) -> Any:
        return await getattr(server.stub(stub), method)(request, metadata=self.caller)

    async def rate(self, movie_id: int, overall: float) -> str:
        request = ratings_pb2.RateMovieRequest(movie_id=movie_id, overall=overall)
        answer = await self.ask(self.ratings, ratings_pb2_grpc.RatingsServiceStub, "RateMovie", request)
        return str(answer.rating_id)

    async def knows(self, rated: dict[int, float], seen: list[int]) -> None:
        """Waits until the recommender knows just this."""
        memory, began = self.recommender.app.remembering.memory, time.monotonic()  # type: ignore[attr-defined]
        while True:
            known = await memory.of(ADA)
            told = dict(zip(known.movie_ids.tolist(), known.ratings.tolist(), strict=True)), known.seen.tolist()
            if told == (rated, seen):
                return
            assert time.monotonic() - began < 20, told
            await asyncio.sleep(0.005)


@pytest.fixture
async def trio(tmp_path: Path) -> AsyncIterator[Trio]:
    async with catalogue(tmp_path, FILMS) as (_, films_at), standing_in(tmp_path) as (identity, identity_at):
        identity.people[ADA] = "Ada"
        peers = {"catalog": [films_at], "identity": [identity_at]}
        settings = settings_for(RatingsSettings, tmp_path, peers=peers)
        tokens = TokenFactory(settings)  # before anybody reads the keys
        async with running(RatingsApplication(settings)) as ratings:
            peers = {**peers, "ratings": [ratings.address]}
            async with running(WatchlistApplication(settings_for(WatchlistSettings, tmp_path, peers=peers))) as lists:
                peers = {**peers, "watchlist": [lists.address]}
                made = RecommenderApplication(settings_for(RecommenderSettings, tmp_path, peers=peers))
                async with running(made) as recommender:
                    for films in (ratings.app.films, lists.app.films, made.remembering.films):  # type: ignore[attr-defined]
                        await read_whole(films)
                    yield Trio(ratings, lists, recommender, identity, tokens.metadata(tokens.user(ADA)))
    await close_channels()


async def test_what_is_rated_watched_and_said_is_known_and_gone_when_it_is_taken_back(trio: Trio) -> None:
    first = await trio.rate(1, 4.5)
    await trio.rate(2, 0)
    await trio.knows({1: 4.5, 2: 0.5}, [1, 2])
    await trio.rate(1, 3)
    await trio.knows({1: 3.0, 2: 0.5}, [1, 2])
    noted = diary_pb2.CreateDiaryEntryRequest(movie_id=3, watched_on="2026-03-01")
    entry = await trio.ask(trio.ratings, diary_pb2_grpc.DiaryServiceStub, "CreateDiaryEntry", noted)
    watchlist = watchlist_pb2_grpc.WatchlistServiceStub
    for movie_id in (4, 5):
        item = await trio.ask(trio.watchlist, watchlist, "AddItem", watchlist_pb2.AddItemRequest(movie_id=movie_id))
    mark = watchlist_pb2.MarkWatchedRequest(item_id=item.item_id)
    await trio.ask(trio.watchlist, watchlist, "MarkWatched", mark)
    await trio.knows({1: 3.0, 2: 0.5}, [1, 2, 3, 5])
    said = recommender_pb2.SendFeedbackRequest(movie_id=6, kind="like")
    await trio.ask(trio.recommender, recommender_pb2_grpc.RecommenderServiceStub, "SendFeedback", said)
    known = await trio.recommender.app.remembering.memory.of(ADA)  # type: ignore[attr-defined]
    assert (known.movie_ids.tolist()[-1], known.liked.tolist()) == (6, [6])
    gone = ratings_pb2.DeleteRatingRequest(rating_id=first)
    await trio.ask(trio.ratings, ratings_pb2_grpc.RatingsServiceStub, "DeleteRating", gone)
    unwatched = diary_pb2.DeleteDiaryEntryRequest(entry_id=entry.entry_id)
    await trio.ask(trio.ratings, diary_pb2_grpc.DiaryServiceStub, "DeleteDiaryEntry", unwatched)
    removed = watchlist_pb2.RemoveItemRequest(item_id=item.item_id)
    await trio.ask(trio.watchlist, watchlist, "RemoveItem", removed)
    await trio.knows({2: 0.5, 6: 4.5}, [2])


async def test_who_leaves_is_forgotten_whoever_hears_of_it_first(trio: Trio) -> None:
    for movie_id in (1, 2, 3):
        await trio.rate(movie_id, 4)
    await trio.knows({1: 4.0, 2: 4.0, 3: 4.0}, [1, 2, 3])
    await trio.identity.delete_account(ADA)
    await trio.knows({}, [])


async def test_a_whole_reading_of_the_services_themselves_changes_nothing(trio: Trio) -> None:
    await trio.rate(1, 4)
    item = await trio.ask(
        trio.watchlist,
        watchlist_pb2_grpc.WatchlistServiceStub,
        "AddItem",
        watchlist_pb2.AddItemRequest(movie_id=2),
    )
    mark = watchlist_pb2.MarkWatchedRequest(item_id=item.item_id)
    await trio.ask(trio.watchlist, watchlist_pb2_grpc.WatchlistServiceStub, "MarkWatched", mark)
    await trio.knows({1: 4.0}, [1, 2])
    doings = trio.recommender.app.remembering.doings  # type: ignore[attr-defined]
    before = (await trio.recommender.app.remembering.memory.of(ADA)).times.tolist()  # type: ignore[attr-defined]
    await doings.read_ratings()
    await doings.read_watchlists()
    await trio.knows({1: 4.0}, [1, 2])
    after = (await trio.recommender.app.remembering.memory.of(ADA)).times.tolist()  # type: ignore[attr-defined]
    assert after == before
