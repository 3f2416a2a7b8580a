"""What the recommender remembers of people, at hand for the next answer.

What is known of a person changes in three places: feedback given here, and what the feeds of Ratings and Watchlist tell. Each calls
`Memory.changed` in the transaction of the change, which counts up the person's version there, and drops what is kept at hand of them once
the transaction is durable, before whoever asked for the change is told. So within this process nobody who was answered reads what was
before. A reading that was under way meanwhile is given to whoever asked for it, and not kept.

- On SQLite the store belongs to this process alone: what is at hand is what is in the store, and costs a look-up.
- On PostgreSQL other replicas change it too. No time limit would do, as feedback sent to one replica must be known to the very next answer
  of another: so each time the version is read, one row by its key, and everything only when it is another one. Version and facts come from
  one snapshot.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Collection
from typing import Final

from cine_recommender.domain.known import Known
from cine_recommender.store import Transaction, memories
from cinemesh.db import Database, after_commit

MOST_PEOPLE: Final = 10_000
_NOTHING: Final = Known()


class Memory:
    """Tells what is known of a person, with everything they said here before.

    Args:
        database: the store.
        most: people kept at hand; who was asked about longest ago goes first.
    """

    def __init__(self, database: Database, most: int = MOST_PEOPLE) -> None:
        self._database = database
        self._most = most
        self._alone = database.dialect == "sqlite"
        # asked on the event loop, told of changes on a store thread
        self._lock = threading.Lock()
        self._at_hand: OrderedDict[str, Known] = OrderedDict()
        self._readings: dict[str, object] = {}

    async def of(self, user_id: str) -> Known:
        """Returns what is known of a person; an empty `Known` of version 0 for one who did nothing yet, and for nobody ("").

        Raises:
            Unavailable: the store does not answer.
        """
        if not user_id:
            return _NOTHING  # rows of what was taken back belong to nobody
        reading = object()
        with self._lock:
            before = self._at_hand.get(user_id)
            if before is not None:
                self._at_hand.move_to_end(user_id)
                if self._alone:
                    return before
            self._readings[user_id] = reading

        def read(tx: Transaction) -> Known:
            if before is not None and memories.version(tx, user_id) == before.version:
                return before
            return memories.read(tx, user_id)

        found: Known | None = None
        try:
            found = await self._database.read(read)
        finally:
            self._keep(user_id, reading, found)
        return found

    def _keep(self, user_id: str, reading: object, found: Known | None) -> None:
        with self._lock:
            if self._readings.get(user_id) is not reading:
                return  # something changed meanwhile, or a later reading keeps what it finds
            del self._readings[user_id]
            if found is not None:
                self._at_hand[user_id] = found
                self._at_hand.move_to_end(user_id)
                if len(self._at_hand) > self._most:
                    self._at_hand.popitem(last=False)

    def changed(self, tx: Transaction, user_ids: Collection[str]) -> None:
        """Notes in the transaction of a change that what is known of people is not what it was.

        Until the transaction ends no other one passes here with one of them. Where a change is made from what is read, call it first.
        """
        memories.bump(tx, user_ids)
        after_commit(tx, functools.partial(self._drop, frozenset(user_ids)))

    def all_changed(self, tx: Transaction) -> None:
        """Notes that what is known of anybody may not be what it was."""
        memories.bump_all(tx)
        after_commit(tx, self._drop_all)

    def forget(self, tx: Transaction, user_id: str) -> None:
        """Forgets a person who left; what they did and said is dropped elsewhere."""
        memories.forget(tx, user_id)
        after_commit(tx, functools.partial(self._drop, frozenset([user_id])))

    def _drop(self, user_ids: Collection[str]) -> None:
        with self._lock:
            for user_id in user_ids:
                self._at_hand.pop(user_id, None)
                self._readings.pop(user_id, None)

    def _drop_all(self) -> None:
        with self._lock:
            self._at_hand.clear()
            self._readings.clear()
