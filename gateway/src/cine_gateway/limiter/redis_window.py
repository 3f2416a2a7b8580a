"""The window in Redis, shared by every gateway; the memory of this process while Redis does not answer."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from typing import Any, Final

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from cine_gateway.limiter import metrics
from cine_gateway.limiter.window import Decision, MemoryWindow
from cinemesh import telemetry

ANSWER_SECONDS: Final = 0.015
REST_SECONDS: Final = 1.0
_CONNECT_SECONDS: Final = 0.25
_FAULTS: Final = (RedisError, OSError, TimeoutError)

# One step for Redis, so gateways cannot come between each other. The clock is Redis' own: those of the gateways differ. When
# it is set back, calls of the future would be held against their callers for as long; they are forgotten instead.
_SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')
local count = redis.call('ZCARD', KEYS[1])
local allowed = 0
if count < limit then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[3])
  redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
  allowed, count = 1, count + 1
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {allowed, count, string.format('%.0f', tonumber(first[2]) + window - now)}
"""


class RedisWindow:
    """Counts in Redis, and in memory what this process let through.

    The memory is what takes over when Redis does not answer in time, and it refuses by itself whoever has used up everything
    here alone. So a gateway stays exact when Redis goes and when it comes back empty; only what other gateways let through
    meanwhile is unknown to it. After a failure Redis is left alone for a second: a call waits for it once, not every time.
    """

    def __init__(
        self,
        url: str,
        limit: int,
        seconds: float,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        """Connects at the first call.

        Args:
            url: `redis://…` or `rediss://…`; may hold a password and is never logged.
            limit: calls a key may make in any `seconds`, over all gateways.
            seconds: length of the window.
            answer_seconds: how long a call waits for Redis.
            rest_seconds: how long it is left alone after it did not answer.
        """
        self._limit = limit
        self._window = round(seconds * 1_000_000)
        self._memory = MemoryWindow(limit, seconds)
        self._answer_seconds = answer_seconds
        self._rest_seconds = rest_seconds
        self._resting_until = 0.0
        self._connecting: asyncio.Task[None] | None = None
        self._connected = False
        self._away = False
        # no two calls may carry the same name, whichever process they come from
        self._names = (f"{os.getpid():x}.{time.time_ns():x}.{number}" for number in itertools.count())
        self._log = telemetry.logger("limiter")
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            max_connections=16,
            timeout=answer_seconds,
            socket_timeout=_CONNECT_SECONDS,
            socket_connect_timeout=_CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis: redis.asyncio.Redis = redis.asyncio.Redis.from_pool(pool)
        self._script = self._redis.register_script(_SCRIPT)

    @property
    def shared(self) -> bool:
        """Whether Redis answered last time."""
        return self._connected

    async def hit(self, key: str) -> Decision:
        """Counts a call if it may pass, and says so."""
        if not self._connected:
            self._look_again()
            return self._memory.take(key)
        refused = self._memory.full(key)
        if refused is not None:
            return refused
        try:
            async with asyncio.timeout(self._answer_seconds):
                answer: Any = await self._script(
                    keys=[f"cine:limit:{key}"], args=[self._window, self._limit, next(self._names)]
                )
        except _FAULTS as fault:
            self._lost(fault)
            return self._memory.take(key)
        allowed, count, reset = bool(answer[0]), int(answer[1]), int(answer[2]) / 1_000_000
        if allowed:
            self._memory.note(key)
        return Decision(allowed, max(0, self._limit - count), reset)

    async def close(self) -> None:
        """Closes the connections."""
        if self._connecting is not None:
            self._connecting.cancel()
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def connect(self) -> None:
        """Asks Redis whether it is there; calls use it from then on. Never raises."""
        try:
            await self._script(keys=["cine:limit:"], args=[self._window, self._limit, next(self._names)])
        except _FAULTS as fault:
            self._lost(fault)
        else:
            if self._away:
                self._log.info("limits are shared again: Redis answers")
            self._connected, self._away = True, False
            metrics.SHARED.set(1)

    def _look_again(self) -> None:
        """Tries Redis beside the calls, which do not wait: connecting takes longer than an answer may."""
        busy = self._connecting is not None and not self._connecting.done()
        if not busy and time.monotonic() >= self._resting_until:
            self._connecting = asyncio.create_task(self.connect())

    def _lost(self, fault: Exception) -> None:
        if not self._away:
            self._log.warning(
                "Redis does not answer: limits are counted by this gateway alone", error=type(fault).__name__
            )
        self._connected, self._away = False, True
        self._resting_until = time.monotonic() + self._rest_seconds
        metrics.SHARED.set(0)
        metrics.REDIS_FAILURES.inc()
