from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message

from cine.ratings.v1 import diary_pb2_grpc, events_pb2, ratings_pb2_grpc
from cine_ratings.app import RatingsApplication
from cine_ratings.flows.diary_book import DiaryBook
from cine_ratings.flows.rating_book import RatingBook
from cine_ratings.settings import RatingsSettings
from cine_ratings.store import Transaction, schema
from cinemesh.db import Database, mesh_tables, migrate
from cinemesh.errors import CineError
from cinemesh.outbox import Outbox
from cinemesh.rpc_status import failure_of
from cinemesh.testing import Running, running, settings_for
from cinemesh.testing.catalogue import CatalogueStandIn, catalogue, film, read_whole
from cinemesh.testing.identity import StandIn, standing_in
from cinemesh.testing.seeds import seed_films
from cinemesh.testing.tokens import TokenFactory

FILMS = (
    film(1, "The Matrix", year=1999, genres=["Action", "Sci-Fi"], directors=["Lana Wachowski", "Lilly Wachowski"],
         runtime_minutes=136, countries=["US"]),
    film(2, "The Matrix Reloaded", year=2003, genres=["Action", "Sci-Fi"], directors=["Lana Wachowski"], runtime_minutes=138),
    film(3, "Amélie", year=2001, genres=["Comedy", "Romance"], directors=["Jean-Pierre Jeunet"], runtime_minutes=122,
         countries=["FR", "DE"]),
    film(4, "A Perfect Stranger", genres=["Drama"]),
    film(5, "100% Wolf", year=2020, genres=["Animation", "Comedy"], runtime_minutes=96),
    film(6, "Cléo from 5 to 7", year=1962, genres=["Drama"], directors=["Agnès Varda"], runtime_minutes=90, countries=["FR"]),
)  # fmt: skip


class MovableClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 3, 14, 15, 9, 26, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += dt.timedelta(**amount)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@dataclass
class Books:
    """A migrated store with the books over it."""

    database: Database
    outbox: Outbox
    ratings: RatingBook
    diary: DiaryBook


@pytest.fixture
async def books(store_url: str, clock: MovableClock) -> AsyncIterator[Books]:
    await asyncio.to_thread(migrate, store_url, "cine_ratings")
    outbox = Outbox("ratings")
    rating_book = RatingBook(outbox, clock)
    async with Database(store_url) as database:
        await database.write(lambda tx: seed_films(tx, schema.films, FILMS))
        yield Books(database, outbox, rating_book, DiaryBook(rating_book, outbox, clock))


async def told(database: Database) -> list[Message]:
    """Returns every event of a store, in order."""
    table = mesh_tables.outbox
    order = [table.c.id] if database.dialect == "sqlite" else [table.c.xid, table.c.id]

    def read(tx: Transaction) -> list[bytes]:
        return list(tx.execute(sa.select(table.c.data).order_by(*order)).scalars())

    return [_unpacked(data) for data in await database.read(read)]


def _unpacked(data: bytes) -> Message:
    packed = Packed.FromString(data)
    event: Any = getattr(events_pb2, packed.TypeName().rpartition(".")[2])()
    packed.Unpack(event)
    return event  # type: ignore[no-any-return]


@dataclass
class Mesh:
    """The service between stand-ins of those it follows."""

    running: Running
    catalogue: CatalogueStandIn
    identity: StandIn
    tokens: TokenFactory

    @property
    def app(self) -> Any:
        return self.running.app

    @property
    def ratings(self) -> Any:
        return self.running.stub(ratings_pb2_grpc.RatingsServiceStub)

    @property
    def diary(self) -> Any:
        return self.running.stub(diary_pb2_grpc.DiaryServiceStub)

    def by(self, user_id: str) -> tuple[tuple[str, str], ...]:
        """Returns the metadata of a call by a person."""
        return self.tokens.metadata(self.tokens.user(user_id))

    def service(self) -> tuple[tuple[str, str], ...]:
        """Returns the metadata of a call by another service."""
        return self.tokens.metadata(self.tokens.service())

    async def filled(self) -> None:
        """Waits until the films are there."""
        await read_whole(self.app.films)


@pytest.fixture
async def mesh(store_url: str, tmp_path: Path, clock: MovableClock) -> AsyncIterator[Mesh]:
    async with (
        catalogue(tmp_path / "mesh", FILMS) as (films, films_at),
        standing_in(tmp_path / "mesh") as (people, people_at),
    ):
        peers = {"catalog": [films_at], "identity": [people_at]}
        settings = settings_for(RatingsSettings, tmp_path / "mesh", peers=peers, database_url=store_url)
        async with running(RatingsApplication(settings, clock=clock)) as server:
            mesh = Mesh(server, films, people, TokenFactory(settings))
            await mesh.filled()
            yield mesh


async def refused(call: Awaitable[Any]) -> CineError:
    """Returns why a call was refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Waits until something holds that another service has yet to tell of."""
    async with asyncio.timeout(20):
        while not await holds():  # noqa: ASYNC110 - nothing wakes a test
            await asyncio.sleep(0.02)
