"""What every cache does, and the single flight that keeps many callers from computing the same answer at once."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from prometheus_client import Counter

from cinemesh import telemetry

REQUESTS = Counter(
    "cine_cache_requests",
    "Look-ups by outcome: hit, miss, or error (the cache itself did not answer, which counts as a miss).",
    ["cache", "outcome"],
    registry=telemetry.REGISTRY,
)
Loader = Callable[[], Awaitable[bytes]]


class Cache(Protocol):
    """Bytes under string keys, each for a time. A cache never fails a call: what it cannot answer is a miss."""

    async def get(self, key: str) -> bytes | None:
        """Returns the value; None when there is none, or it is past its time."""
        ...

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keeps a value for `ttl` seconds; not at all when that is 0 or less."""
        ...

    async def delete(self, key: str) -> None:
        """Forgets one key."""
        ...

    async def invalidate(self, prefix: str) -> None:
        """Forgets every key that begins with `prefix`. Takes time in proportion to the size of the cache."""
        ...

    async def get_or_load(self, key: str, ttl: float, loader: Loader) -> bytes:
        """Returns the value, or what `loader` returns, which is then kept for `ttl` seconds.

        Callers of one process that miss at the same time share one run of the loader, and what it raises, which is not kept.
        A run that began before the key was deleted or invalidated answers those who wait for it, and is not kept either.
        """
        ...

    async def probe(self) -> str:
        """Says what answers, such as "memory, 120 entries"; raises `errors.Unavailable` when nothing does."""
        ...

    async def close(self) -> None:
        """Gives up connections."""
        ...


class _Flight:
    """One run of a loader, shared by all who want its key."""

    __slots__ = ("_stale", "task")

    def __init__(self) -> None:
        self._stale = False
        self.task: asyncio.Task[bytes]

    def disown(self) -> None:
        self._stale = True

    def is_stale(self) -> bool:
        return self._stale


class LoadingCache(abc.ABC):
    """Single flight over a cache's plain operations.

    Attributes:
        remote: whether a look-up waits for another process.
    """

    remote = False

    def __init__(self, name: str) -> None:
        """Takes the name the metrics go by."""
        self._flights: dict[str, _Flight] = {}
        self._hit = REQUESTS.labels(name, "hit")
        self._miss = REQUESTS.labels(name, "miss")
        self._error = REQUESTS.labels(name, "error")

    @abc.abstractmethod
    async def get(self, key: str) -> bytes | None:
        """Returns the value, or None."""

    @abc.abstractmethod
    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keeps a value for `ttl` seconds."""

    @abc.abstractmethod
    async def delete(self, key: str) -> None:
        """Forgets one key."""

    async def get_or_load(self, key: str, ttl: float, loader: Loader) -> bytes:
        """Returns the value, or loads it once for all who want it; see `Cache`."""
        if not self.remote and (value := await self.get(key)) is not None:
            return value
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight()
            flight.task = asyncio.create_task(self._load(flight, key, ttl, loader))
            self._flights[key] = flight
        # a caller that goes away takes nothing from the others
        return await asyncio.shield(flight.task)

    async def _load(self, flight: _Flight, key: str, ttl: float, loader: Loader) -> bytes:
        try:
            # the look-up is part of the flight: between a miss and the flight another one might begin and end
            if self.remote and (found := await self.get(key)) is not None:
                return found
            value = await loader()
            if not flight.is_stale():
                await self.set(key, value, ttl)
                if flight.is_stale():  # meanwhile: the value may have arrived after what should have removed it
                    await self.delete(key)
            return value
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]
            # nobody may be left to ask what went wrong
            flight.task.add_done_callback(lambda task: None if task.cancelled() else task.exception())

    def _disown(self, wanted: Callable[[str], bool]) -> None:
        """Keeps loaders under way from storing what they began to compute before an invalidation."""
        for key in [key for key in self._flights if wanted(key)]:
            self._flights.pop(key).disown()
