"""Passkeys in the store."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from cine_identity.domain.passkeys import Passkey
from cine_identity.store.schema import passkeys

_FIELDS = tuple(field.name for field in dataclasses.fields(Passkey))


def _of_row(row: RowMapping) -> Passkey:
    return Passkey(**{**{name: row[name] for name in _FIELDS}, "transports": tuple(row["transports"])})


def insert(tx: Session, passkey: Passkey) -> None:
    """Adds a passkey.

    Raises:
        ConstraintViolated: its credential belongs to an account (`uq_passkeys_credential_id`).
    """
    values = {name: getattr(passkey, name) for name in _FIELDS}
    tx.execute(sa.insert(passkeys), {**values, "transports": list(passkey.transports)})


def of_account(tx: Session, user_id: str) -> list[Passkey]:
    """Returns the passkeys of an account, first added first."""
    query = sa.select(passkeys).where(passkeys.c.user_id == user_id).order_by(passkeys.c.passkey_id)
    return [_of_row(row) for row in tx.execute(query).mappings()]


def by_credential(tx: Session, credential_id: bytes) -> Passkey | None:
    """Returns the passkey that an authenticator calls by this id."""
    row = tx.execute(sa.select(passkeys).where(passkeys.c.credential_id == credential_id)).mappings().one_or_none()
    return _of_row(row) if row is not None else None


def count(tx: Session, user_id: str) -> int:
    """Returns how many passkeys an account has."""
    query = sa.select(sa.func.count()).select_from(passkeys).where(passkeys.c.user_id == user_id)
    return int(tx.execute(query).scalar_one())


def used(tx: Session, passkey: Passkey, *, sign_count: int, synced: bool, now: dt.datetime) -> bool:
    """Notes a use, if nobody used the passkey since it was read (compare-and-swap on the counter). Returns whether it did."""
    statement = sa.update(passkeys).where(
        passkeys.c.passkey_id == passkey.passkey_id, passkeys.c.sign_count == passkey.sign_count
    )
    done: Any = tx.execute(statement.values(sign_count=sign_count, synced=synced, last_used_at=now))
    return bool(done.rowcount)


def remove(tx: Session, user_id: str, passkey_id: str) -> Passkey | None:
    """Removes a passkey of an account and returns it; None when the account has no such passkey."""
    own = (passkeys.c.user_id == user_id, passkeys.c.passkey_id == passkey_id)
    row = tx.execute(sa.select(passkeys).where(*own)).mappings().one_or_none()
    if row is None:
        return None
    tx.execute(sa.delete(passkeys).where(*own))
    return _of_row(row)


def remove_all(tx: Session, user_id: str) -> bool:
    """Removes every passkey of an account. Returns whether there was one."""
    done: Any = tx.execute(sa.delete(passkeys).where(passkeys.c.user_id == user_id))
    return bool(done.rowcount)
