from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message

from cine.common.v1 import feed_pb2
from cine.recommender.v1 import events_pb2, recommender_pb2_grpc
from cine_recommender.app import RecommenderApplication
from cine_recommender.domain.feedback import Feedback
from cine_recommender.flows.doings import Doings
from cine_recommender.flows.feedback import FeedbackBook, FeedbackWish
from cine_recommender.flows.impressions import Impressions
from cine_recommender.flows.memory import Memory
from cine_recommender.settings import RecommenderSettings
from cine_recommender.store import Transaction, schema
from cinemesh.db import Database, mesh_tables, migrate
from cinemesh.errors import CineError
from cinemesh.outbox import Outbox
from cinemesh.projections import Films, People
from cinemesh.rpc_status import failure_of
from cinemesh.testing import Running, running, settings_for
from cinemesh.testing.catalogue import CatalogueStandIn, catalogue, film, read_whole
from cinemesh.testing.identity import StandIn, standing_in
from cinemesh.testing.seeds import seed_films, seed_people
from cinemesh.testing.tokens import TokenFactory

NOBODY = "127.0.0.1:1"
ADA, BEN = "ada", "ben"
PEOPLE = {user_id: user_id.title() for user_id in (ADA, BEN)}
FILMS = (
    film(1, "Alien", year=1979),
    film(2, "Brazil", year=1985),
    film(3, "Casablanca", year=1942),
    film(4, "Duck Soup", year=1933),
    film(5, "Marty", year=1955),
)
START = dt.datetime(2026, 3, 14, 15, 9, 26, tzinfo=dt.UTC)


class MovableClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += dt.timedelta(**amount)


def event(fact: Message, seconds: float, cursor: str = "") -> feed_pb2.Event:
    """Returns an event of the feed, told some seconds after the start."""
    made = feed_pb2.Event(id=f"e{seconds}", type=fact.DESCRIPTOR.full_name, cursor=cursor)
    made.time.FromDatetime(START + dt.timedelta(seconds=seconds))
    made.data.Pack(fact)
    return made


@dataclass
class Room:
    """What the recommender remembers, over a store and without anybody to ask beside it."""

    database: Database
    clock: MovableClock
    memory: Memory
    doings: Doings
    feedback: FeedbackBook
    impressions: Impressions
    people: People

    @classmethod
    def over(cls, database: Database, folder: Path, clock: MovableClock, **more: Any) -> Room:
        nobody = {name: [NOBODY] for name in ("catalog", "identity", "ratings", "watchlist")}
        settings = settings_for(RecommenderSettings, folder, peers=nobody)
        memory, outbox = Memory(database, more.pop("most", 10_000)), Outbox("recommender")
        films = Films("recommender", settings, database, schema.films)
        people = People(
            "recommender", settings, database, schema.people, forget=lambda tx, who: room.forget(tx, who), clock=clock
        )
        doings = Doings(settings, database, memory, clock)
        feedback = FeedbackBook(database, outbox, memory, films, people, clock)
        impressions = Impressions(database, films, clock=clock, **more)
        room = cls(database, clock, memory, doings, feedback, impressions, people)
        return room

    def forget(self, tx: Transaction, user_id: str) -> None:
        self.feedback.forget(tx, user_id)
        self.memory.forget(tx, user_id)

    async def say(self, user_id: str, movie_id: int, kind: str, **more: Any) -> Feedback:
        """Gives feedback."""
        return await self.feedback.give(user_id, FeedbackWish(movie_id, kind, **more), self.database.write)

    async def said(self, user_id: str, kind: str = "") -> list[tuple[int, str]]:
        """Returns film and kind of what holds, newest first."""
        page = await self.feedback.list(user_id, kind, 100, None)
        assert page.total == len(page.feedback)
        return [(one.movie_id, one.kind) for one in page.feedback]

    async def told(self, *facts: tuple[Message, float]) -> None:
        """Applies events of Ratings or Watchlist, each told some seconds after the start."""
        events = [event(fact, seconds) for fact, seconds in facts]
        await self.database.write(lambda tx: self.doings.apply(tx, events))


async def events_of(database: Database) -> list[Any]:
    """Returns every event of a store, in order."""
    table = mesh_tables.outbox
    order = [table.c.id] if database.dialect == "sqlite" else [table.c.xid, table.c.id]
    query = sa.select(table.c.data).order_by(*order)
    return [_unpacked(data) for data in await database.read(lambda tx: list(tx.execute(query).scalars()))]


def _unpacked(data: bytes) -> Any:
    packed = Packed.FromString(data)
    made = getattr(events_pb2, packed.TypeName().rpartition(".")[2])()
    packed.Unpack(made)
    return made


def fill(tx: Transaction) -> None:
    seed_films(tx, schema.films, FILMS)
    seed_people(tx, schema.people, PEOPLE)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, "cine_recommender")
    async with Database(store_url) as opened:
        await opened.write(fill)
        yield opened


@pytest.fixture
def room(database: Database, tmp_path: Path, clock: MovableClock) -> Room:
    return Room.over(database, tmp_path, clock)


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
    def recommender(self) -> Any:
        return self.running.stub(recommender_pb2_grpc.RecommenderServiceStub)

    def by(self, user_id: str) -> tuple[tuple[str, str], ...]:
        """Returns the metadata of a call by a person."""
        return self.tokens.metadata(self.tokens.user(user_id))


@asynccontextmanager
async def mesh_of(folder: Path, clock: MovableClock, store_url: str, **peers: list[str]) -> AsyncIterator[Mesh]:
    """Runs the service with films and people known to those it follows."""
    async with catalogue(folder, FILMS) as (shop, shop_at), standing_in(folder) as (identity, identity_at):
        identity.people.update(PEOPLE)
        known = {"catalog": [shop_at], "identity": [identity_at], "ratings": [NOBODY], "watchlist": [NOBODY], **peers}
        settings = settings_for(RecommenderSettings, folder, peers=known, database_url=store_url)
        tokens = TokenFactory(settings)  # before anybody reads the keys
        async with running(RecommenderApplication(settings, clock=clock)) as server:
            mesh = Mesh(server, shop, identity, tokens)
            await read_whole(mesh.app.remembering.films)
            yield mesh


@pytest.fixture
async def mesh(store_url: str, tmp_path: Path, clock: MovableClock) -> AsyncIterator[Mesh]:
    async with mesh_of(tmp_path / "mesh", clock, store_url) as made:
        yield made


async def refused(call: Awaitable[Any]) -> CineError:
    """Returns why a call was refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Waits until something holds that another service has yet to tell of."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - nothing wakes a test
            await asyncio.sleep(0.01)
