"""Bounds of the cache in memory, and what becomes of calls while Redis is down."""

from __future__ import annotations

import asyncio
import time

import pytest

from cinemesh import errors, telemetry
from cinemesh.cache import MemoryCache, RedisCache
from cinemesh.testing.ports import free_port
from cinemesh.testing.redis import RedisServer


def counted(name: str, outcome: str) -> float:
    return telemetry.REGISTRY.get_sample_value("cine_cache_requests_total", {"cache": name, "outcome": outcome}) or 0.0


async def test_memory_keeps_the_most_recently_used_entries() -> None:
    cache = MemoryCache(max_entries=3)
    for key in "abc":
        await cache.set(key, b"v", 60)
    await cache.get("a")
    await cache.set("d", b"v", 60)
    assert [key for key in "abcd" if await cache.get(key)] == ["a", "c", "d"]


async def test_memory_keeps_no_more_bytes_than_allowed() -> None:
    cache = MemoryCache(max_entries=1000, max_bytes=10_000)
    for number in range(50):
        await cache.set(f"key{number}", bytes(1000), 60)
    kept = [number for number in range(50) if await cache.get(f"key{number}")]
    assert kept == list(range(40, 50))
    await cache.set("huge", bytes(20_000), 60)
    assert await cache.get("huge") is None
    assert await cache.get("key49") is not None


async def test_memory_goes_by_a_clock_that_does_not_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = MemoryCache()
    await cache.set("key", b"v", 60)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600)
    assert await cache.get("key") == b"v"


async def test_a_redis_that_is_down_is_a_counted_miss_and_never_an_error() -> None:
    cache = RedisCache(f"redis://:hunter2@127.0.0.1:{free_port()}/0", namespace="down", timeout=0.2, rest_seconds=60)
    before = counted("down", "error")
    assert await cache.get("key") is None
    await cache.set("key", b"v", 60)
    await cache.delete("key")
    await cache.invalidate("k")

    async def load() -> bytes:
        return b"loaded"

    assert await cache.get_or_load("key", 60, load) == b"loaded"
    assert counted("down", "error") - before == 2
    assert counted("down", "miss") == 0
    with pytest.raises(errors.Unavailable) as caught:
        await cache.probe()
    assert "hunter2" not in str(caught.value)
    await cache.close()


async def test_a_silent_redis_is_given_up_and_then_left_alone() -> None:
    asked = 0

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    cache = RedisCache(f"redis://127.0.0.1:{port}/0", namespace="silent", timeout=0.05, rest_seconds=60)
    assert await cache.get("key") is None
    for _ in range(20):
        assert await cache.get("key") is None
    assert asked == 1
    await cache.close()
    server.close()
    await server.wait_closed()


async def test_what_could_not_be_deleted_is_deleted_when_redis_is_back(redis_server: RedisServer) -> None:
    server = RedisServer(port=free_port()).start()
    cache = RedisCache(server.url, namespace="back", timeout=5.0, rest_seconds=0.0)
    other = RedisCache(server.url, namespace="back", timeout=5.0)
    try:
        await cache.set("user:1", b"old", 60)
        working, cache._redis = cache._redis, RedisCache(f"redis://127.0.0.1:{free_port()}/0", namespace="x")._redis
        await cache.delete("user:1")  # cut off from Redis, which keeps the value
        await cache._redis.aclose()
        cache._redis = working
        assert await other.get("user:1") == b"old"
        assert await cache.get("user:1") is None
        await cache.set("user:1", b"new", 60)
        assert await cache.get("user:1") == b"new"
    finally:
        await cache.close()
        await other.close()
        server.stop()


async def test_the_cache_is_back_when_redis_is(redis_server: RedisServer) -> None:
    server = RedisServer(port=free_port()).start()
    cache = RedisCache(server.url, namespace="again", timeout=5.0, rest_seconds=0.0)
    try:
        await cache.set("key", b"1", 60)
        server.stop()
        assert await cache.get("key") is None
        server.start()
        await cache.set("key", b"2", 60)
        assert await cache.get("key") == b"2"
    finally:
        await cache.close()
        server.stop()
