"""What people prefer, followed from Identity's feed; whom it never told of is asked about, in the caller's own name."""

from __future__ import annotations

import datetime as dt
import functools
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import grpc
from cachetools import Cache, LRUCache, TTLCache

from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cine.identity.v1 import events_pb2, users_pb2, users_pb2_grpc
from cine_recommender.domain.preferences import Preferences
from cine_recommender.store import Transaction
from cine_recommender.store import preferences as store
from cinemesh.client import channel
from cinemesh.db import Database, after_commit
from cinemesh.errors import Unauthenticated, Unavailable
from cinemesh.feed import Consumer
from cinemesh.projections import People
from cinemesh.settings import ServiceSettings

if TYPE_CHECKING:
    from cine.common.v1.feed_pb2_grpc import FeedServiceAsyncStub

_DEADLINE_SECONDS: Final = 0.5
_AGAIN_SECONDS: Final = 5.0
_MOST_PEOPLE: Final = 10_000
_KEPT_SECONDS: Final = 5.0
"""How long preferences are at hand without a look into a store that others write to: another replica may follow the feed."""


class PreferenceCopy:
    """A copy of what people prefer.

    Args:
        settings: where Identity is.
        database: the store, migrated.
        people: knows who left.
    """

    def __init__(self, settings: ServiceSettings, database: Database, people: People) -> None:
        self._settings, self._database, self._people = settings, database, people
        # a file has one process (ADR 0003): what nobody here changed is as it was
        alone = database.dialect == "sqlite"
        self._kept: Cache[str, Preferences] = LRUCache(_MOST_PEOPLE) if alone else TTLCache(_MOST_PEOPLE, _KEPT_SECONDS)
        # asked on the event loop, told of changes on a store thread
        self._lock = threading.Lock()
        self._changes = 0
        self._away_until = 0.0
        self.consumer = Consumer(
            "recommender.preferences",
            self._feed,
            database,
            self.apply,
            types=[events_pb2.PreferencesChanged.DESCRIPTOR.full_name],
            rebuild=self._begin_anew,
        )

    def _feed(self) -> FeedServiceAsyncStub:
        stub: Any = feed_pb2_grpc.FeedServiceStub
        made: FeedServiceAsyncStub = stub(channel("identity", self._settings))
        return made

    async def start(self) -> None:
        """Begins to follow in the background; Identity need not answer yet."""
        await self.consumer.start()

    async def stop(self) -> None:
        """Stops following."""
        await self.consumer.stop()

    async def of(self, user_id: str) -> Preferences:
        """Returns what the caller prefers; `user_id` must be the caller's.

        Raises:
            Unavailable: it is not known, and Identity does not answer; or the store does not.
        """
        found = self._kept.get(user_id)
        if found is None:
            before = self._changes
            found = await self._database.read(lambda tx: store.of(tx, user_id))
            if found is None:
                found = await self._ask(user_id)
            with self._lock:
                if self._changes == before:  # else it may have been read before it changed
                    self._kept[user_id] = found
        return found

    async def of_sharing(self, user_id: str) -> Preferences | None:
        """Returns what somebody prefers who lets others recommend with their taste; None for one who does not, or of whom nothing is known.

        Raises:
            Unavailable: the store does not answer.
        """
        return await self._database.read(lambda tx: store.of_sharing(tx, user_id))

    def apply(self, tx: Transaction, events: Sequence[feed_pb2.Event]) -> None:
        """Applies events: told twice, or late, the same comes of them."""
        for event in events:
            fact = events_pb2.PreferencesChanged()
            event.data.Unpack(fact)
            self._note(tx, fact.user_id, _told(fact), event.time.ToDatetime(tzinfo=dt.UTC))

    def forget(self, tx: Transaction, user_id: str) -> None:
        """Drops what is kept of a person who left."""
        store.forget(tx, user_id)
        after_commit(tx, functools.partial(self._drop, user_id))

    def _note(self, tx: Transaction, user_id: str, told: Preferences, at: dt.datetime) -> None:
        try:
            self._people.require_present(tx, user_id)
        except Unauthenticated:  # they left, and nothing that is late brings them back
            return
        store.note(tx, user_id, told, at)
        after_commit(tx, functools.partial(self._drop, user_id))

    def _drop(self, user_id: str) -> None:
        with self._lock:
            self._changes += 1
            self._kept.pop(user_id, None)

    async def _begin_anew(self) -> None:
        """Identity's feed no longer has what was missed: people are asked about again, each when they come."""
        await self._database.write(store.forget_all)
        with self._lock:
            self._changes += 1
            self._kept.clear()

    async def _ask(self, user_id: str) -> Preferences:
        if time.monotonic() < self._away_until:
            raise Unavailable("Identity does not answer")
        peer = channel("identity", self._settings, deadline=_DEADLINE_SECONDS, credentials="caller")
        stub: Any = users_pb2_grpc.UserServiceStub(peer)
        try:
            said = await stub.GetPreferences(users_pb2.GetPreferencesRequest())
        except grpc.aio.AioRpcError as error:
            # a caller whom Identity refuses says nothing of whether it answers others
            if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                self._away_until = time.monotonic() + _AGAIN_SECONDS
            raise Unavailable("Identity does not say what the person prefers") from None
        told = _told(said)
        at = said.updated_at.ToDatetime(tzinfo=dt.UTC)
        await self._database.write(lambda tx: self._note(tx, user_id, told, at))
        return told


def _told(said: events_pb2.PreferencesChanged | users_pb2.GetPreferencesResponse) -> Preferences:
    return Preferences(
        preferred_genres=tuple(said.preferred_genres),
        excluded_genres=tuple(said.excluded_genres),
        services=tuple(said.services),
        languages=tuple(said.languages),
        year_min=said.year_min,
        year_max=said.year_max,
        runtime_max=said.runtime_max,
        share_taste=said.share_taste,
    )
