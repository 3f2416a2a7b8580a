"""Deadlines of tests on a machine that others use too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_STEP: Final = 0.02
SLACK: Final = 0.3


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Fails unless the block ends within `seconds` and a little.

    Time in which this process was not let run does not count: by how much short sleeps came late, less what the process computed itself.
    """
    late = 0.0

    async def watch() -> None:
        nonlocal late
        while True:
            begun = time.monotonic()
            await asyncio.sleep(_STEP)
            late += max(0.0, time.monotonic() - begun - _STEP)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    started, computed = time.monotonic(), time.process_time()
    try:
        yield
        await asyncio.sleep(_STEP)  # so that a stall at the very end is seen
    finally:
        watching.cancel()
    kept_waiting = max(0.0, late - (time.process_time() - computed))
    taken = time.monotonic() - started - _STEP - kept_waiting
    assert taken < seconds + SLACK, f"took {taken:.2f} s, {kept_waiting:.2f} s of waiting for the machine not counted"
