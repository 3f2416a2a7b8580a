"""Follows what people rate and watch, so that means, popular, trending and top-rated are those of today."""

from __future__ import annotations

import datetime as dt
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cine.ratings.v1 import events_pb2, ratings_pb2, ratings_pb2_grpc
from cine_catalog.domain.audience import Day
from cine_catalog.store import Transaction
from cine_catalog.store import audience as store
from cine_catalog.store.audience import RATING, WATCH, Doing
from cinemesh import telemetry
from cinemesh.client import channel
from cinemesh.db import Database, after_commit
from cinemesh.feed import Consumer
from cinemesh.settings import ServiceSettings

if TYPE_CHECKING:
    from cine.common.v1.feed_pb2_grpc import FeedServiceAsyncStub

_EVENTS: Final = {
    message.DESCRIPTOR.full_name: message
    for message in (
        events_pb2.RatingChanged,
        events_pb2.RatingDeleted,
        events_pb2.DiaryEntryChanged,
        events_pb2.DiaryEntryDeleted,
    )
}
_EPOCH: Final = dt.date(1970, 1, 1)
_OVERLAP: Final = dt.timedelta(minutes=1)
_WHOLE_EVERY_SECONDS: Final = 600.0
_STREAM_SECONDS: Final = 3600.0
Live = dict[int, list[Day]]


def day_of(moment: dt.datetime) -> int:
    """Returns days since 1970-01-01, UTC."""
    return (moment.astimezone(dt.UTC).date() - _EPOCH).days


def doing_of(event: feed_pb2.Event) -> Doing | None:
    """Returns what an event of Ratings tells, or None for what is of no interest here.

    Raises:
        ValueError: a diary entry says a day that is none.
    """
    kind = _EVENTS.get(event.type)
    if kind is None:
        return None
    told: Any = kind()
    event.data.Unpack(told)
    told_at = event.time.ToDatetime(tzinfo=dt.UTC)
    if isinstance(told, events_pb2.RatingChanged):
        day, halves = day_of(_moment(told.rated_at, told_at)), round(told.overall * 2)
        return Doing(RATING, told.rating_id, told.movie_id, day, halves, False, told_at)
    if isinstance(told, events_pb2.DiaryEntryChanged):
        day = (dt.date.fromisoformat(told.watched_on) - _EPOCH).days if told.watched_on else day_of(told_at)
        return Doing(WATCH, told.entry_id, told.movie_id, day, 0, False, told_at)
    rated = isinstance(told, events_pb2.RatingDeleted)
    doing_id = told.rating_id if rated else told.entry_id
    return Doing(RATING if rated else WATCH, doing_id, told.movie_id, 0, 0, True, told_at)


def _moment(stamp: Timestamp, otherwise: dt.datetime) -> dt.datetime:
    return stamp.ToDatetime(tzinfo=dt.UTC) if stamp.seconds else otherwise


class Audience:
    """What people here did, film by film, kept by following the feed of Ratings.

    Args:
        settings: where Ratings is.
        database: the catalogue's store, migrated.
        clock: tells the time.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        database: Database,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        # filled on a store thread, emptied on the event loop
        self._touched: deque[set[int]] = deque()
        self._seen: dt.datetime | None = None
        self._read_whole_at = 0.0
        self._log = telemetry.logger("catalog")
        self.live: Live = {}
        self.consumer = Consumer(
            "catalog.ratings", self._feed, database, self._apply, types=list(_EVENTS), rebuild=self._rebuild
        )

    def _feed(self) -> FeedServiceAsyncStub:
        stub: Any = feed_pb2_grpc.FeedServiceStub
        made: FeedServiceAsyncStub = stub(channel("ratings", self._settings))
        return made

    def _apply(self, session: Transaction, events: Sequence[feed_pb2.Event]) -> None:
        touched = store.apply(session, [doing for event in events if (doing := doing_of(event)) is not None])
        after_commit(session, lambda: self._touched.append(touched))

    async def _rebuild(self) -> None:
        """Reads every rating anew; diary entries have no whole reading, and what is known of them stays."""
        began = self._clock()
        stub: Any = ratings_pb2_grpc.RatingsServiceStub(channel("ratings", self._settings))
        ids: set[str] = set()
        async for answer in stub.StreamRatings(ratings_pb2.StreamRatingsRequest(), timeout=_STREAM_SECONDS):
            told = [_read(one.rating) for one in answer.ratings]
            ids.update(doing.doing_id for doing in told)
            await self._database.write(lambda session, told=told: store.apply(session, told, began))  # type: ignore[misc]
        await self._database.write(lambda session: store.keep_only(session, RATING, ids, began))
        self._read_whole_at = 0.0

    async def refresh(self) -> bool:
        """Reads what changed since the last time. Returns whether anything did, or enough time went by to fade."""
        now = self._clock()
        if self._seen is None or time.monotonic() - self._read_whole_at > _WHOLE_EVERY_SECONDS:
            self._touched.clear()
            self.live = await self._database.read(store.days)
            self._read_whole_at, self._seen = time.monotonic(), now
            return True
        since = self._seen - _OVERLAP
        waiting = len(self._touched)
        touched = set[int]().union(*(self._touched[i] for i in range(waiting)))
        fresh = await self._database.read(lambda session: _fresh(session, touched, since))
        for _ in range(waiting):
            self._touched.popleft()
        self._seen = now
        changed = {movie_id: days for movie_id, days in fresh.items() if days != self.live.get(movie_id, [])}
        self.live = {**self.live, **changed}
        return bool(changed)


def _fresh(session: Transaction, touched: set[int], since: dt.datetime) -> Live:
    """Returns the days of the films that somebody told of, none where everything was taken back."""
    movie_ids = touched | store.told_since(session, since)
    return {**{movie_id: [] for movie_id in movie_ids}, **store.days(session, movie_ids)}


def _read(rating: ratings_pb2.Rating) -> Doing:
    changed = rating.updated_at.ToDatetime(tzinfo=dt.UTC)
    return Doing(RATING, rating.rating_id, rating.movie_id, day_of(changed), round(rating.overall * 2), False, changed)
