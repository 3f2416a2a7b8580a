"""One thread for hashes, and a queue that ends.

Two cores do under eight bcrypt hashes a second. Without a bound, a flood of sign-ins would take every core for as long as it lasts
and answer after everybody has gone; with it, whoever finds the queue full is told so at once, before anything was done for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from cinemesh.errors import Reason, ResourceExhausted

T = TypeVar("T")
_NICENESS = 10
_SMOOTHING = 0.2


class Place:
    """A place in the queue: what may be worked at for one call."""

    def __init__(self, executor: ThreadPoolExecutor, measure: Callable[[float], None]) -> None:
        self._executor = executor
        self._measure = measure
        self.future: Future[Any] | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Runs something on the thread. Given up while it waits, it never runs; while it runs, it is finished for nobody."""

        def timed() -> T:
            began = time.monotonic()
            try:
                return work()
            finally:
                self._measure(time.monotonic() - began)

        self.future = future = self._executor.submit(timed)
        return await asyncio.wrap_future(future)


class HashPool:
    """The thread and its queue.

    Args:
        waiting: most calls that may wait while one is worked at.
    """

    def __init__(self, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="hash", initializer=_give_way)
        self._most = waiting + 1
        self._taken = 0
        self._turn = asyncio.Semaphore(1)
        self._seconds = 0.25

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """Yields a place in the queue once it is this call's turn. Ask for it before anything else is done for a call.

        So a burst costs the store nothing, and those sent away hear of it while the others have not begun.

        Raises:
            ResourceExhausted: the queue is full; says when a place is likely to be free.
        """
        if self._taken >= self._most:
            raise ResourceExhausted(
                "too many people sign in at this moment; try again shortly",
                reason=Reason.OVERLOADED,
                retry_after=max(1.0, round(self._taken * self._seconds, 1)),
            )
        self._taken += 1
        place = Place(self._executor, self._measure)
        try:
            async with self._turn:
                yield place
        finally:
            if place.future is None or place.future.done():
                self._taken -= 1
            else:  # the caller went away; the thread is still busy
                loop = asyncio.get_running_loop()
                place.future.add_done_callback(lambda _: self._leave_later(loop))

    @property
    def taken(self) -> int:
        """Places taken now, the one worked at included."""
        return self._taken

    def close(self) -> None:
        """Ends the thread once its work is done; what waits is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _leave_later(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed
            loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        self._taken -= 1

    def _measure(self, seconds: float) -> None:
        self._seconds += _SMOOTHING * (seconds - self._seconds)


def _give_way() -> None:
    """Lets everything else go first: on Linux a priority belongs to a thread."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
