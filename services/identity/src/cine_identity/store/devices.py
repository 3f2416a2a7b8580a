"""Devices that an account was signed in from before: they are let in while others are kept waiting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_identity.store.schema import devices
from cinemesh.db import upsert


def known(tx: Session, user_id: str, digests: Collection[str]) -> bool:
    """Returns whether the account was signed in from one of these devices."""
    query = sa.select(devices.c.device_digest).where(devices.c.user_id == user_id, devices.c.device_digest.in_(digests))
    return tx.execute(query).first() is not None


def known_among(tx: Session, user_id: str, digests: Collection[str]) -> frozenset[str]:
    """Returns those of these devices that the account was signed in from."""
    query = sa.select(devices.c.device_digest).where(devices.c.user_id == user_id, devices.c.device_digest.in_(digests))
    return frozenset(tx.execute(query).scalars())


def remember(tx: Session, user_id: str, digests: Collection[str], now: dt.datetime) -> None:
    """Notes a sign-in from a device."""
    rows = [{"user_id": user_id, "device_digest": digest, "last_seen_at": now} for digest in sorted(set(digests))]
    upsert(tx, devices, rows, key=["user_id", "device_digest"])


def forget(tx: Session, user_id: str) -> None:
    """Forgets every device of an account, after a reset of its password."""
    tx.execute(sa.delete(devices).where(devices.c.user_id == user_id))


def prune(tx: Session, before: dt.datetime) -> int:
    """Deletes devices not seen since a moment. Returns how many."""
    done: Any = tx.execute(sa.delete(devices).where(devices.c.last_seen_at < before))
    return int(done.rowcount)
