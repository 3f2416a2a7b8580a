"""The sliding window, in memory and in Redis: one suite for both, then what each has of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import redis

from cine_gateway.limiter.redis_window import RedisWindow
from cine_gateway.limiter.window import MemoryWindow, Window
from cinemesh.testing.postgres import StoreNotInstalled
from cinemesh.testing.redis import RedisServer

Make = Callable[..., Awaitable[Window]]


@pytest.fixture(params=["memory", "redis"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """Makes windows of either kind; those in Redis share one."""
    made: list[Window] = []
    url = request.getfixturevalue("redis_server").url if request.param == "redis" else ""
    if url:
        redis.Redis.from_url(url).flushall()

    async def one(limit: int, seconds: float) -> Window:
        window: Window = RedisWindow(url, limit, seconds, answer_seconds=0.5) if url else MemoryWindow(limit, seconds)
        await window.connect()
        made.append(window)
        return window

    yield one
    for window in made:
        await window.close()


async def test_the_call_beyond_the_limit_is_refused(make: Make) -> None:
    window = await make(60, 60)
    answers = [await window.hit("ada") for _ in range(61)]
    assert [one.allowed for one in answers] == [True] * 60 + [False]
    assert [one.remaining for one in answers] == [*range(59, -1, -1), 0]
    assert all(0 < one.reset <= 60 for one in answers)


async def test_keys_do_not_touch_each_other(make: Make) -> None:
    window = await make(1, 60)
    assert (await window.hit("ada")).allowed
    assert (await window.hit("bob")).allowed
    assert not (await window.hit("ada")).allowed


async def test_no_window_of_that_length_ever_holds_more_wherever_it_begins(make: Make) -> None:
    limit, seconds = 5, 0.5
    window = await make(limit, seconds)
    begins, ends = [], []
    end = time.monotonic() + 4 * seconds
    while time.monotonic() < end:
        before = time.monotonic()
        if (await window.hit("ada")).allowed:
            begins.append(before)
            ends.append(time.monotonic())
        await asyncio.sleep(0.004)
    # the count happened between the two stamps, so this leaves no room for excuses
    for first in range(len(begins) - limit):
        assert ends[first + limit] - begins[first] >= seconds
    # and nobody is held back longer than needed: a fixed window or a slow refill would let through less
    assert len(begins) >= 4 * limit - 1


async def test_a_refused_call_does_not_count(make: Make) -> None:
    window = await make(2, 0.4)
    for _ in range(2):
        await window.hit("ada")
    refused = await window.hit("ada")
    for _ in range(20):
        assert not (await window.hit("ada")).allowed
    await asyncio.sleep(refused.reset + 0.02)
    assert (await window.hit("ada")).allowed


async def test_many_at_once_are_counted_one_by_one(make: Make) -> None:
    window = await make(60, 60)
    answers = await asyncio.gather(*(window.hit("ada") for _ in range(200)))
    assert sum(one.allowed for one in answers) == 60


def test_memory_forgets_quiet_keys_and_holds_no_more_than_it_may() -> None:
    now = [0.0]
    window = MemoryWindow(2, 60, most_keys=100, clock=lambda: now[0])
    for number in range(1000):
        window.take(f"key-{number}")
    assert len(window) == 100
    assert window.take("key-999").remaining == 0  # the busy ones are kept
    now[0] = 61.0
    for number in range(60):
        window.take(f"new-{number}")
    assert len(window) == 60


def test_a_call_of_now_waits_no_longer_than_the_window_where_the_clocks_floats_round_up() -> None:
    now = 4064.639536798791
    assert now + 60 - now > 60
    window = MemoryWindow(1, 60, clock=lambda: now)
    assert window.take("ada").reset == 60
    assert window.take("ada").reset == 60


def test_a_full_table_of_memory_is_small() -> None:
    import tracemalloc

    tracemalloc.start()
    window = MemoryWindow(60, 60, most_keys=2_000)
    for number in range(2_000):
        for _ in range(60):
            window.take(f"{number:032x}")
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held / 2_000 < 1_000  # bytes a key, so 50 MB at the most


async def test_two_gateways_share_one_limit(redis_server: RedisServer) -> None:
    redis.Redis.from_url(redis_server.url).flushall()
    pair = [RedisWindow(redis_server.url, 60, 60, answer_seconds=0.5) for _ in range(2)]
    for one in pair:
        await one.connect()
    answers = await asyncio.gather(*(pair[number % 2].hit("ada") for number in range(150)))
    assert sum(one.allowed for one in answers) == 60
    assert not (await pair[0].hit("ada")).allowed and not (await pair[1].hit("ada")).allowed
    for one in pair:
        await one.close()


async def test_calls_of_the_future_are_forgotten_so_a_clock_set_back_locks_nobody_out(
    redis_server: RedisServer,
) -> None:
    store = redis.Redis.from_url(redis_server.url)
    store.flushall()
    window = RedisWindow(redis_server.url, 3, 60, answer_seconds=0.5)
    await window.connect()
    ahead = int((time.time() + 86_400) * 1_000_000)
    store.zadd("cine:limit:ada", {f"call-{n}": ahead + n for n in range(3)})
    assert [(await window.hit("ada")).allowed for _ in range(4)] == [True, True, True, False]
    await window.close()


async def test_keys_in_redis_end_by_themselves(redis_server: RedisServer) -> None:
    store = redis.Redis.from_url(redis_server.url)
    store.flushall()
    window = RedisWindow(redis_server.url, 3, 60, answer_seconds=0.5)
    await window.connect()
    await window.hit("ada")
    assert 59_000 < store.pttl("cine:limit:ada") <= 60_000
    await window.close()


async def test_a_dead_redis_neither_opens_nor_slows_the_limit() -> None:
    server = RedisServer()
    try:
        server.start()
    except StoreNotInstalled as reason:
        pytest.skip(str(reason))
    window = RedisWindow(server.url, 60, 60, rest_seconds=0.3)
    await window.connect()
    assert window.shared
    allowed = 0
    for number in range(120):
        if number == 30:
            server.stop()
        begin = time.perf_counter()
        allowed += (await window.hit("ada")).allowed
        assert time.perf_counter() - begin < 0.05
    assert allowed == 60 and not window.shared
    # it comes back empty: those let through meanwhile still count here
    server.start()
    until = time.monotonic() + 5
    while not window.shared and time.monotonic() < until:
        await window.hit("bob")
        await asyncio.sleep(0.02)
    assert window.shared
    assert not (await window.hit("ada")).allowed
    await window.close()
    server.stop()


async def test_a_redis_that_hangs_costs_one_wait_and_its_late_answer_confuses_nobody() -> None:
    import os
    import signal

    server = RedisServer()
    try:
        server.start()
    except StoreNotInstalled as reason:
        pytest.skip(str(reason))
    window = RedisWindow(server.url, 5, 60, rest_seconds=0.2)
    await window.connect()
    await window.hit("ada")
    os.kill(server.pid, signal.SIGSTOP)
    begin = time.perf_counter()
    assert [(await window.hit("ada")).allowed for _ in range(6)] == [True] * 4 + [False] * 2
    assert time.perf_counter() - begin < 0.1
    os.kill(server.pid, signal.SIGCONT)
    until = time.monotonic() + 5
    while not window.shared and time.monotonic() < until:
        await window.hit("carol")  # used up before long, and still the reason to look again
        await asyncio.sleep(0.02)
    assert window.shared
    assert [(await window.hit("bob")).remaining for _ in range(3)] == [4, 3, 2]
    await window.close()
    server.stop()
