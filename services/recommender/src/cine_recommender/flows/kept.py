"""Rankings and answers kept in the process: bounded in bytes, each for a time, the ones used longest ago go first. For one event loop."""

from __future__ import annotations

import time
from typing import Final, Generic, TypeVar

from cachetools import LRUCache, TTLCache

from cine_recommender.domain.known import Known

_ENTRY_BYTES: Final = 400
"""What an entry costs besides what it holds."""
V = TypeVar("V")


class Kept(Generic[V]):
    """Values by key.

    Args:
        most_bytes: most that all of them take; a larger single value is not kept.
        seconds: how long each is good for; 0 keeps nothing.
    """

    def __init__(self, most_bytes: int, seconds: float) -> None:
        self._on = seconds > 0
        self._values: TTLCache[str, tuple[V, int]] = TTLCache(
            most_bytes, max(seconds, 1e-9), timer=time.monotonic, getsizeof=lambda entry: entry[1]
        )

    def get(self, key: str) -> V | None:
        """Returns a value, None when there is none."""
        found = self._values.get(key)
        return None if found is None else found[0]

    def put(self, key: str, value: V, size: int) -> None:
        """Keeps a value of so many bytes."""
        if self._on and size + _ENTRY_BYTES <= self._values.maxsize:
            self._values[key] = (value, size + _ENTRY_BYTES)


class LastKnown:
    """What was last known of people, for when it cannot be read; the arrays are those that memory holds as well."""

    def __init__(self, most_people: int = 10_000) -> None:
        self._people: LRUCache[str, Known] = LRUCache(most_people)

    def get(self, user_id: str) -> Known | None:
        """Returns what was last known of somebody."""
        return self._people.get(user_id)

    def put(self, user_id: str, known: Known) -> None:
        """Remembers it."""
        self._people[user_id] = known
