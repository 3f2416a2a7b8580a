"""What a cache promises, in memory and in Redis alike."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from cinemesh.cache import Cache, MemoryCache, RedisCache, open_cache
from cinemesh.testing.redis import RedisServer


@pytest.fixture(params=["memory", "redis"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    made: Cache
    if request.param == "memory":
        made = MemoryCache(max_entries=1000)
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        # a busy machine must not look like a dead Redis
        made = RedisCache(server.url, namespace=f"t{secrets.token_hex(4)}", timeout=5.0)
    yield made
    await made.close()


class Loader:
    """Counts its runs, and waits to be let go when told to."""

    def __init__(self, value: bytes = b"value", *, held: bool = False) -> None:
        self.value = value
        self.runs = 0
        self.let_go = asyncio.Event()
        self.running = asyncio.Event()
        if not held:
            self.let_go.set()

    async def __call__(self) -> bytes:
        self.runs += 1
        self.running.set()
        await self.let_go.wait()
        return self.value


async def until_gone(cache: Cache, key: str) -> None:
    async with asyncio.timeout(10):
        while await cache.get(key) is not None:  # noqa: ASYNC110 - a cache does not say when it forgets
            await asyncio.sleep(0.01)


async def test_keeps_bytes_as_they_are(cache: Cache) -> None:
    for value in (b"", b"\x00\xff", "喜剧".encode(), bytes(100_000)):
        await cache.set("key", value, 60)
        assert await cache.get("key") == value
    assert await cache.get("other") is None


async def test_forgets_after_the_time_to_live(cache: Cache) -> None:
    await cache.set("short", b"1", 0.05)
    await cache.set("long", b"2", 60)
    await until_gone(cache, "short")
    assert await cache.get("long") == b"2"
    await cache.set("long", b"3", 0)
    assert await cache.get("long") is None


async def test_deletes_one_key_only(cache: Cache) -> None:
    await cache.set("a", b"1", 60)
    await cache.set("ab", b"2", 60)
    await cache.delete("a")
    await cache.delete("never there")
    assert await cache.get("a") is None
    assert await cache.get("ab") == b"2"


async def test_invalidates_by_prefix_taken_literally(cache: Cache) -> None:
    keys = ["user:1:recs", "user:1:profile", "user:10:recs", "user*1", "user[1]x", "xuser:1:"]
    for key in keys:
        await cache.set(key, b"v", 60)
    await cache.invalidate("user:1:")
    assert [key for key in keys if await cache.get(key)] == ["user:10:recs", "user*1", "user[1]x", "xuser:1:"]
    await cache.invalidate("user*")
    assert [key for key in keys if await cache.get(key)] == ["user:10:recs", "user[1]x", "xuser:1:"]
    await cache.invalidate("user[1]")
    assert [key for key in keys if await cache.get(key)] == ["user:10:recs", "xuser:1:"]
    await cache.invalidate("")
    assert [key for key in keys if await cache.get(key)] == []


async def test_many_who_miss_at_once_load_once(cache: Cache) -> None:
    loader = Loader(held=True)
    waiting = [asyncio.create_task(cache.get_or_load("key", 60, loader)) for _ in range(50)]
    await loader.running.wait()
    loader.let_go.set()
    assert set(await asyncio.gather(*waiting)) == {b"value"}
    assert await cache.get_or_load("key", 60, loader) == b"value"
    assert loader.runs == 1


async def test_a_failure_reaches_all_who_wait_and_is_not_kept(cache: Cache) -> None:
    go = asyncio.Event()

    async def fails() -> bytes:
        await go.wait()
        raise LookupError("no such film")

    waiting = [asyncio.create_task(cache.get_or_load("key", 60, fails)) for _ in range(3)]
    await asyncio.sleep(0.05)
    go.set()
    assert [type(outcome) for outcome in await asyncio.gather(*waiting, return_exceptions=True)] == [LookupError] * 3
    assert await cache.get_or_load("key", 60, Loader()) == b"value"


async def test_a_caller_that_leaves_takes_nothing_from_the_others(cache: Cache) -> None:
    loader = Loader(held=True)
    first = asyncio.create_task(cache.get_or_load("key", 60, loader))
    await loader.running.wait()
    second = asyncio.create_task(cache.get_or_load("key", 60, loader))
    await asyncio.sleep(0.05)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    loader.let_go.set()
    assert await second == b"value"
    assert loader.runs == 1


@pytest.mark.parametrize("how", ["delete", "invalidate"])
async def test_what_was_computed_before_an_invalidation_is_not_kept(cache: Cache, how: str) -> None:
    stale, fresh = Loader(b"stale", held=True), Loader(b"fresh")
    waiting = asyncio.create_task(cache.get_or_load("user:1:recs", 60, stale))
    await stale.running.wait()
    await (cache.delete("user:1:recs") if how == "delete" else cache.invalidate("user:1:"))
    assert await cache.get_or_load("user:1:recs", 60, fresh) == b"fresh"  # does not join the stale one
    stale.let_go.set()
    assert await waiting == b"stale"
    assert await cache.get("user:1:recs") == b"fresh"


async def test_the_probe_says_what_answers(cache: Cache) -> None:
    assert (await cache.probe()).startswith(("memory, ", "redis "))


async def test_settings_choose_the_cache(redis_server: RedisServer) -> None:
    assert isinstance(open_cache(None, namespace="x"), MemoryCache)
    remote = open_cache(redis_server.url, namespace="x")
    assert isinstance(remote, RedisCache)
    await remote.close()
