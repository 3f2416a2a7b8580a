"""Reads the outbox in feed order, and the cursors that point into it."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import functools
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import sqlalchemy as sa
from google.protobuf import any_pb2
from sqlalchemy.orm import Session

from cine.common.v1 import feed_pb2
from cinemesh import errors
from cinemesh.db import UtcDateTime, mesh_tables

_CURSOR = struct.Struct(">B6sQQ")
_CURSOR_VERSION = 1
_REBUILD = {"feed": "rebuild"}  # ErrorInfo.metadata


class Position(NamedTuple):
    """A place in the feed: events are ordered by transaction, then by id. On SQLite, where writes are serial, `xid` is 0."""

    xid: int
    id: int


class Row(NamedTuple):
    """One stored event."""

    xid: int
    id: int
    event_id: str
    type: str
    subject: str
    time: dt.datetime
    data: bytes
    traceparent: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position, and the life of the feed it belongs to: a store that was recreated or restored begins another."""

    epoch: str
    position: Position

    def encode(self) -> str:
        """Returns the text that consumers keep: 36 characters, opaque."""
        packed = _CURSOR.pack(_CURSOR_VERSION, bytes.fromhex(self.epoch), *self.position)
        return base64.urlsafe_b64encode(packed + zlib.crc32(packed).to_bytes(4, "big")).decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """Reads what `encode` wrote.

        Raises:
            errors.InvalidArgument: it is not a cursor of a feed.
        """
        try:
            raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
            packed, check = raw[:-4], raw[-4:]
            version, epoch, xid, event = _CURSOR.unpack(packed)
        except (ValueError, binascii.Error, struct.error):
            version, packed, check = 0, b"", b""
        if version != _CURSOR_VERSION or zlib.crc32(packed).to_bytes(4, "big") != check:
            raise errors.InvalidArgument(
                "The cursor is not one of this feed.",
                violations=[("after", "is not a cursor that this feed handed out")],
            )
        return cls(epoch.hex(), Position(xid, event))


def beyond(after: str, events: Iterable[feed_pb2.Event]) -> list[feed_pb2.Event]:
    """Returns the events that come after a cursor and after one another.

    A feed tells each event once and in order, but what lies between (a proxy that sends again, a relay) need not: whatever comes again
    was applied. Cursors that no feed of ours handed out cannot be compared; such events are left in.

    Args:
        after: cursor of the last event applied; empty before the first.
        events: as they arrived.
    """
    last = _cursor(after)
    found = []
    for event in events:
        place = _cursor(event.cursor)
        if last is not None and place is not None and place.epoch == last.epoch and place.position <= last.position:
            continue
        found.append(event)
        last = place
    return found


