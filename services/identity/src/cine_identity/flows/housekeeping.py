"""Housekeeping: what nobody needs any more goes, once an hour."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Callable

from cine.identity.v1 import events_pb2
from cine_identity.domain.clock import Clock, utc_now
from cine_identity.flows.registration import LINK_LIFETIME
from cine_identity.store import Transaction, accounts, devices, sessions, throttles, tickets
from cinemesh import telemetry
from cinemesh.db import Database
from cinemesh.outbox import Outbox

OUTBOX_AGE = dt.timedelta(days=30)
DEVICE_AGE = dt.timedelta(days=365)
_THROTTLE_AGE = dt.timedelta(days=2)
_SESSION_AGE = dt.timedelta(days=1)
_EVERY_SECONDS = 3600.0
_BATCH = 200
_log = telemetry.logger("identity")


class Housekeeping:
    """Deletes what is over. Replicas may do it at once: each deletion stands for itself.

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

    async def run(self) -> None:
        """Cleans up for ever; what fails is tried again an hour later."""
        await asyncio.sleep(random.uniform(30.0, 300.0))  # replicas that start together do not clean in step
        while True:
            try:
                await self.clean()
            except Exception:
                _log.exception("housekeeping failed")
            await asyncio.sleep(_EVERY_SECONDS * random.uniform(0.9, 1.1))

    async def clean(self) -> dict[str, int]:
        """Deletes everything that is over. Returns how many rows of each kind went."""
        now = self._clock()
        jobs: dict[str, Callable[[Transaction], int]] = {
            "sessions": lambda tx: sessions.prune(tx, now - _SESSION_AGE, self._idle),
            "tickets": lambda tx: tickets.prune(tx, now),
            "throttles": lambda tx: throttles.prune(tx, now - _THROTTLE_AGE),
            "devices": lambda tx: devices.prune(tx, now - DEVICE_AGE),
        }
        gone = {name: await self._database.write(job) for name, job in jobs.items()}
        gone["accounts"] = await self._abandoned(now)
        gone["events"] = await self._outbox.prune(self._database, older_than=OUTBOX_AGE)
        if any(gone.values()):
            _log.info("cleaned up", **{name: count for name, count in gone.items() if count})
        return gone

    async def _abandoned(self, now: dt.datetime) -> int:
        """Frees names and addresses of accounts that were never verified, as long after as a reserved name is freed."""

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
