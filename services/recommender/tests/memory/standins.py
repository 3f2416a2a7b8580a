"""Ratings and Watchlist as far as they are followed: a feed each, and what they hold, to be read whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
from google.protobuf.message import Message

from cine.ratings.v1 import diary_pb2, diary_pb2_grpc, ratings_pb2, ratings_pb2_grpc
from cine.watchlist.v1 import watchlist_pb2, watchlist_pb2_grpc
from cinemesh.client import close_channels
from cinemesh.db import Database, mesh_tables, migrate
from cinemesh.feed import FeedServicer
from cinemesh.outbox import Outbox
from cinemesh.server import Application, Mount, Server
from cinemesh.settings import ServiceSettings
from cinemesh.testing import settings_for
from cinemesh.testing.ports import free_port

from .conftest import START

_MOUNTED: Any = (
    ("ratings", "RatingsService", ratings_pb2, ratings_pb2_grpc),
    ("ratings", "DiaryService", diary_pb2, diary_pb2_grpc),
    ("watchlist", "WatchlistService", watchlist_pb2, watchlist_pb2_grpc),
)


class Followed(Application):
    """Stands where a service would that is followed.

    Attributes:
        ratings: by id: whose, film, stars.
        entries: of diaries, by id: whose, film.
        watched: items of watchlists, by id: whose, film.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.name = settings.service
        self.settings = settings
        self.database = Database(settings.store_url, pool=2)
        self.outbox = Outbox(self.name)
        self.ratings: dict[str, tuple[str, int, float]] = {}
        self.entries: dict[str, tuple[str, int]] = {}
        self.watched: dict[str, tuple[str, int]] = {}
        self._feed = FeedServicer(self.database, self.outbox)

    async def start(self) -> list[Mount]:
        await asyncio.to_thread(migrate, self.settings.store_url, None)
        await self.database.open()
        mounts = []
        for owner, service, messages, stubs in _MOUNTED:
            if owner == self.name:
                add = getattr(stubs, f"add_{service}Servicer_to_server")
                mounts.append(
                    Mount(_servicer(stubs, service, self), add, messages.DESCRIPTOR.services_by_name[service])
                )
        return mounts

    async def stop(self) -> None:
        self._feed.stop()
        await self.database.close()

    def feed(self) -> FeedServicer:
        return self._feed

    async def tell(self, *facts: Message) -> None:
        """Tells of facts in the feed."""
        await self.database.write(lambda tx: self.outbox.append_many(tx, [("things/x", fact) for fact in facts]))

    async def lose_events(self) -> None:
        """Drops every event told until now."""
        old = sa.update(mesh_tables.outbox).values(time=START)
        await self.database.write(lambda tx: tx.execute(old).close())
        await self.outbox.prune(self.database, older_than=START - START)


def _servicer(stubs: Any, service: str, app: Followed) -> Any:
    class Whole(getattr(stubs, f"{service}Servicer")):  # type: ignore[misc]
        async def StreamRatings(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802 - by the contract
            for number, (user_id, movie_id, overall) in app.ratings.items():
                rating = ratings_pb2.Rating(rating_id=number, movie_id=movie_id, overall=overall)
                rating.updated_at.FromDatetime(START)
                owned = ratings_pb2.OwnedRating(user_id=user_id, rating=rating)
                yield ratings_pb2.StreamRatingsResponse(ratings=[owned])

        async def StreamDiaryEntries(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
            yield diary_pb2.StreamDiaryEntriesResponse(
                entries=[
                    diary_pb2.WatchedFilm(entry_id=number, user_id=user_id, movie_id=movie_id)
                    for number, (user_id, movie_id) in app.entries.items()
                ]
            )

        async def StreamWatchedItems(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
            yield watchlist_pb2.StreamWatchedItemsResponse(
                items=[
                    watchlist_pb2.WatchedItem(item_id=number, user_id=user_id, movie_id=movie_id)
                    for number, (user_id, movie_id) in app.watched.items()
                ]
            )

    return Whole()


class _RatingsSettings(ServiceSettings):
    service: ClassVar[str] = "ratings"


class _WatchlistSettings(ServiceSettings):
    service: ClassVar[str] = "watchlist"


@asynccontextmanager
async def standing_in(folder: Path, name: str) -> AsyncIterator[tuple[Followed, str]]:
    """Runs Ratings or Watchlist for the block, and yields it with its address."""
    made = settings_for({"ratings": _RatingsSettings, "watchlist": _WatchlistSettings}[name], folder)
    made.service_dir.mkdir(parents=True, exist_ok=True)
    app = Followed(made)
    server = Server(app)
    await server.bind(free_port(), None)
    try:
        await server.start()
        yield app, f"127.0.0.1:{server.port}"
    finally:
        await server.stop()
        await close_channels()
