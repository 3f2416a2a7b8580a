"""A cache in the process."""

from __future__ import annotations

import time
from typing import NamedTuple

from cachetools import TLRUCache

from cinemesh.cache.base import LoadingCache


class _Entry(NamedTuple):
    value: bytes
    ttl: float


class MemoryCache(LoadingCache):
    """Keeps the most recently used entries, each for its time, by a clock that never jumps. For one event loop."""

    def __init__(self, *, max_entries: int = 10_000, max_bytes: int = 64 * 1024 * 1024, name: str = "memory") -> None:
        """Makes an empty cache.

        Args:
            max_entries: most entries.
            max_bytes: most bytes of keys and values; a single value above it is not kept.
            name: what the metrics call it.
        """
        super().__init__(name)
        # an entry costs at least its share of max_bytes, so that one bound keeps both limits
        share = max(1, max_bytes // max_entries)
        self._entries: TLRUCache[str, _Entry] = TLRUCache(
            maxsize=max_bytes,
            ttu=lambda _, entry, now: now + entry.ttl,
            timer=time.monotonic,
            getsizeof=lambda entry: max(share, len(entry.value)),
        )

    async def get(self, key: str) -> bytes | None:
        """Returns the value; None when there is none, or it is past its time."""
        entry = self._entries.get(key)
        if entry is None:
            self._miss.inc()
            return None
        self._hit.inc()
        return entry.value

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keeps a value for `ttl` seconds, in place of the least recently used ones when the cache is full."""
        if ttl <= 0:
            self._entries.pop(key, None)
            return
        try:
            self._entries[key] = _Entry(value, ttl)
        except ValueError:  # larger than the whole cache
            self._entries.pop(key, None)

    async def delete(self, key: str) -> None:
        """Forgets one key."""
        self._disown(lambda other: other == key)
        self._entries.pop(key, None)

    async def invalidate(self, prefix: str) -> None:
        """Forgets every key that begins with `prefix`."""
        self._disown(lambda other: other.startswith(prefix))
        for key in [key for key in self._entries if key.startswith(prefix)]:
            self._entries.pop(key, None)

    async def probe(self) -> str:
        """Returns how much it holds."""
        self._entries.expire()
        return f"memory, {len(self._entries)} entries"

    async def close(self) -> None:
        """Forgets everything."""
        self._entries.clear()
