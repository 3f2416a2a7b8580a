"""A follower of Ratings' feed that trusts it: it adds and subtracts, looks at no time and no version, and takes every event for new.

So whatever is lost, told twice or told in the wrong order shows in its tables. `python -m tests.chaos.follower` runs it as a process
where the recommender would be.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cinemesh import contracts
from cinemesh.client import channel
from cinemesh.db import Database, migrate, new_metadata, upsert
from cinemesh.feed import Consumer
from cinemesh.server import Application, Mount, run
from cinemesh.settings import ServiceSettings, load

if TYPE_CHECKING:
    from cine.common.v1.feed_pb2_grpc import FeedServiceAsyncStub

CONSUMER = "recommender.ratings"
metadata = new_metadata()

# every event as it was applied; no unique constraint, so that one applied twice shows
applied = sa.Table(
    "applied",
    metadata,
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("event_id", sa.String(26), nullable=False),
)

# what was told last of each thing that is there
told = sa.Table(
    "told",
    metadata,
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("thing_id", sa.String(120), primary_key=True),
    sa.Column("review_id", sa.String(26), nullable=False, index=True),  # dies with it; empty where there is none
    sa.Column("value", sa.String(300), nullable=False),
)

# only ever added to
counted = sa.Table(
    "counted",
    metadata,
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("movie_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("halves", sa.Integer, primary_key=True, autoincrement=False),  # 0 for what has no stars
    sa.Column("count", sa.Integer, nullable=False),
)


def rating_value(user_id: str, movie_id: int, halves: Sequence[int | None]) -> str:
    """Returns what is kept of a rating: whose, of what, and its dimensions in order."""
    return " ".join([user_id, str(movie_id), *("-" if one is None else str(one) for one in halves)])


def diary_value(user_id: str, movie_id: int, watched_on: str, *, rewatch: bool) -> str:
    """Returns what is kept of a diary entry."""
    return f"{user_id} {movie_id} {watched_on} {rewatch}"


class Batch:
    """What some events come to, written at once."""

    def __init__(self) -> None:
        self._applied: list[dict[str, Any]] = []
        self._told: dict[tuple[str, str], tuple[str, str] | None] = {}
        self._counted: dict[tuple[str, int, int], int] = defaultdict(int)
        self._deleted_reviews: list[str] = []

    def add(self, event: feed_pb2.Event) -> None:
        """Takes in the next event."""
        self._applied.append({"event_id": event.id})
        fact: Any = contracts.message(event.type)()
        event.data.Unpack(fact)
        hear = self._HEARD.get(event.type.rpartition(".")[2])
        if hear is not None:
            hear(self, fact)

    def _rating_changed(self, fact: Any) -> None:
        parts = ("plot", "acting", "cinematography", "soundtrack")
        halves = [round(getattr(fact, name) * 2) if fact.HasField(name) else None for name in parts]
        overall = round(fact.overall * 2)
        self._tell("rating", fact.rating_id, rating_value(fact.user_id, fact.movie_id, [overall, *halves]))
        if fact.HasField("previous_overall"):
            self._counted["stars", fact.movie_id, round(fact.previous_overall * 2)] -= 1
        self._counted["stars", fact.movie_id, overall] += 1

    def _rating_deleted(self, fact: Any) -> None:
        self._told["rating", fact.rating_id] = None
        self._counted["stars", fact.movie_id, round(fact.previous_overall * 2)] -= 1

    def _diary_entry_changed(self, fact: Any) -> None:
        self._tell(
            "diary", fact.entry_id, diary_value(fact.user_id, fact.movie_id, fact.watched_on, rewatch=fact.rewatch)
        )
        self._counted["watches", fact.movie_id, 0] += fact.added

    def _diary_entry_deleted(self, fact: Any) -> None:
        self._told["diary", fact.entry_id] = None
        self._counted["watches", fact.movie_id, 0] -= 1

    def _review_changed(self, fact: Any) -> None:
        self._tell("review", fact.review_id, str(fact.revision), fact.review_id)
        self._counted["reviews", fact.movie_id, 0] += fact.added

    def _review_deleted(self, fact: Any) -> None:
        self._counted["reviews", fact.movie_id, 0] -= 1
        self._deleted_reviews.append(fact.review_id)
        for key, value in self._told.items():
            if value is not None and value[0] == fact.review_id:
                self._told[key] = None

    def _review_liked(self, fact: Any) -> None:
        self._tell("likes", fact.review_id, str(fact.like_count), fact.review_id)
        like = f"{fact.review_id} {fact.user_id}"
        if fact.liked:
            self._tell("like", like, "", fact.review_id)
        else:
            self._told["like", like] = None

    def _comment_changed(self, fact: Any) -> None:
        self._tell("comments", fact.review_id, str(fact.comment_count), fact.review_id)

    _HEARD: ClassVar[dict[str, Callable[[Any, Any], None]]] = {
        "RatingChanged": _rating_changed,
        "RatingDeleted": _rating_deleted,
        "DiaryEntryChanged": _diary_entry_changed,
        "DiaryEntryDeleted": _diary_entry_deleted,
        "ReviewChanged": _review_changed,
        "ReviewDeleted": _review_deleted,
        "ReviewLiked": _review_liked,
        "CommentChanged": _comment_changed,
    }

    def _tell(self, kind: str, thing_id: str, value: str, review_id: str = "") -> None:
        self._told[kind, thing_id] = (review_id, value)

    def write(self, session: Session) -> None:
        """Writes what the events come to."""
        session.execute(sa.insert(applied), self._applied)
        if self._deleted_reviews:
            session.execute(sa.delete(told).where(told.c.review_id.in_(self._deleted_reviews)))
        gone = [key for key, value in self._told.items() if value is None]
        if gone:
            one = sa.delete(told).where(told.c.kind == sa.bindparam("k"), told.c.thing_id == sa.bindparam("i"))
            session.execute(one, [{"k": kind, "i": thing_id} for kind, thing_id in gone])
        there = [
            {"kind": kind, "thing_id": thing_id, "review_id": value[0], "value": value[1]}
            for (kind, thing_id), value in sorted(self._told.items())
            if value is not None
        ]
        upsert(session, told, there, key=["kind", "thing_id"])
        sums = [
            {"kind": kind, "movie_id": movie_id, "halves": halves, "count": count}
            for (kind, movie_id, halves), count in sorted(self._counted.items())
        ]
        upsert(session, counted, sums, key=["kind", "movie_id", "halves"], add=["count"])


def apply(session: Session, events: Sequence[feed_pb2.Event]) -> None:
    """Applies events, a handler for `Consumer`."""
    batch = Batch()
    for event in events:
        batch.add(event)
    batch.write(session)


class FollowerSettings(ServiceSettings):
    """It takes the recommender's place."""

    service: ClassVar[str] = "recommender"


class FollowerApplication(Application):
    """Follows, and answers nothing but health."""

    name = "recommender"

    def __init__(self, settings: FollowerSettings) -> None:
        self.settings: FollowerSettings = settings
        self._database = Database(settings.store_url)
        self._consumer = Consumer(CONSUMER, self._feed, self._database, apply)

    def _feed(self) -> FeedServiceAsyncStub:
        stub: Any = feed_pb2_grpc.FeedServiceStub
        made: FeedServiceAsyncStub = stub(channel("ratings", self.settings))
        return made

    async def start(self) -> list[Mount]:
        """Opens the store and begins to follow."""
        await asyncio.to_thread(migrate, self.settings.store_url, None)
        await self._database.write(lambda session: metadata.create_all(session.connection()))
        await self._consumer.start()
        return []

    async def stop(self) -> None:
        """Closes what `start` opened."""
        await self._consumer.stop()
        await self._database.close()


if __name__ == "__main__":
    run(FollowerApplication(load(FollowerSettings)))
