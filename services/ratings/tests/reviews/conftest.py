from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message

from cine.ratings.v1 import events_pb2
from cine_ratings.domain.review import ReviewWish, Viewer, wish_of
from cine_ratings.flows.anonymity import forget_author
from cine_ratings.flows.comments import Comments, ShownComment
from cine_ratings.flows.moderation import Moderation
from cine_ratings.flows.rating_book import RatingBook
from cine_ratings.flows.review_reading import ReviewReading
from cine_ratings.flows.reviews import Reviews
from cine_ratings.flows.shown import ShownReview
from cine_ratings.settings import RatingsSettings
from cine_ratings.store import Transaction
from cine_ratings.store import schema as tables
from cinemesh.db import Database, mesh_tables, migrate
from cinemesh.outbox import Outbox
from cinemesh.projections import Films, People
from cinemesh.testing import settings_for
from cinemesh.testing.catalogue import film
from cinemesh.testing.seeds import seed_films, seed_people

T = TypeVar("T")
START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
USERNAMES = {"u-ada": "ada", "u-bob": "bob", "u-cy": "cy", "u-boss": "boss"}
ADA, BOB, CY = (Viewer(f"u-{name}") for name in ("ada", "bob", "cy"))
BOSS = Viewer("u-boss", sees_hidden=True)
FILMS = {603: "The Matrix", 604: "The Matrix Reloaded", 2571: "Amélie"}


class TickingClock:
    """A clock that goes on by a second whenever it is read, so that no two things happen at once."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        self.now += dt.timedelta(seconds=1)
        return self.now


class Room:
    """The flows of reviews over a store, with everybody's names and a few films in it."""

    def __init__(self, database: Database, folder: Path, clock: Callable[[], dt.datetime]) -> None:
        settings = settings_for(
            RatingsSettings, folder, peers={"identity": ["127.0.0.1:1"], "catalog": ["127.0.0.1:1"]}
        )
        self.database = database
        self.clock = clock
        self.outbox = Outbox("ratings")
        people = People("ratings", settings, database, tables.people, forget=self.forget, clock=clock)
        films = Films("ratings", settings, database, tables.films)
        self.book = RatingBook(self.outbox, clock)
        self.reviews = Reviews(database, self.outbox, films, people, self.book, clock)
        self.reading = ReviewReading(database, films, people)
        self.comments = Comments(database, self.outbox, people, clock)
        self.moderation = Moderation(database, self.outbox, people, clock)

    async def fill(self) -> None:
        def change(tx: Transaction) -> None:
            seed_people(tx, tables.people, USERNAMES)
            seed_films(tx, tables.films, [film(movie_id, title) for movie_id, title in FILMS.items()])

        await self.database.write(change)

    def forget(self, tx: Transaction, user_id: str) -> None:
        forget_author(tx, user_id, self.outbox, self.clock)

    async def publish(self, viewer: Viewer, movie_id: int, body: str = "Good.", **fields: Any) -> ShownReview:
        wish: ReviewWish = wish_of(movie_id, body, **fields)
        return await self.reviews.create(viewer, wish, self.once)

    async def comment(self, viewer: Viewer, review_id: str, body: str = "So it is.", parent: str = "") -> ShownComment:
        return await self.comments.create(viewer, review_id, parent, body, self.once)

    async def once(self, effect: Callable[[Transaction], T]) -> T:
        return await self.database.write(effect)

    async def events(self) -> list[Message]:
        """Returns what was told since the last time."""
        table = mesh_tables.outbox

        def take(tx: Transaction) -> list[bytes]:
            found = [row.data for row in tx.execute(sa.select(table.c.data).order_by(table.c.id))]
            tx.execute(sa.delete(table))
            return found

        told: list[Message] = []
        for data in await self.database.write(take):
            packed = Packed.FromString(data)
            kind: Any = getattr(events_pb2, packed.TypeName().rpartition(".")[2])
            fact = kind()
            packed.Unpack(fact)
            told.append(fact)
        return told


@pytest.fixture
def clock() -> TickingClock:
    return TickingClock()


@pytest.fixture
async def room(store_url: str, tmp_path: Path, clock: TickingClock) -> AsyncIterator[Room]:
    await asyncio.to_thread(migrate, store_url, "cine_ratings")
    async with Database(store_url) as database:
        room = Room(database, tmp_path, clock)
        await room.fill()
        yield room


async def refused(call: Awaitable[Any], kind: type[Any]) -> Any:
    with pytest.raises(kind) as caught:
        await call
    return caught.value
