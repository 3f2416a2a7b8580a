"""What people have seen, as Ratings tells it: whoever rates a film or writes it into a diary has seen it."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import grpc
from ulid import ULID

from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cine.ratings.v1 import diary_pb2, diary_pb2_grpc, events_pb2, ratings_pb2, ratings_pb2_grpc
from cine_watchlist.store import Transaction, seen
from cine_watchlist.store.seen import DIARY, RATING, Sighting
from cinemesh.client import channel
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import Unavailable
from cinemesh.feed import Consumer
from cinemesh.settings import ServiceSettings

if TYPE_CHECKING:
    from cine.common.v1.feed_pb2_grpc import FeedServiceAsyncStub

_PEER: Final = "ratings"
_WHOLE_SECONDS: Final = 600.0
_GONE_AGE: Final = dt.timedelta(days=60)
"""How long it is remembered that something was taken back: longer than events are kept."""
_LONG_AGO: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

_FACTS: Final[dict[str, tuple[type[Any], str, str, bool]]] = {
    kind.DESCRIPTOR.full_name: (kind, source, key, gone)
    for kind, source, key, gone in (
        (events_pb2.RatingChanged, RATING, "rating_id", False),
        (events_pb2.RatingDeleted, RATING, "rating_id", True),
        (events_pb2.DiaryEntryChanged, DIARY, "entry_id", False),
        (events_pb2.DiaryEntryDeleted, DIARY, "entry_id", True),
    )
}
"""By type of event: its message, what it is about, the field with the id, and whether it takes something back."""


class SeenFilms:
    """Follows the feed of Ratings into the table `seen`.

    Args:
        settings: where Ratings is.
        database: the store.
        clock: tells the time.
    """

    def __init__(self, settings: ServiceSettings, database: Database, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._consumer = Consumer(
            "watchlist.ratings", self._feed, database, apply, types=list(_FACTS), rebuild=self.read_all
        )

    def _feed(self) -> FeedServiceAsyncStub:
        stub: Any = feed_pb2_grpc.FeedServiceStub
        made: FeedServiceAsyncStub = stub(channel(_PEER, self._settings))
        return made

    async def start(self) -> None:
        """Begins to follow in the background; Ratings need not answer yet."""
        await self._consumer.start()

    async def stop(self) -> None:
        """Stops following."""
        await self._consumer.stop()

    async def probe(self) -> str:
        """Says how it is doing: `Probe(seen.probe, required=False)`.

        Raises:
            Unavailable: it does not follow.
        """
        return await self._consumer.probe()

    async def catch_up(self) -> int:
        """Applies everything told until now and returns how many events that were; for jobs and tests."""
        return await self._consumer.catch_up()

    async def read_all(self) -> None:
        """Reads all ratings and diaries whole: the feed no longer has what was missed.

        What is not there any more goes at the end, so nobody has seen less meanwhile than before.

        Raises:
            Unavailable: Ratings does not answer.
        """
        reading = str(ULID())
        peer = channel(_PEER, self._settings)
        ratings: Any = ratings_pb2_grpc.RatingsServiceStub(peer)
        diaries: Any = diary_pb2_grpc.DiaryServiceStub(peer)
        try:
            answers = ratings.StreamRatings(ratings_pb2.StreamRatingsRequest(), timeout=_WHOLE_SECONDS)
            await self._keep(RATING, reading, answers, _ratings)
            answers = diaries.StreamDiaryEntries(diary_pb2.StreamDiaryEntriesRequest(), timeout=_WHOLE_SECONDS)
            await self._keep(DIARY, reading, answers, _entries)
        except grpc.aio.AioRpcError as fault:
            raise Unavailable("Ratings does not say what people have seen") from fault

    async def _keep(
        self, source: str, reading: str, answers: AsyncIterator[Any], told: Callable[[Any], list[Sighting]]
    ) -> None:
        async for answer in answers:
            some = told(answer)
            await self._database.write(functools.partial(seen.note_reading, reading=reading, sightings=some))
        await self._database.write(lambda tx: seen.drop_unread(tx, source, reading))

    async def prune(self) -> int:
        """Forgets what was taken back long ago; a job for `Housekeeping`. Returns how many."""
        before = self._clock() - _GONE_AGE
        total = 0
        while count := await self._database.write(lambda tx: seen.prune(tx, before)):
            total += count
        return total


def apply(tx: Transaction, events: Sequence[feed_pb2.Event]) -> None:
    """Applies events of Ratings: told twice, or late, the same comes of them."""
    seen.note(tx, [_sighting(event) for event in events])


def _sighting(event: feed_pb2.Event) -> Sighting:
    kind, source, key, gone = _FACTS[event.type]
    fact = kind()
    event.data.Unpack(fact)
    told_at = event.time.ToDatetime(tzinfo=dt.UTC)
    return Sighting(source, getattr(fact, key), fact.user_id, fact.movie_id, told_at, gone)


def _ratings(answer: ratings_pb2.StreamRatingsResponse) -> list[Sighting]:
    return [
        Sighting(RATING, one.rating.rating_id, one.user_id, one.rating.movie_id, _LONG_AGO) for one in answer.ratings
    ]


def _entries(answer: diary_pb2.StreamDiaryEntriesResponse) -> list[Sighting]:
    return [Sighting(DIARY, one.entry_id, one.user_id, one.movie_id, _LONG_AGO) for one in answer.entries]
