from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message

from cine.ratings.v1 import (
    comments_pb2,
    comments_pb2_grpc,
    events_pb2,
    moderation_pb2_grpc,
    ratings_pb2_grpc,
    reviews_pb2,
    reviews_pb2_grpc,
)
from cine_ratings.app import RatingsApplication
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
from cinemesh.errors import CineError
from cinemesh.outbox import Outbox
from cinemesh.projections import Films, People
from cinemesh.rpc_status import failure_of
from cinemesh.testing import Running, running, settings_for
from cinemesh.testing.catalogue import catalogue, film, read_whole
from cinemesh.testing.identity import StandIn, standing_in
from cinemesh.testing.seeds import seed_films, seed_people
from cinemesh.testing.tokens import TokenFactory

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


@dataclass
class Wire:
    """The whole service between stand-ins of those it follows, where everybody of `USERNAMES` has an account."""

    running: Running
    identity: StandIn
    tokens: TokenFactory

    @property
    def app(self) -> Any:
        return self.running.app

    @property
    def reviews(self) -> Any:
        return self.running.stub(reviews_pb2_grpc.ReviewServiceStub)

    @property
    def comments(self) -> Any:
        return self.running.stub(comments_pb2_grpc.CommentServiceStub)

    @property
    def moderation(self) -> Any:
        return self.running.stub(moderation_pb2_grpc.ModerationServiceStub)

    @property
    def ratings(self) -> Any:
        return self.running.stub(ratings_pb2_grpc.RatingsServiceStub)

    def by(self, name: str) -> tuple[tuple[str, str], ...]:
        """Returns the metadata of a call by a person, by their user name; by a service for "service", by nobody for ""."""
        if not name:
            return ()
        if name == "service":
            return self.tokens.metadata(self.tokens.service())
        roles = ("user", "admin") if name == "boss" else ("user",)
        return self.tokens.metadata(self.tokens.user(f"u-{name}", roles))

    async def review(self, name: str, movie_id: int = 603, body: str = "Good.", **fields: Any) -> Any:
        request = reviews_pb2.CreateReviewRequest(movie_id=movie_id, body_markdown=body, **fields)
        return await self.reviews.CreateReview(request, metadata=self.by(name))

    async def comment(self, name: str, review_id: str, body: str = "So it is.", **fields: Any) -> Any:
        request = comments_pb2.CreateCommentRequest(review_id=review_id, body_markdown=body, **fields)
        return await self.comments.CreateComment(request, metadata=self.by(name))

    async def refused(self, call: Awaitable[Any]) -> CineError:
        """Returns why a call was refused."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        return failure_of(caught.value)


@pytest.fixture
async def wire(store_url: str, tmp_path: Path) -> AsyncIterator[Wire]:
    films = [film(movie_id, title) for movie_id, title in FILMS.items()]
    async with (
        catalogue(tmp_path / "mesh", films) as (_, films_at),
        standing_in(tmp_path / "mesh") as (identity, people_at),
    ):
        for user_id, username in USERNAMES.items():
            await identity.open_account(user_id, username)
        peers = {"catalog": [films_at], "identity": [people_at]}
        settings = settings_for(RatingsSettings, tmp_path / "mesh", peers=peers, database_url=store_url)
        async with running(RatingsApplication(settings)) as server:
            made = Wire(server, identity, TokenFactory(settings))
            await read_whole(made.app.films)
            yield made


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