def _cursor(text: str) -> Cursor | None:
    try:
        return Cursor.decode(text) if text else None
    except errors.InvalidArgument:
        return None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one look into the feed found.

    Attributes:
        rows: events wanted, in order.
        reached: everything up to here has been looked at, wanted or not.
    """

    rows: list[Row]
    reached: Cursor

    def events(self, source: str) -> list[feed_pb2.Event]:
        """Returns the rows as events of a service."""
        found = []
        for row in self.rows:
            event = feed_pb2.Event(
                id=row.event_id,
                source=source,
                type=row.type,
                subject=row.subject,
                data=any_pb2.Any.FromString(row.data),
                cursor=Cursor(self.reached.epoch, Position(row.xid, row.id)).encode(),
                traceparent=row.traceparent,
            )
            event.time.FromDatetime(row.time)
            found.append(event)
        return found


class _Dialect(NamedTuple):
    xid: str
    after: str
    visible: str
    order: tuple[str, ...]


_DIALECTS = {
    "sqlite": _Dialect("outbox.xid", "outbox.id > :id", "true", ("outbox.id",)),
    "postgresql": _Dialect(
        "CAST(CAST(outbox.xid AS text) AS bigint)",
        "(outbox.xid, outbox.id) > (CAST(CAST(:xid AS text) AS xid8), :id)",
        # a lower id may commit later: only transactions below every running one are complete
        "outbox.xid < pg_snapshot_xmin(pg_current_snapshot())",
        ("outbox.xid", "outbox.id"),
    ),
}
_COLUMNS = (
    sa.column("xid", sa.BigInteger),
    sa.column("id", sa.BigInteger),
    sa.column("event_id", sa.String),
    sa.column("type", sa.String),
    sa.column("subject", sa.String),
    sa.column("time", UtcDateTime),
    sa.column("data", sa.LargeBinary),
    sa.column("traceparent", sa.String),
)


# every stream looks many times a second while somebody writes: what it asks is made once
_EPOCH = sa.select(mesh_tables.outbox_state.c.epoch)
_PRUNED = sa.select(mesh_tables.outbox_pruned.c.xid, mesh_tables.outbox_pruned.c.id)
_PRUNED_OF_TYPES = _PRUNED.where(mesh_tables.outbox_pruned.c.type.in_(sa.bindparam("types", expanding=True)))


@functools.cache
def _events(sql: _Dialect, *, some_types: bool, recent: bool) -> sa.TextualSelect:
    wanted = "AND outbox.type IN :types" if some_types else ""
    young = "AND outbox.time >= :not_before" if recent else ""
    statement = sa.text(
        f"SELECT {sql.xid} AS xid, outbox.id AS id, event_id, type, subject, time, data, traceparent FROM outbox"
        f" WHERE {sql.after} AND {sql.visible} {wanted} {young} ORDER BY {', '.join(sql.order)} LIMIT :limit"
    )
    if some_types:
        statement = statement.bindparams(sa.bindparam("types", expanding=True))
    if recent:
        statement = statement.bindparams(sa.bindparam("not_before", type_=UtcDateTime))
    return statement.columns(*_COLUMNS)


@functools.cache
def _last(sql: _Dialect) -> sa.TextClause:
    order = ", ".join(f"{column} DESC" for column in sql.order)
    return sa.text(f"SELECT {sql.xid} AS xid, outbox.id AS id FROM outbox WHERE {sql.visible} ORDER BY {order} LIMIT 1")


def read_batch(
    session: Session, after: Cursor, types: Sequence[str], limit: int, not_before: dt.datetime | None = None
) -> Batch:
    """Returns the events after a cursor, at most `limit`.

    Args:
        session: a read transaction: events, horizon and what was pruned must come from one snapshot.
        after: the last position looked at.
        types: types wanted; empty for all.
        limit: most events to return.
        not_before: leave out changes made before this moment; None for none.

    Raises:
        errors.FailedPrecondition: wanted events after the cursor were pruned, or the feed began another life: rebuild.
    """
    sql = _DIALECTS[session.get_bind().dialect.name]
    values: dict[str, object] = {"id": after.position.id, "limit": limit}
    if ":xid" in sql.after:
        values["xid"] = after.position.xid
    if types:
        values["types"] = list(types)
    if not_before is not None:
        values["not_before"] = not_before
    statement = _events(sql, some_types=bool(types), recent=not_before is not None)
    rows = [Row(*row) for row in session.execute(statement, values)]
    if epoch(session) != after.epoch:
        raise _another_life()
    if pruned(session, types) > after.position:
        raise errors.FailedPrecondition(
            "Events after the cursor have been pruned: rebuild, then follow from the start.", metadata=_REBUILD
        )
    reached = Position(rows[-1].xid, rows[-1].id) if rows else after.position
    if (types or not_before is not None) and len(rows) < limit:
        # nothing more is wanted up to the end: do not scan it all again next time
        reached = max(reached, head(session))
    return Batch(rows, Cursor(after.epoch, reached))


def moment(request: feed_pb2.WatchEventsRequest) -> dt.datetime | None:
    """Returns `not_before` of a request; None when it is unset.

    Raises:
        errors.InvalidArgument: it is no moment of the years 1 to 9999.
    """
    if not request.HasField("not_before"):
        return None
    try:
        return request.not_before.ToDatetime(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        raise errors.InvalidArgument(
            "The moment is out of range.", violations=[("not_before", "is not a moment of the years 1 to 9999")]
        ) from None


def head(session: Session) -> Position:
    """Returns the position of the last event that may be served; (0, 0) when there is none."""
    sql = _DIALECTS[session.get_bind().dialect.name]
    found = session.execute(_last(sql)).first()
    return Position(0, 0) if found is None else Position(*found)


def pruned(session: Session, types: Sequence[str] = ()) -> Position:
    """Returns the highest position pruned, of some types or of all; (0, 0) when nothing was."""
    found = session.execute(_PRUNED_OF_TYPES, {"types": list(types)}) if types else session.execute(_PRUNED)
    return max((Position(*row) for row in found), default=Position(0, 0))


def epoch(session: Session) -> str:
    """Returns the life of this feed."""
    current: str = session.execute(_EPOCH).scalar_one()
    return current


def start(session: Session, after: str) -> Cursor:
    """Returns where to begin for the cursor a consumer sent; empty is before the first kept event.

    Raises:
        errors.InvalidArgument: it is not a cursor.
        errors.FailedPrecondition: it belongs to another life of the feed: the consumer must rebuild.
    """
    if not after:
        return Cursor(epoch(session), pruned(session))
    cursor = Cursor.decode(after)
    if cursor.epoch != epoch(session) or cursor.position > max(head(session), pruned(session)):
        raise _another_life()
    return cursor


def _another_life() -> errors.FailedPrecondition:
    return errors.FailedPrecondition(
        "The cursor belongs to an earlier life of this feed, whose store was recreated or restored: rebuild, then follow from the"
        " start.",
        metadata=_REBUILD,
    )


def from_another_server(session: Session) -> bool:
    """Returns whether the outbox was restored into a PostgreSQL server whose transaction ids had not come that far.

    Its old events would be held back, and new ones sorted before them, until the server catches up.
    """
    if session.get_bind().dialect.name != "postgresql":
        return False
    statement = sa.text("SELECT EXISTS (SELECT 1 FROM outbox WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()))")
    return bool(session.execute(statement).scalar_one())


def begin_another_life(session: Session, new_epoch: str) -> None:
    """Puts every stored event before those to come, in the order of their ids, and makes old cursors invalid."""
    session.execute(sa.select(mesh_tables.outbox_state.c.epoch).with_for_update())
    if not from_another_server(session):
        return  # another replica was quicker
    session.execute(sa.text("UPDATE outbox SET xid = '0'"))
    session.execute(sa.delete(mesh_tables.outbox_pruned))
    session.execute(sa.update(mesh_tables.outbox_state).values(epoch=new_epoch))
