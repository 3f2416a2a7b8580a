"""Failures in a row by account and by address, in the store so that a restart forgives nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_identity.store.schema import throttles
from cinemesh.db import upsert


def blocked_until(tx: Session, keys: Sequence[str], now: dt.datetime) -> dict[str, dt.datetime]:
    """Returns when each of these keys is free again; keys that are free now are left out.

    A failure that nothing waits for blocks nobody, whatever `now` is: another call, or another replica, may have read its clock
    a moment before that failure was noted.
    """
    query = sa.select(throttles.c.key, throttles.c.blocked_until)
    waits = throttles.c.blocked_until > throttles.c.last_failed_at
    rows = tx.execute(query.where(throttles.c.key.in_(keys), waits, throttles.c.blocked_until > now))
    return {row.key: row.blocked_until for row in rows}


def failures(tx: Session, key: str, since: dt.datetime) -> int:
    """Returns the failures in a row of a key, 0 when the last was before `since`."""
    query = sa.select(throttles.c.failures).where(throttles.c.key == key, throttles.c.last_failed_at >= since)
    return tx.execute(query).scalar_one_or_none() or 0


def fail(tx: Session, key: str, count: int, now: dt.datetime, until: dt.datetime) -> None:
    """Notes the failure number `count` of a key, which is blocked until `until`."""
    row = {"key": key, "failures": count, "last_failed_at": now, "blocked_until": until}
    upsert(tx, throttles, [row], key=["key"])


def forgive(tx: Session, key: str) -> None:
    """Forgets the failures of a key."""
    tx.execute(sa.delete(throttles).where(throttles.c.key == key))


def prune(tx: Session, before: dt.datetime) -> int:
    """Deletes keys whose last failure was before a moment. Returns how many."""
    done: Any = tx.execute(sa.delete(throttles).where(throttles.c.last_failed_at < before))
    return int(done.rowcount)
