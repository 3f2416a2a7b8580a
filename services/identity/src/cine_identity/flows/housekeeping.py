"""What nobody needs any more at Identity."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable

from cine.identity.v1 import events_pb2
from cine_identity.flows.registration import LINK_LIFETIME
from cine_identity.store import Transaction, accounts, devices, sessions, throttles, tickets
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.housekeeping import OUTBOX_AGE
from cinemesh.outbox import Outbox

DEVICE_AGE = dt.timedelta(days=365)
_THROTTLE_AGE = dt.timedelta(days=2)
_SESSION_AGE = dt.timedelta(days=1)
_BATCH = 200


class Expired:
    """Deletes what is over, kind by kind.

    Args:
        database: the store.
        outbox: forgets old events.
        idle: life of a session that is not used.
        clock: tells the time.
    """

    def __init__(self, database: Database, outbox: Outbox, idle: dt.timedelta, clock: Clock = utc_now) -> None:
        self._database = database
        self._outbox = outbox
        self._idle = idle
        self._clock = clock

    def jobs(self) -> dict[str, Callable[[], Awaitable[int]]]:
        """Returns what `cinemesh.housekeeping.Housekeeping` is to do."""
        kinds: dict[str, Callable[[Transaction, dt.datetime], int]] = {
            "sessions": lambda tx, now: sessions.prune(tx, now - _SESSION_AGE, self._idle),
            "tickets": tickets.prune,
            "throttles": lambda tx, now: throttles.prune(tx, now - _THROTTLE_AGE),
            "devices": lambda tx, now: devices.prune(tx, now - DEVICE_AGE),
        }
        jobs = {name: self._job(prune) for name, prune in kinds.items()}
        jobs["accounts"] = self._abandoned
        jobs["events"] = lambda: self._outbox.prune(self._database, older_than=OUTBOX_AGE)
        return jobs

    def _job(self, prune: Callable[[Transaction, dt.datetime], int]) -> Callable[[], Awaitable[int]]:
        return lambda: self._database.write(lambda tx: prune(tx, self._clock()))

    async def _abandoned(self) -> int:
        """Frees names and addresses of accounts that were never verified, as long after as a reserved name is freed."""
        now = self._clock()

        def change(tx: Transaction) -> int:
            found = accounts.abandoned(tx, now - LINK_LIFETIME, now, _BATCH)
            for user_id in found:
                accounts.delete(tx, user_id)
                event = events_pb2.UserDeleted(user_id=user_id)
                self._outbox.append(tx, subject=f"users/{user_id}", data=event, time=now)
            return len(found)

        total = 0
        while True:
            count = await self._database.write(change)
            total += count
            if count < _BATCH:
                return total
