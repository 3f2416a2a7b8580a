"""Accounts in the store."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from cine_identity.domain.account import Account, email_key, username_key
from cine_identity.store.schema import accounts, identities, passkeys, reserved_usernames, tickets
from cinemesh.db import upsert

_FIELDS = tuple(field.name for field in dataclasses.fields(Account))


def of_row(row: RowMapping) -> Account:
    """Returns the account a row describes."""
    values = {name: row[name] for name in _FIELDS}
    values["roles"] = tuple(values["roles"])
    return Account(**values)


def insert(tx: Session, account: Account) -> None:
    """Adds an account.

    Raises:
        ConstraintViolated: its name or address has an account (`uq_accounts_username_key`, `uq_accounts_email_key`).
    """
    values = {name: getattr(account, name) for name in _FIELDS}
    keys = {"username_key": username_key(account.username), "email_key": email_key(account.email)}
    tx.execute(sa.insert(accounts), {**values, **keys, "roles": list(account.roles)})


def by_id(tx: Session, user_id: str, *, lock: bool = False) -> Account | None:
    """Returns an account; with `lock`, nobody else changes it until this transaction ends."""
    return _one(tx, accounts.c.user_id == user_id, lock=lock)


def by_username(tx: Session, username: str) -> Account | None:
    """Returns the account of a user name, whatever its case."""
    return _one(tx, accounts.c.username_key == username_key(username))


def by_email(tx: Session, email: str) -> Account | None:
    """Returns the account of an address."""
    return _one(tx, accounts.c.email_key == email_key(email))


def _one(tx: Session, condition: sa.ColumnElement[bool], *, lock: bool = False) -> Account | None:
    query = sa.select(accounts).where(condition)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return of_row(row) if row is not None else None


def update(tx: Session, user_id: str, **changes: Any) -> bool:
    """Changes columns of an account and its version. Returns whether there is such an account."""
    if "roles" in changes:
        changes["roles"] = list(changes["roles"])
    if "username" in changes:
        changes["username_key"] = username_key(changes["username"])
    if "email" in changes:
        changes["email_key"] = email_key(changes["email"])
    statement = sa.update(accounts).where(accounts.c.user_id == user_id)
    done: Any = tx.execute(statement.values(**changes, version=accounts.c.version + 1))
    return bool(done.rowcount)


def seen(tx: Session, user_id: str, now: dt.datetime) -> None:
    """Notes a sign-in; no change that an etag would tell of."""
    tx.execute(sa.update(accounts).where(accounts.c.user_id == user_id).values(last_login_at=now))


def delete(tx: Session, user_id: str) -> bool:
    """Deletes an account and everything that belongs to it. Returns whether there was one."""
    done: Any = tx.execute(sa.delete(accounts).where(accounts.c.user_id == user_id))
    return bool(done.rowcount)


def username_taken(tx: Session, username: str, now: dt.datetime) -> bool:
    """Returns whether a user name belongs to an account or is reserved."""
    key = username_key(username)
    tx.execute(sa.delete(reserved_usernames).where(reserved_usernames.c.until <= now))
    taken = sa.select(accounts.c.user_id).where(accounts.c.username_key == key)
    reserved = sa.select(reserved_usernames.c.username_key).where(reserved_usernames.c.username_key == key)
    return tx.execute(taken).first() is not None or tx.execute(reserved).first() is not None


def reserve_username(tx: Session, username: str, until: dt.datetime) -> None:
    """Keeps a user name from being taken for a while."""
    row = {"username_key": username_key(username), "until": until}
    upsert(tx, reserved_usernames, [row], key=["username_key"])


def free_username(tx: Session, username: str) -> None:
    """Ends the reservation of a user name."""
    tx.execute(sa.delete(reserved_usernames).where(reserved_usernames.c.username_key == username_key(username)))


def abandoned(tx: Session, before: dt.datetime, now: dt.datetime, limit: int) -> list[str]:
    """Returns accounts opened before a moment that nobody can open any more: never verified, and no link to do so is left.

    Accounts with another way to sign in are none of them.
    """
    a = accounts.c
    link = sa.exists().where(tickets.c.user_id == a.user_id, tickets.c.expires_at > now)
    other = sa.or_(
        sa.exists().where(identities.c.user_id == a.user_id), sa.exists().where(passkeys.c.user_id == a.user_id)
    )
    query = sa.select(a.user_id).where(a.email_verified.is_(False), a.disabled.is_(False), a.last_login_at.is_(None))
    query = query.where(a.created_at < before, ~link, ~other).order_by(a.user_id).limit(limit)
    return list(tx.execute(query).scalars())
