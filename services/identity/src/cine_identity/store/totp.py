"""Authenticator apps and recovery codes in the store. A code is spent by one caller alone (compare-and-swap)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_identity.domain.totp import Authenticator
from cine_identity.store.schema import recovery_codes, totp

_FIELDS = tuple(field.name for field in dataclasses.fields(Authenticator))


def of(tx: Session, user_id: str, *, lock: bool = False) -> Authenticator | None:
    """Returns the authenticator of an account; with `lock`, nobody else tries a code until this transaction ends."""
    query = sa.select(totp).where(totp.c.user_id == user_id)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return Authenticator(**{name: row[name] for name in _FIELDS}) if row is not None else None


def insert(tx: Session, authenticator: Authenticator) -> None:
    """Adds the authenticator of an account.

    Raises:
        ConstraintViolated: the account has one.
    """
    tx.execute(sa.insert(totp), {name: getattr(authenticator, name) for name in _FIELDS})


def advance(tx: Session, authenticator: Authenticator, step: int) -> bool:
    """Spends the codes up to a step. Returns whether this call did it: not when they are spent or the secret is another by now."""
    statement = sa.update(totp).where(
        totp.c.user_id == authenticator.user_id, totp.c.secret == authenticator.secret, totp.c.last_step < step
    )
    done: Any = tx.execute(statement.values(last_step=step))
    return bool(done.rowcount)


def remove(tx: Session, user_id: str) -> bool:
    """Removes the authenticator of an account and its recovery codes. Returns whether there was one."""
    tx.execute(sa.delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    done: Any = tx.execute(sa.delete(totp).where(totp.c.user_id == user_id))
    return bool(done.rowcount)


def replace_recovery_codes(tx: Session, user_id: str, digests: Sequence[str]) -> None:
    """Puts codes in the place of all that an account had."""
    tx.execute(sa.delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    rows = [{"user_id": user_id, "code_digest": digest, "used_at": None} for digest in digests]
    tx.execute(sa.insert(recovery_codes), rows)


def use_recovery_code(tx: Session, user_id: str, digest: str, now: dt.datetime) -> bool:
    """Spends a recovery code. Returns whether this call did it: not when it is unknown or spent."""
    statement = sa.update(recovery_codes).where(
        recovery_codes.c.user_id == user_id,
        recovery_codes.c.code_digest == digest,
        recovery_codes.c.used_at.is_(None),
    )
    done: Any = tx.execute(statement.values(used_at=now))
    return bool(done.rowcount)


def recovery_codes_left(tx: Session, user_id: str) -> int:
    """Returns how many recovery codes an account has that were not used."""
    query = sa.select(sa.func.count()).select_from(recovery_codes)
    unused = query.where(recovery_codes.c.user_id == user_id, recovery_codes.c.used_at.is_(None))
    return int(tx.execute(unused).scalar_one())
