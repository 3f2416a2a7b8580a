"""What people do elsewhere, as Ratings and Watchlist tell it: what they rate is their taste, what they watched they have seen."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from ulid import ULID

from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cine.ratings.v1 import diary_pb2, diary_pb2_grpc, ratings_pb2, ratings_pb2_grpc
from cine.ratings.v1 import events_pb2 as rating_events
from cine.watchlist.v1 import events_pb2 as watchlist_events
from cine.watchlist.v1 import watchlist_pb2, watchlist_pb2_grpc
from cine_recommender.flows.memory import Memory
from cine_recommender.store import Transaction
from cine_recommender.store import doings as store
from cine_recommender.store.doings import DIARY, RATING, WATCHLIST, Doing
from cinemesh.client import channel
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import Unavailable
from cinemesh.feed import Consumer
from cinemesh.settings import ServiceSettings

if TYPE_CHECKING:
    from cine.common.v1.feed_pb2_grpc import FeedServiceAsyncStub

_RATINGS: Final = "ratings"
_WATCHLIST: Final = "watchlist"
_WHOLE_SECONDS: Final = 3600.0
_GONE_AGE: Final = dt.timedelta(days=60)
"""How long it is remembered that something was taken back: longer than events are kept."""
_LONG_AGO: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

_OF_RATINGS: Final = {
    kind.DESCRIPTOR.full_name: kind
    for kind in (
        rating_events.RatingChanged,
        rating_events.RatingDeleted,
        rating_events.DiaryEntryChanged,
        rating_events.DiaryEntryDeleted,
    )
}
_OF_WATCHLIST: Final = {
    kind.DESCRIPTOR.full_name: kind
    for kind in (watchlist_events.WatchlistItemChanged, watchlist_events.WatchlistItemRemoved)
}
_FACTS: Final[dict[str, type[Any]]] = {**_OF_RATINGS, **_OF_WATCHLIST}


class Doings:
    """Follows the feeds of Ratings and Watchlist into the table `doings`.

    Args:
        settings: where they are.
        database: the store, migrated.
        memory: is told whose facts changed.
        clock: tells the time.
    """

    def __init__(self, settings: ServiceSettings, database: Database, memory: Memory, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._database = database
        self._memory = memory
        self._clock = clock
        self.ratings = Consumer(
            "recommender.ratings",
            functools.partial(self._feed, _RATINGS),
            database,
            self.apply,
            types=list(_OF_RATINGS),
            rebuild=self.read_ratings,
        )
        self.watchlist = Consumer(
            "recommender.watchlist",
            functools.partial(self._feed, _WATCHLIST),
            database,
            self.apply,
            types=list(_OF_WATCHLIST),
            rebuild=self.read_watchlists,
        )

    def _feed(self, peer: str) -> FeedServiceAsyncStub:
        stub: Any = feed_pb2_grpc.FeedServiceStub
        made: FeedServiceAsyncStub = stub(channel(peer, self._settings))
        return made

    async def start(self) -> None:
        """Begins to follow in the background; neither service need answer yet."""
        await self.ratings.start()
        await self.watchlist.start()

    async def stop(self) -> None:
        """Stops following."""
        await self.ratings.stop()
        await self.watchlist.stop()

    def apply(self, tx: Transaction, events: Sequence[feed_pb2.Event]) -> None:
        """Applies events of either service: told twice, or late, the same comes of them."""
        facts = [_fact(event) for event in events]
        store.note(tx, [doing for doing, _ in facts])
        self._memory.changed(tx, {user_id for _, user_id in facts})

    async def read_ratings(self) -> None:
        """Reads all ratings and diaries whole: the feed no longer has what was missed.

        What is not there any more goes at the end, so nobody has seen less meanwhile than before.

        Raises:
            Unavailable: Ratings does not answer.
        """
        reading = str(ULID())
        peer = channel(_RATINGS, self._settings)
        ratings: Any = ratings_pb2_grpc.RatingsServiceStub(peer)
        diaries: Any = diary_pb2_grpc.DiaryServiceStub(peer)
        try:
            answers = ratings.StreamRatings(ratings_pb2.StreamRatingsRequest(), timeout=_WHOLE_SECONDS)
            await self._keep(RATING, reading, answers, _ratings)
            answers = diaries.StreamDiaryEntries(diary_pb2.StreamDiaryEntriesRequest(), timeout=_WHOLE_SECONDS)
            await self._keep(DIARY, reading, answers, _entries)
        except grpc.aio.AioRpcError as fault:
            raise Unavailable("Ratings does not say what people rated and watched") from fault

    async def _keep(
        self, source: str, reading: str, answers: AsyncIterator[Any], told: Callable[[Any], list[Doing]]
    ) -> None:
        async for answer in answers:
            await self._database.write(functools.partial(self._keep_part, reading=reading, read=told(answer)))

        def finish(tx: Transaction) -> None:
            if store.drop_unread(tx, source, reading):
                self._memory.all_changed(tx)

        await self._database.write(finish)

    def _keep_part(self, tx: Transaction, *, reading: str, read: list[Doing]) -> None:
        store.note_reading(tx, reading, read)
        self._memory.changed(tx, {one.user_id for one in read})

    async def read_watchlists(self) -> None:
        """Reads everything that is marked as watched whole, as `read_ratings` does.

        Raises:
            Unavailable: Watchlist does not answer.
        """
        watchlist: Any = watchlist_pb2_grpc.WatchlistServiceStub(channel(_WATCHLIST, self._settings))
        try:
            answers = watchlist.StreamWatchedItems(watchlist_pb2.StreamWatchedItemsRequest(), timeout=_WHOLE_SECONDS)
            await self._keep(WATCHLIST, str(ULID()), answers, _items)
        except grpc.aio.AioRpcError as fault:
            raise Unavailable("Watchlist does not say what people watched") from fault

    async def prune(self) -> int:
        """Forgets what was taken back long ago; a job for `Housekeeping`. Returns how many."""
        before = self._clock() - _GONE_AGE
        total = 0
        while count := await self._database.write(lambda tx: store.prune(tx, before)):
            total += count
        return total


def _fact(event: feed_pb2.Event) -> tuple[Doing, str]:
    """Returns what an event tells, and whose it is also where it tells that something is gone.

    Raises:
        ValueError: a diary entry says a day that is none.
    """
    fact = _FACTS[event.type]()
    event.data.Unpack(fact)
    told_at = event.time.ToDatetime(tzinfo=dt.UTC)
    return _doing(fact, told_at), fact.user_id


def _doing(fact: Any, told_at: dt.datetime) -> Doing:
    whose = (fact.user_id, fact.movie_id, told_at)
    if isinstance(fact, rating_events.RatingChanged):
        at = _seconds(fact.rated_at) or int(told_at.timestamp())
        return Doing(RATING, fact.rating_id, *whose, halves=round(fact.overall * 2), happened_at=at)
    if isinstance(fact, rating_events.DiaryEntryChanged):
        return Doing(DIARY, fact.entry_id, *whose, happened_at=_noon(fact.watched_on))
    if isinstance(fact, watchlist_events.WatchlistItemChanged):
        return Doing(WATCHLIST, fact.item_id, *whose, happened_at=_seconds(fact.watched_at), gone=not fact.watched)
    if isinstance(fact, rating_events.RatingDeleted):
        return Doing(RATING, fact.rating_id, *whose, gone=True)
    if isinstance(fact, rating_events.DiaryEntryDeleted):
        return Doing(DIARY, fact.entry_id, *whose, gone=True)
    return Doing(WATCHLIST, fact.item_id, *whose, gone=True)


def _seconds(stamp: Timestamp) -> int:
    return int(stamp.seconds)


def _noon(day: str) -> int:
    """Returns the middle of a day in UTC, in Unix seconds; 0 for no day."""
    if not day:
        return 0
    return int(dt.datetime.combine(dt.date.fromisoformat(day), dt.time(12), dt.UTC).timestamp())


def _ratings(answer: ratings_pb2.StreamRatingsResponse) -> list[Doing]:
    return [
        Doing(
            RATING,
            one.rating.rating_id,
            one.user_id,
            one.rating.movie_id,
            _LONG_AGO,
            halves=round(one.rating.overall * 2),
            happened_at=_seconds(one.rating.updated_at),
        )
        for one in answer.ratings
    ]


def _entries(answer: diary_pb2.StreamDiaryEntriesResponse) -> list[Doing]:
    return [
        Doing(DIARY, one.entry_id, one.user_id, one.movie_id, _LONG_AGO, happened_at=_noon(one.watched_on))
        for one in answer.entries
    ]


def _items(answer: watchlist_pb2.StreamWatchedItemsResponse) -> list[Doing]:
    return [
        Doing(WATCHLIST, one.item_id, one.user_id, one.movie_id, _LONG_AGO, happened_at=_seconds(one.watched_at))
        for one in answer.items
    ]
