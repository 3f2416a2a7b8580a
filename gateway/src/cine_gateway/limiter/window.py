"""The exact sliding window: the times of the calls that were let through, in the memory of this process."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

MOST_KEYS: Final = 50_000
_SWEPT_A_CALL: Final = 2


class Decision(NamedTuple):
    """What became of one call.

    Attributes:
        allowed: whether it may pass; one that may not is not counted.
        remaining: calls that may still follow at once.
        reset: seconds until a place is free again, or one more than now; above 0 once anything was counted.
    """

    allowed: bool
    remaining: int
    reset: float


class Window(Protocol):
    """Counts calls by key. One call is one `hit`; of any `seconds` on end, at most `limit` calls of a key are allowed."""

    async def connect(self) -> None:
        """Gets ready to count. Never raises."""

    async def hit(self, key: str) -> Decision:
        """Counts a call if it may pass, and says so. Never raises."""

    async def close(self) -> None:
        """Lets go of connections."""


class MemoryWindow:
    """The window of one process. Its clock is monotonic, so setting the time of the machine changes nothing.

    At most `most_keys` keys are held; beyond them the one that was quiet for longest is forgotten, which can only favour that
    caller. A full table of the default size takes about 30 MB.
    """

    def __init__(
        self,
        limit: int,
        seconds: float,
        *,
        most_keys: int = MOST_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts empty.

        Args:
            limit: calls a key may make in any `seconds`; at least 1.
            seconds: length of the window.
            most_keys: keys held at once.
            clock: seconds from any start, never going back.
        """
        self._limit = limit
        self._seconds = seconds
        self._most_keys = most_keys
        self._clock = clock
        # quietest key first; times ascend
        self._calls: OrderedDict[str, array[float]] = OrderedDict()

    def __len__(self) -> int:
        """Returns the number of keys held."""
        return len(self._calls)

    async def connect(self) -> None:
        """Does nothing: there is no connection."""

    async def hit(self, key: str) -> Decision:
        """Counts a call if it may pass, and says so."""
        return self.take(key)

    async def close(self) -> None:
        """Does nothing: there is no connection."""

    def take(self, key: str) -> Decision:
        """Does what `hit` does, without waiting: no other call comes in between."""
        now = self._clock()
        times = self._current(key, now)
        if len(times) >= self._limit:
            return self._decision(times, now, allowed=False)
        self._record(key, times, now)
        return self._decision(times, now, allowed=True)

    def full(self, key: str) -> Decision | None:
        """Returns the refusal of a key that has used up its calls; None while it has some left. Counts nothing."""
        now = self._clock()
        times = self._current(key, now)
        return self._decision(times, now, allowed=False) if len(times) >= self._limit else None

    def note(self, key: str) -> None:
        """Counts a call that somebody else let through."""
        now = self._clock()
        self._record(key, self._current(key, now), now)

    def _current(self, key: str, now: float) -> array[float]:
        times = self._calls.get(key)
        if times is None:
            return array("d")
        if times and times[0] <= now - self._seconds:
            del times[: bisect_right(times, now - self._seconds)]
        return times

    def _record(self, key: str, times: array[float], now: float) -> None:
        times.append(now)
        self._calls[key] = times
        self._calls.move_to_end(key)
        # a few a call keep the table as small as what happened in one window, with no sweep that holds everybody up
        for _ in range(_SWEPT_A_CALL):
            oldest = next(iter(self._calls))
            if len(self._calls) <= self._most_keys and self._calls[oldest][-1] > now - self._seconds:
                break
            del self._calls[oldest]

    def _decision(self, times: array[float], now: float, *, allowed: bool) -> Decision:
        # what floats lose must not make a call that came just now wait for longer than the window
        reset = min(self._seconds, times[0] + self._seconds - now) if times else 0.0
        return Decision(allowed, max(0, self._limit - len(times)), reset)
