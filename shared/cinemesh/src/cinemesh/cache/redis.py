"""A cache in Redis, shared by the replicas of a service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from cinemesh import errors, telemetry
from cinemesh.cache.base import LoadingCache

T = TypeVar("T")
_FAULTS = (RedisError, OSError, asyncio.TimeoutError)
_SCAN_STEP = 1_000
_MOST_OWED = 10_000
_GLOB = str.maketrans({letter: f"\\{letter}" for letter in "*?[]\\"})


class RedisCache(LoadingCache):
    """Keeps entries in Redis. While it does not answer, every look-up is a miss, counted, and costs no time.

    Deletions that could not be made are made up for before the next look-up that reaches Redis, so that this process does not
    see again what it meant to forget.
    """

    remote = True

    def __init__(
        self, url: str, *, namespace: str, timeout: float = 0.2, rest_seconds: float = 1.0, max_connections: int = 32
    ) -> None:
        """Connects at the first look-up.

        Args:
            url: `redis://…` or `rediss://…`; may hold a password and is never logged.
            namespace: what this service's keys begin with, such as "recommender"; also names the metrics.
            timeout: seconds to wait for Redis.
            rest_seconds: how long it is left alone after it did not answer.
            max_connections: most connections.
        """
        super().__init__(namespace)
        self._prefix = f"cine:{namespace}:"
        self._rest = rest_seconds
        self._resting_until = 0.0
        # what could not be deleted: keys end in "=", prefixes in "*"
        self._owed: set[str] = set()
        self._log = telemetry.logger(namespace)
        self._timeout = timeout
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            max_connections=max_connections,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=30,
        )
        self._redis: redis.asyncio.Redis = redis.asyncio.Redis.from_pool(pool)

    async def get(self, key: str) -> bytes | None:
        """Returns the value; None when there is none, it is past its time, or Redis does not answer."""

        async def look_up() -> bytes | None:
            found = await self._redis.get(self._prefix + key)
            return found if isinstance(found, bytes) else None

        answered, value = await self._try(look_up)
        if not answered:
            self._error.inc()
            return None
        (self._miss if value is None else self._hit).inc()
        return value

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keeps a value for `ttl` seconds."""
        milliseconds = int(ttl * 1000)
        if milliseconds <= 0:
            await self.delete(key)
            return
        await self._try(lambda: self._redis.set(self._prefix + key, value, px=milliseconds))

    async def delete(self, key: str) -> None:
        """Forgets one key."""
        self._disown(lambda other: other == key)
        await self._forget(key + "=")

    async def invalidate(self, prefix: str) -> None:
        """Forgets every key that begins with `prefix`: Redis is scanned for them."""
        self._disown(lambda other: other.startswith(prefix))
        await self._forget(prefix + "*")

    async def _forget(self, what: str) -> None:
        answered, _ = await self._try(lambda: self._erase(what))
        if not answered:
            # beyond measure: everything of this service is suspect
            self._owed = {"*"} if len(self._owed) >= _MOST_OWED else self._owed | {what}

    async def _erase(self, what: str) -> None:
        if what.endswith("="):
            await self._redis.unlink(self._prefix + what[:-1])
            return
        pattern = (self._prefix + what[:-1]).translate(_GLOB) + "*"
        found = [key async for key in self._redis.scan_iter(match=pattern, count=_SCAN_STEP)]
        for start in range(0, len(found), _SCAN_STEP):
            await self._redis.unlink(*found[start : start + _SCAN_STEP])

    async def _try(self, ask: Callable[[], Awaitable[T]]) -> tuple[bool, T | None]:
        """Returns whether Redis answered, and what."""
        if time.monotonic() < self._resting_until:
            return False, None
        try:
            while self._owed:
                what = next(iter(self._owed))
                await self._erase(what)
                self._owed.discard(what)
            answer = await ask()
        except _FAULTS as fault:
            if not self._resting_until:
                self._log.warning("cache does not answer", error=type(fault).__name__)
            self._resting_until = time.monotonic() + self._rest
            return False, None
        self._resting_until = 0.0
        return True, answer

    async def probe(self) -> str:
        """Returns the version of Redis.

        Raises:
            errors.Unavailable: it does not answer.
        """
        try:
            info = await self._redis.info("server")
        except _FAULTS:
            raise errors.Unavailable("The cache does not answer.") from None
        self._resting_until = 0.0
        return f"redis {info['redis_version']}"

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()
