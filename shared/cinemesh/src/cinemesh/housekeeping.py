"""Housekeeping: what nobody needs any more goes, once an hour."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from cinemesh import telemetry
from cinemesh.db import Database
from cinemesh.idempotency import RequestIds
from cinemesh.outbox import Outbox

OUTBOX_AGE: Final = dt.timedelta(days=30)
"""How long events are kept: a consumer may be down for that long without having to rebuild."""
Job = Callable[[], Awaitable[int]]


def mesh_jobs(database: Database, outbox: Outbox, request_ids: RequestIds) -> dict[str, Job]:
    """Returns the jobs of every service that writes: old events, and answers by request id, go."""
    return {
        "events": lambda: outbox.prune(database, older_than=OUTBOX_AGE),
        "request_ids": lambda: request_ids.prune(database),
    }


class Housekeeping:
    """Deletes what is over. Replicas may do it at once: each deletion stands for itself.

    Args:
        name: of the service, for its log lines.
        jobs: what to do, by the name of what goes; each returns how many went.
        every: seconds from one time to the next, give or take a tenth.
    """

    def __init__(self, name: str, jobs: Mapping[str, Job], every: float = 3600.0) -> None:
        self._jobs = dict(jobs)
        self._every = every
        self._log = telemetry.logger(name)

    async def run(self) -> None:
        """Cleans up until cancelled; what fails is tried again the next time."""
        # replicas that start together do not clean in step, and no start is slowed by it
        await asyncio.sleep(min(self._every, random.uniform(30.0, 300.0)))
        while True:
            await self.clean()
            await asyncio.sleep(self._every * random.uniform(0.9, 1.1))

    async def clean(self) -> dict[str, int]:
        """Deletes everything that is over. Returns how many of each kind went; a kind that failed is logged and left out."""
        gone: dict[str, int] = {}
        for kind, job in self._jobs.items():
            try:
                gone[kind] = await job()
            except Exception:
                self._log.exception("housekeeping failed", kind=kind)
        if any(gone.values()):
            self._log.info("cleaned up", **{kind: count for kind, count in gone.items() if count})
        return gone
