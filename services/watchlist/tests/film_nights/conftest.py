from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as Packed

from cine.watchlist.v1 import events_pb2
from cine_watchlist.domain.links import Links
from cine_watchlist.flows.film_night_ending import FilmNightEnding
from cine_watchlist.flows.film_night_showing import FilmNightShowing
from cine_watchlist.flows.film_night_votes import FilmNightVotes
from cine_watchlist.flows.film_nights import FilmNights
from cine_watchlist.settings import WatchlistSettings
from cine_watchlist.store import Transaction, schema
from cinemesh.db import Database, mesh_tables, migrate
from cinemesh.idempotency import RequestIds
from cinemesh.outbox import Outbox
from cinemesh.projections import Films, People
from cinemesh.testing import settings_for
from cinemesh.testing.catalogue import film
from cinemesh.testing.seeds import seed_films, seed_people

NOBODY = "127.0.0.1:1"
ADA, BEN, CAT, DAN = "ada", "ben", "cat", "dan"
PEOPLE = {user_id: user_id.title() for user_id in (ADA, BEN, CAT, DAN)}
FILMS = (
    film(1, "Alien", year=1979),
    film(2, "Brazil", year=1985),
    film(3, "Casablanca", year=1942),
    film(4, "Duck Soup", year=1933),
    film(5, "Marty", year=1955),
)


class MovableClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 3, 14, 15, 9, 26, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += dt.timedelta(**amount)


@dataclass
class Room:
    """Film nights over a store, without anybody to ask beside it."""

    database: Database
    clock: MovableClock
    nights: FilmNights
    votes: FilmNightVotes
    ending: FilmNightEnding
    showing: FilmNightShowing

    @classmethod
    def over(cls, database: Database, folder: Path, clock: MovableClock) -> Room:
        settings = settings_for(WatchlistSettings, folder, peers={"catalog": [NOBODY], "identity": [NOBODY]})
        films = Films("watchlist", settings, database, schema.films)
        ending = FilmNightEnding(database, Outbox("watchlist"), clock)
        people = People("watchlist", settings, database, schema.people, forget=ending.forget, clock=clock)
        showing = FilmNightShowing(films, people, Links(b"key"), "https://films.example.org")
        nights = FilmNights(database, films, people, RequestIds(clock), showing, ending, clock)
        votes = FilmNightVotes(database, films, people, showing, ending, clock)
        return cls(database, clock, nights, votes, ending, showing)

    async def told(self) -> list[Any]:
        """Returns the events told, in order."""
        table = mesh_tables.outbox
        order = [table.c.id] if self.database.dialect == "sqlite" else [table.c.xid, table.c.id]
        query = sa.select(table.c.data).order_by(*order)
        return [unpacked(data) for data in await self.database.read(lambda tx: list(tx.execute(query).scalars()))]


def unpacked(data: bytes) -> Any:
    packed = Packed.FromString(data)
    event = getattr(events_pb2, packed.TypeName().rpartition(".")[2])()
    packed.Unpack(event)
    return event


def fill(tx: Transaction) -> None:
    seed_films(tx, schema.films, FILMS)
    seed_people(tx, schema.people, PEOPLE)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, "cine_watchlist")
    async with Database(store_url) as opened:
        await opened.write(fill)
        yield opened


@pytest.fixture
def room(database: Database, tmp_path: Path, clock: MovableClock) -> Room:
    return Room.over(database, tmp_path, clock)
