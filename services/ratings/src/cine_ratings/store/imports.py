"""Imports in the store: what they are, and who is at work on them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_ratings.domain.transfers.job import Import, State
from cine_ratings.store.import_tables import imports

LEASE: Final = dt.timedelta(seconds=10)
"""How long an import is left to the process that works on it after its last sign of life."""
_NAMES = tuple(field.name for field in fields(Import))
_NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class LeaseLost(Exception):
    """Another process works on the import, or it is no longer in that state; what the transaction would have written is undone."""


def insert(tx: Session, made: Import) -> None:
    """Adds an import that nobody works on yet."""
    tx.execute(sa.insert(imports).values(**_values(made), holder="", held_until=_NEVER))


def of_person(tx: Session, import_id: str, user_id: str, *, lock: bool = False) -> Import | None:
    """Returns a person's import; None when it is somebody else's, is still being received, or there is none.

    Args:
        tx: the transaction.
        import_id: which.
        user_id: whose it must be.
        lock: whether nobody else may change it before the transaction ends.
    """
    query = sa.select(imports).where(imports.c.import_id == import_id, *_theirs(user_id))
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return _import(row) if row is not None else None


def page(tx: Session, user_id: str, limit: int, before: str) -> list[Import]:
    """Returns at most `limit` imports of a person, newest first, that came before the one with that id; empty for the newest."""
    query = sa.select(imports).where(*_theirs(user_id))
    if before:
        query = query.where(imports.c.import_id < before)
    return [
        _import(row) for row in tx.execute(query.order_by(imports.c.import_id.desc()).limit(limit)).mappings().all()
    ]


def count(tx: Session, user_id: str) -> int:
    """Returns how many imports a person has."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(imports).where(*_theirs(user_id))).scalar_one())


def count_in(tx: Session, user_id: str, states: Iterable[State]) -> int:
    """Returns how many imports of a person are in some states."""
    query = sa.select(sa.func.count()).select_from(imports).where(imports.c.user_id == user_id)
    return int(tx.execute(query.where(imports.c.state.in_(list(states)))).scalar_one())


def set_values(tx: Session, import_id: str, **values: Any) -> None:
    """Sets columns of an import."""
    tx.execute(sa.update(imports).where(imports.c.import_id == import_id).values(**values))


def drop_waiting(tx: Session, user_id: str, keep: int) -> int:
    """Deletes the oldest imports of a person that wait to be confirmed, all but `keep`. Returns how many."""
    waiting = sa.select(imports.c.import_id).where(imports.c.user_id == user_id, imports.c.state == State.READY)
    kept = waiting.order_by(imports.c.import_id.desc()).limit(keep)
    return delete(tx, set(tx.execute(waiting).scalars()) - set(tx.execute(kept).scalars()))


def delete(tx: Session, import_ids: Iterable[str]) -> int:
    """Deletes imports with their rows. Returns how many."""
    gone: Any = tx.execute(sa.delete(imports).where(imports.c.import_id.in_(sorted(import_ids))))
    return int(gone.rowcount)


def drop_unreceived(tx: Session, import_id: str) -> None:
    """Deletes an import whose file did not come whole."""
    unfinished = imports.c.state == State.RECEIVING
    tx.execute(sa.delete(imports).where(imports.c.import_id == import_id, unfinished))


def forget(tx: Session, user_id: str) -> None:
    """Deletes every import of a person; a process at work on one of them loses it."""
    tx.execute(sa.delete(imports).where(imports.c.user_id == user_id))


def prune(tx: Session, now: dt.datetime, received_before: dt.datetime, limit: int) -> int:
    """Deletes imports that are past their time, and those whose file never came whole. Returns how many, at most `limit`."""
    over = sa.or_(
        imports.c.expires_at < now,
        sa.and_(imports.c.state == State.RECEIVING, imports.c.created_at < received_before),
    )
    found = tx.execute(sa.select(imports.c.import_id).where(over).order_by(imports.c.expires_at).limit(limit))
    return delete(tx, list(found.scalars()))


def next_to_do(
    tx: Session, states: Iterable[State], holder: str, now: dt.datetime, but: Collection[str] = ()
) -> Import | None:
    """Returns the import that has waited longest for somebody to work on it; None when there is none.

    Args:
        tx: the transaction.
        states: those in which there is something to do.
        holder: the process that asks.
        now: the present moment.
        but: imports to leave alone for the moment.
    """
    query = sa.select(imports).where(
        imports.c.state.in_(list(states)), imports.c.import_id.not_in(sorted(but)), _free(holder, now)
    )
    row = tx.execute(query.order_by(imports.c.updated_at, imports.c.import_id).limit(1)).mappings().one_or_none()
    return _import(row) if row is not None else None


def claim(tx: Session, found: Import, holder: str, now: dt.datetime) -> bool:
    """Takes the next step of an import on, and counts the attempt. Returns False when somebody else was faster."""
    statement = sa.update(imports).where(
        imports.c.import_id == found.import_id, imports.c.state == found.state, _free(holder, now)
    )
    claimed = statement.values(
        holder=holder, held_until=now + LEASE, attempts=imports.c.attempts + 1, updated_at=now
    ).returning(imports.c.import_id)
    return tx.execute(claimed).first() is not None


def hold(tx: Session, found: Import, holder: str, now: dt.datetime) -> None:
    """Makes sure, in a transaction that writes what a step came to, that the import is still this process' to work on.

    Raises:
        LeaseLost: it is not.
    """
    statement = sa.update(imports).where(
        imports.c.import_id == found.import_id, imports.c.state == found.state, imports.c.holder == holder
    )
    kept = statement.values(held_until=now + LEASE, attempts=0, updated_at=now).returning(imports.c.import_id)
    if tx.execute(kept).first() is None:
        raise LeaseLost


def add(tx: Session, import_id: str, **changes: int) -> None:
    """Adds to counts of an import."""
    values = {name: imports.c[name] + change for name, change in changes.items()}
    tx.execute(sa.update(imports).where(imports.c.import_id == import_id).values(values))


def release_all(tx: Session) -> None:
    """Lets go of every import: on SQLite no other process can be at work on one when a service starts."""
    tx.execute(sa.update(imports).where(imports.c.holder != "").values(holder="", held_until=_NEVER))


def _free(holder: str, now: dt.datetime) -> sa.ColumnElement[bool]:
    return sa.or_(imports.c.holder.in_(["", holder]), imports.c.held_until < now)


def _theirs(user_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return imports.c.user_id == user_id, imports.c.state != State.RECEIVING


def _values(made: Import) -> dict[str, Any]:
    return {name: getattr(made, name) for name in _NAMES}


def _import(row: Mapping[Any, Any]) -> Import:
    values = {name: row[name] for name in _NAMES}
    values["state"] = State(values["state"])
    return Import(**values)
