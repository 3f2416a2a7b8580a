"""Letters that wait for the mail server; sealed, and gone once it took them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from ulid import ULID

from cine_identity.store.schema import letters
from cinemesh.db import after_commit


@dataclass(frozen=True, slots=True)
class QueuedLetter:
    """A letter that waits.

    Attributes:
        letter_id: ULID, also what its content is sealed to.
        sealed: the letter.
        attempts: how often it was tried.
        created_at: when it was written.
    """

    letter_id: str
    sealed: str = field(repr=False)
    attempts: int
    created_at: dt.datetime


def new_id() -> str:
    """Returns the id of a letter, before it is sealed to it."""
    return str(ULID())


def insert(tx: Session, letter_id: str, sealed: str, now: dt.datetime, committed: Any = None) -> None:
    """Adds a letter to the caller's transaction; `committed()` runs once it is kept."""
    row = {
        "letter_id": letter_id,
        "sealed": sealed,
        "attempts": 0,
        "created_at": now,
        "next_attempt_at": now,
        "last_error": "",
    }
    tx.execute(sa.insert(letters), row)
    if committed is not None:
        after_commit(tx, committed)


def due(tx: Session, now: dt.datetime, limit: int, claim: dt.timedelta) -> Sequence[QueuedLetter]:
    """Returns letters whose time has come, and keeps other replicas off them for `claim`."""
    query = sa.select(letters).where(letters.c.next_attempt_at <= now).order_by(letters.c.letter_id).limit(limit)
    rows = tx.execute(query.with_for_update(skip_locked=True)).mappings().all()
    ids = [row["letter_id"] for row in rows]
    if ids:
        held = sa.update(letters).where(letters.c.letter_id.in_(ids))
        tx.execute(held.values(next_attempt_at=now + claim, attempts=letters.c.attempts + 1))
    return [QueuedLetter(row["letter_id"], row["sealed"], row["attempts"] + 1, row["created_at"]) for row in rows]


def remove(tx: Session, letter_id: str) -> None:
    """Removes a letter that was sent, or given up."""
    tx.execute(sa.delete(letters).where(letters.c.letter_id == letter_id))


def postpone(tx: Session, letter_id: str, until: dt.datetime, error: str) -> None:
    """Puts a letter off; `error` is in words and without addresses."""
    changed = sa.update(letters).where(letters.c.letter_id == letter_id)
    tx.execute(changed.values(next_attempt_at=until, last_error=error[:200]))


def outlook(tx: Session) -> tuple[int, dt.datetime | None]:
    """Returns how many letters wait, and from when the next one may be tried; None when none waits."""
    query = sa.select(sa.func.count(), sa.func.min(letters.c.next_attempt_at, type_=letters.c.next_attempt_at.type))
    row = tx.execute(query).one()
    return int(row[0]), row[1]
