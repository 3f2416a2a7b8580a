"""Housekeeping does every job, whatever becomes of the others."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt

import pytest
import sqlalchemy as sa

from cine.catalog.v1 import events_pb2
from cinemesh.db import Database, mesh_tables, migrate
from cinemesh.housekeeping import OUTBOX_AGE, Housekeeping, mesh_jobs
from cinemesh.idempotency import RequestIds
from cinemesh.outbox import Outbox


async def test_a_job_that_fails_stops_no_other() -> None:
    async def fail() -> int:
        raise OSError("disk")

    async def three() -> int:
        return 3

    assert await Housekeeping("test", {"a": fail, "b": three}).clean() == {"b": 3}


async def test_it_goes_on_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    done = asyncio.Event()
    rounds = 0

    async def job() -> int:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            done.set()
        if rounds == 1:
            raise OSError("once")
        return 0

    task = asyncio.create_task(Housekeeping("test", {"a": job}, every=0.01).run())
    async with asyncio.timeout(10):
        await done.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_service_that_writes_forgets_old_events_and_answers(sqlite_url: str) -> None:
    await asyncio.to_thread(migrate, sqlite_url, None)
    outbox = Outbox("ratings")
    old = dt.datetime.now(dt.UTC) - OUTBOX_AGE - dt.timedelta(hours=1)
    async with Database(sqlite_url) as database:
        for time in (old, None):
            fact = events_pb2.MovieRemoved(movie_id=1)
            await database.write(
                lambda session, fact=fact, time=time: outbox.append(session, subject="movies/1", data=fact, time=time)
            )
        row = {"caller": "ana", "method": "Rate", "request_digest": b"", "answer": b""}
        ages = [
            {**row, "request_id": str(days), "created_at": dt.datetime.now(dt.UTC) - dt.timedelta(days=days)}
            for days in (0, 3)
        ]
        await database.write(lambda session: session.execute(sa.insert(mesh_tables.request_effect), ages) and None)
        jobs = mesh_jobs(database, outbox, RequestIds())
        assert await Housekeeping("ratings", jobs).clean() == {"events": 1, "request_ids": 1}
        assert await Housekeeping("ratings", jobs).clean() == {"events": 0, "request_ids": 0}
