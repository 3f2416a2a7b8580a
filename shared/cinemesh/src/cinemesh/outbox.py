"""The outbox: events written in the transaction of the change they tell of, and served in commit order by `cinemesh.feed`."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import takewhile
from typing import Any

import sqlalchemy as sa
from google.protobuf import any_pb2
from google.protobuf.message import Message
from sqlalchemy.orm import Session
from ulid import ULID

from cinemesh import context
from cinemesh.db import Database, after_commit, mesh_tables, upsert

_MAX_TEXT = 200  # columns `type` and `subject`
_PRUNE_STEP = 5_000
# made once, for it is part of nearly every write; inline: nobody needs the id it gets
_INSERT = sa.insert(mesh_tables.outbox).inline()


class Outbox:
    """The events of one service.

    Attributes:
        source: name of the service, such as "catalog"; `Event.source`.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._listeners: tuple[tuple[asyncio.AbstractEventLoop, asyncio.Event], ...] = ()

    def append(self, session: Session, *, subject: str, data: Message, time: dt.datetime | None = None) -> str:
        """Adds an event to the caller's transaction: both are kept, or neither.

        Args:
            session: the transaction of the change.
            subject: what it is about, such as "movies/603"; at most 200 characters.
            data: the fact, a message of the service's `events.proto`; its full name becomes the event's type.
            time: when the change was made; now when None. Must have a time zone.

        Returns:
            The id of the event, a ULID.

        Raises:
            ValueError: the subject is empty or too long.
        """
        return self.append_many(session, [(subject, data)], time=time)[0]

    def append_many(
        self, session: Session, events: Iterable[tuple[str, Message]], *, time: dt.datetime | None = None
    ) -> list[str]:
        """Adds `(subject, data)` pairs in order, in one statement; otherwise as `append`."""
        now = dt.datetime.now(dt.UTC) if time is None else time
        traceparent = context.current().traceparent[:64]
        rows = [_row(subject, data, now, traceparent) for subject, data in events]
        if rows:
            session.execute(_INSERT, rows)
            after_commit(session, self._committed)
        return [str(row["event_id"]) for row in rows]

    def _committed(self) -> None:
        for loop, event in self._listeners:
            with suppress(RuntimeError):  # its loop has closed
                loop.call_soon_threadsafe(event.set)

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """Yields an asyncio event that is set whenever this process commits events; the listener clears it."""
        listener = (asyncio.get_running_loop(), asyncio.Event())
        self._listeners = (*self._listeners, listener)
        try:
            yield listener[1]
        finally:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

    async def prune(self, db: Database, *, older_than: dt.timedelta) -> int:
        """Deletes the oldest events, up to the first one in feed order that is younger than `older_than`.

        What was pruned of each type is remembered, so that a consumer that still needed it is told to rebuild instead of
        silently missing it.

        Args:
            db: store of the service.
            older_than: age to keep; choose it well above the longest time a consumer may be down, such as 30 days.

        Returns:
            How many events were deleted.
        """
        before = dt.datetime.now(dt.UTC) - older_than
        total = 0
        while True:
            # small transactions, so that nobody waits long for the writer
            pruned = await db.write(lambda session: _prune(session, before))
            total += pruned
            if pruned < _PRUNE_STEP:
                return total


def _row(subject: str, data: Message, now: dt.datetime, traceparent: str) -> dict[str, Any]:
    if not subject or len(subject) > _MAX_TEXT:
        raise ValueError(f"the subject of an event has 1 to {_MAX_TEXT} characters")
    packed = any_pb2.Any()
    packed.Pack(data, deterministic=True)
    return {
        "event_id": str(ULID()),
        "type": data.DESCRIPTOR.full_name,
        "subject": subject,
        "time": now,
        "data": packed.SerializeToString(),
        "traceparent": traceparent,
    }


def _prune(session: Session, before: dt.datetime) -> int:
    postgres = session.get_bind().dialect.name == "postgresql"
    xid, horizon, order = "outbox.xid", "true", "outbox.id"
    if postgres:
        # one replica at a time
        session.execute(sa.select(mesh_tables.outbox_state.c.epoch).with_for_update())
        xid, order = "CAST(CAST(outbox.xid AS text) AS bigint)", "outbox.xid, outbox.id"
        horizon = "outbox.xid < pg_snapshot_xmin(pg_current_snapshot())"
    oldest = sa.text(
        f"SELECT {xid} AS xid, outbox.id AS id, type, time FROM outbox WHERE {horizon} ORDER BY {order} LIMIT {_PRUNE_STEP}"
    ).columns(
        sa.column("xid", sa.BigInteger), sa.column("id", sa.BigInteger), sa.column("type"), mesh_tables.outbox.c.time
    )
    # a prefix of the order, never a hole in it: clocks may disagree with it
    doomed = list(takewhile(lambda row: row.time < before, session.execute(oldest)))
    if not doomed:
        return 0
    last = doomed[-1]
    position = "CAST(CAST(:xid AS text) AS xid8)" if postgres else ":xid"
    session.execute(
        sa.text(f"DELETE FROM outbox WHERE (xid, id) <= ({position}, :id)"), {"xid": last.xid, "id": last.id}
    )
    highest: dict[str, Mapping[str, Any]] = {
        row.type: {"type": row.type, "xid": row.xid, "id": row.id} for row in doomed
    }
    upsert(session, mesh_tables.outbox_pruned, list(highest.values()), key=["type"])
    return len(doomed)
