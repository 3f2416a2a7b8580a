"""Keeping to TMDb's rate: evenly spaced requests, and one pause for everybody when it says "too many"."""

from __future__ import annotations

import asyncio


class Pace:
    """Hands out moments to send at, at most ``per_second`` of them, across all workers of one event loop."""

    def __init__(self, per_second: float) -> None:
        """``per_second`` > 0."""
        self._interval = 1.0 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the caller's turn."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            if self._next <= now:
                self._next = now + self._interval
                return
            # Sleeping does not reserve a turn, so that a pause called meanwhile holds for sleepers too.
            await asyncio.sleep(self._next - now)

    def pause(self, seconds: float) -> None:
        """Nobody sends for ``seconds`` from now; a longer pause already running stays."""
        self._next = max(self._next, asyncio.get_running_loop().time() + seconds)
