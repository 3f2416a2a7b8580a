"""What a consumer remembers in its own store: how far it came, and the events it could not apply."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine.common.v1 import feed_pb2
from cinemesh import telemetry
from cinemesh.db import Database, mesh_tables, upsert

Handler = Callable[[Session, Sequence[feed_pb2.Event]], None]
_ERROR_TEXT = 500


class Moved(Exception):
    """Another instance of the same consumer was here first; the transaction is undone, so nothing was applied twice."""


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event that could not be applied.

    Attributes:
        event: the event.
        error: what its last attempt raised.
        parked_at: when it was put aside.
    """

    event: feed_pb2.Event
    error: str
    parked_at: dt.datetime


class Bookmark:
    """The rows of one consumer."""

    def __init__(self, db: Database, consumer: str) -> None:
        self._db = db
        self._consumer = consumer

    async def cursor(self) -> str:
        """Returns the cursor of the last event applied; empty before the first."""

        def find(session: Session) -> str:
            now = dt.datetime.now(dt.UTC)
            row = {"consumer": self._consumer, "cursor": "", "event_time": None, "updated_at": now}
            upsert(session, mesh_tables.feed_cursor, [row], key=["consumer"], update=[])
            table = mesh_tables.feed_cursor
            kept: str = session.execute(
                sa.select(table.c.cursor).where(table.c.consumer == self._consumer)
            ).scalar_one()
            return kept

        return await self._db.write(find)

    async def apply(self, before: str, events: Sequence[feed_pb2.Event], handler: Handler) -> str:
        """Applies events and moves the cursor from `before` past them, in one transaction. Returns the new cursor.

        Raises:
            Moved: the cursor is not `before` any more.
        """

        def change(session: Session) -> None:
            self._advance(session, before, events[-1])  # first: it locks the row, so two instances take turns
            handler(session, events)

        await self._db.write(change)
        return events[-1].cursor

    async def park(self, before: str, event: feed_pb2.Event, fault: BaseException) -> str:
        """Puts an event aside and moves the cursor past it, in one transaction. Returns the new cursor."""
        text = telemetry.redact(f"{type(fault).__name__}: {fault}")[:_ERROR_TEXT]
        row = {
            "consumer": self._consumer,
            "event_id": event.id,
            "event": event.SerializeToString(),
            "error": text,
            "parked_at": dt.datetime.now(dt.UTC),
        }

        def change(session: Session) -> None:
            self._advance(session, before, event)
            upsert(session, mesh_tables.feed_parked, [row], key=["consumer", "event_id"])

        await self._db.write(change)
        return event.cursor

    def _advance(self, session: Session, before: str, last: feed_pb2.Event) -> None:
        table = mesh_tables.feed_cursor
        moved = session.execute(
            sa.update(table)
            .where(table.c.consumer == self._consumer, table.c.cursor == before)
            .values(
                cursor=last.cursor, event_time=last.time.ToDatetime(tzinfo=dt.UTC), updated_at=dt.datetime.now(dt.UTC)
            )
            .returning(table.c.consumer)
        ).first()
        if moved is None:
            raise Moved

    async def parked_count(self) -> int:
        """Returns how many events are put aside."""
        table = mesh_tables.feed_parked
        statement = sa.select(sa.func.count()).select_from(table).where(table.c.consumer == self._consumer)
        return await self._db.read(lambda session: session.execute(statement).scalar_one())

    async def parked(self) -> list[ParkedEvent]:
        """Returns the events put aside, oldest first."""
        table = mesh_tables.feed_parked
        statement = (
            sa.select(table.c.event, table.c.error, table.c.parked_at)
            .where(table.c.consumer == self._consumer)
            .order_by(table.c.event_id)
        )
        rows = await self._db.read(lambda session: session.execute(statement).all())
        return [ParkedEvent(feed_pb2.Event.FromString(row.event), row.error, row.parked_at) for row in rows]

    async def apply_parked(self, event: feed_pb2.Event, handler: Handler) -> bool:
        """Applies an event put aside and forgets it, in one transaction. Returns False when another instance did so before."""
        table = mesh_tables.feed_parked
        mine = (table.c.consumer == self._consumer, table.c.event_id == event.id)

        def change(session: Session) -> bool:
            if session.execute(sa.delete(table).where(*mine).returning(table.c.event_id)).first() is None:
                return False
            handler(session, [event])
            return True

        return await self._db.write(change)

    async def start_over(self) -> None:
        """Sets the cursor before the first event and forgets what was put aside: all of it comes again."""
        cursors, parked = mesh_tables.feed_cursor, mesh_tables.feed_parked

        def change(session: Session) -> None:
            session.execute(
                sa.update(cursors)
                .where(cursors.c.consumer == self._consumer)
                .values(cursor="", event_time=None, updated_at=dt.datetime.now(dt.UTC))
            )
            session.execute(sa.delete(parked).where(parked.c.consumer == self._consumer))

        await self._db.write(change)
