"""The work on imports: one piece after another, each import in its turn, going on where a killed process stopped."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from ulid import ULID

from cine_ratings.domain.transfers.job import MOST_ATTEMPTS, WORKING, Import, State
from cine_ratings.store import Transaction, imports
from cine_ratings.store.imports import LeaseLost
from cinemesh import telemetry
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import CineError, Unauthenticated, Unavailable

Step = Callable[[Import, str], Awaitable[None]]
"""Does the next piece of an import for a holder of its lease."""
_LOOK_AGAIN_SECONDS: Final = 3.0
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 15.0
_GIVEN_UP: Final = "something went wrong on our side; what was applied until then can be undone"
_log = telemetry.logger("ratings")


class Bell:
    """Tells those who wait that something about an import changed."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Event] = set()

    def ring(self) -> None:
        """Wakes everybody who listens."""
        for listener in self._listeners:
            listener.set()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """Yields an event that is set whenever the bell rings; the listener clears it."""
        listener = asyncio.Event()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)


class ImportWorker:
    """Works on imports in the background.

    Several processes may share a store: an import belongs to the one that holds its lease, which every piece of work renews in the
    transaction that keeps its result.

    Args:
        database: the store.
        steps: what to do in each working state.
        bell: rung after every piece.
        clock: tells the time.
        rest: called when there is nothing to do.
    """

    def __init__(
        self,
        database: Database,
        steps: Mapping[State, Step],
        bell: Bell,
        clock: Clock = utc_now,
        rest: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._steps = steps
        self._bell = bell
        self._clock = clock
        self._rest = rest
        self._holder = str(ULID())
        self._wake = asyncio.Event()
        # imports whose other side is away: how long to wait, and until when
        self._later: dict[str, tuple[float, float]] = {}

    def wake(self) -> None:
        """Says that there is something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Works until cancelled."""
        released = self._database.dialect != "sqlite"
        while True:
            try:
                if not released:
                    # nobody else can have this file open: who held the leases is dead
                    await self._database.write(imports.release_all)
                    released = True
                self._wake.clear()
                if await self.work_once():
                    continue
            except asyncio.CancelledError:
                raise
            except Exception as fault:
                self._trouble(fault)
            self._rest()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._pause())

    async def work_once(self) -> bool:
        """Does one piece of the import that has waited longest. Returns False when there is nothing to do."""
        found = await self._take()
        if found is None:
            return False
        if found.attempts >= MOST_ATTEMPTS:
            await self._give_up(found)
        else:
            await self._try(found)
        self._bell.ring()
        return True

    async def _take(self) -> Import | None:
        now, moment = self._clock(), time.monotonic()
        waiting = [import_id for import_id, (_, until) in self._later.items() if until > moment]

        def find(tx: Transaction) -> Import | None:
            return imports.next_to_do(tx, WORKING, self._holder, now, waiting)

        # a look costs nobody a commit
        if await self._database.read(find) is None:
            return None

        def claim(tx: Transaction) -> Import | None:
            found = find(tx)
            return found if found is not None and imports.claim(tx, found, self._holder, now) else None

        return await self._database.write(claim)

    async def _try(self, found: Import) -> None:
        try:
            await self._steps[found.state](found, self._holder)
        except LeaseLost:
            return
        except Unauthenticated:
            await self._database.write(lambda tx: imports.delete(tx, [found.import_id]))
        except Unavailable as away:
            # another service is away: that is not the import's fault, so it is tried as often as it takes
            _log.info("an import waits", import_id=found.import_id, state=found.state, reason=away.message)
            self._postpone(found)
            await self._database.write(lambda tx: imports.set_values(tx, found.import_id, attempts=0))
        except Exception as fault:
            _log.warning("a piece of an import failed", import_id=found.import_id, state=found.state, exc_info=fault)
            self._postpone(found)
        else:
            self._later.pop(found.import_id, None)

    def _postpone(self, found: Import) -> None:
        wait, _ = self._later.get(found.import_id, (_FIRST_WAIT / 2, 0.0))
        wait = min(wait * 2, _LONGEST_WAIT)
        self._later[found.import_id] = (wait, time.monotonic() + wait)

    async def _give_up(self, found: Import) -> None:
        def change(tx: Transaction) -> None:
            imports.hold(tx, found, self._holder, self._clock())
            imports.set_values(tx, found.import_id, state=State.FAILED, holder="", error=_GIVEN_UP)

        with contextlib.suppress(LeaseLost):
            await self._database.write(change)
        _log.error("an import was given up", import_id=found.import_id, state=found.state)

    def _pause(self) -> float:
        moment = time.monotonic()
        self._later = {key: value for key, value in self._later.items() if value[1] > moment - _LONGEST_WAIT}
        due = [until - moment for _, until in self._later.values() if until > moment]
        return max(min([*due, _LOOK_AGAIN_SECONDS]), 0.02)

    def _trouble(self, fault: Exception) -> None:
        if not isinstance(fault, CineError):
            _log.error("the work on imports failed", exc_info=fault)
