"""Accounts and the audit log as administrators look through them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_identity.domain.account import ADMIN, Account, email_key, username_key
from cine_identity.store import accounts as account_rows
from cine_identity.store.schema import accounts, audit, passkeys, sessions, totp
from cinemesh.db import UtcDateTime

_NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
Position = list[str]
"""Where a page starts: the keys of the last row of the page before."""


@dataclass(frozen=True, slots=True)
class ManagedAccount:
    """An account with what an administrator sees beside it.

    Attributes:
        account: the account.
        second_factor: whether signing in asks for a second factor.
        live_sessions: number of sessions that could still be used.
    """

    account: Account
    second_factor: bool
    live_sessions: int


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts, in which order.

    Attributes:
        text: part of a user name or address, or a whole id; empty for all.
        role: role held; empty for any.
        state: `active`, `unverified` or `disabled`; empty for any.
        order: `newest`, `oldest`, `username` or `last_login`.
    """

    text: str = ""
    role: str = ""
    state: str = ""
    order: str = "newest"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries of the audit log.

    Attributes:
        actor_id: account that acted; empty for any.
        user_id: account acted upon; empty for any.
        action: what was done; empty for anything.
        since: first moment; None for any.
        until: moment after the last; None for any.
        about: account that acted or was acted upon; empty for any.
    """

    actor_id: str = ""
    user_id: str = ""
    action: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry; see `store.audit.record`."""

    audit_id: str
    at: dt.datetime
    actor_id: str
    actor_username: str
    action: str
    user_id: str
    outcome: str
    detail: str
    ip_address: str
    call_id: str

    @property
    def position(self) -> Position:
        """Its place in the order of the log."""
        return [self.at.isoformat(), self.audit_id]


@dataclass(frozen=True, slots=True)
class _Order:
    column: sa.ColumnElement[Any]
    descending: bool
    position: Callable[[Account], str]
    value: Callable[[str], Any]


def _moment(account: Account) -> str:
    return account.created_at.isoformat()


def _last_seen(account: Account) -> str:
    return (account.last_login_at or _NEVER).isoformat()


_LAST_LOGIN: sa.ColumnElement[Any] = sa.func.coalesce(accounts.c.last_login_at, sa.literal(_NEVER, UtcDateTime()))
_ORDERS = {
    "newest": _Order(accounts.c.created_at, True, _moment, dt.datetime.fromisoformat),
    "oldest": _Order(accounts.c.created_at, False, _moment, dt.datetime.fromisoformat),
    "username": _Order(accounts.c.username_key, False, lambda account: username_key(account.username), str),
    "last_login": _Order(sa.type_coerce(_LAST_LOGIN, UtcDateTime()), True, _last_seen, dt.datetime.fromisoformat),
}


def find(tx: Session, wanted: AccountFilter, limit: int, after: Position | None) -> list[Account]:
    """Returns at most `limit` accounts that follow a position."""
    order = _ORDERS[wanted.order]
    query = sa.select(accounts).where(*_matching(wanted))
    if after is not None:
        query = query.where(
            _beyond(order.column, accounts.c.user_id, order.value(after[0]), after[1], order.descending)
        )
    columns = (order.column, accounts.c.user_id)
    query = query.order_by(*(column.desc() if order.descending else column.asc() for column in columns)).limit(limit)
    return [account_rows.of_row(row) for row in tx.execute(query).mappings()]


def position(account: Account, order: str) -> Position:
    """Returns the place of an account in an order."""
    return [_ORDERS[order].position(account), account.user_id]


def count(tx: Session, wanted: AccountFilter) -> int:
    """Returns how many accounts match."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(accounts).where(*_matching(wanted))).scalar_one())


def managed(
    tx: Session,
    found: Sequence[Account],
    now: dt.datetime,
    idle: dt.timedelta,
    wanted: Callable[[Account], bool],
) -> list[ManagedAccount]:
    """Returns accounts with what an administrator sees beside them, in the same order.

    Args:
        tx: the transaction.
        found: the accounts.
        now: the present moment.
        idle: life of a session that is not used.
        wanted: whether an account must have a second factor; signing in to it then asks for its passkeys.
    """
    ids = [account.user_id for account in found]
    protected = set(tx.execute(sa.select(totp.c.user_id).where(totp.c.user_id.in_(ids))).scalars())
    keyed = passkeys.c.user_id.in_([account.user_id for account in found if wanted(account)])
    protected |= set(tx.execute(sa.select(passkeys.c.user_id).where(keyed).distinct()).scalars())
    lively = (
        sa.select(sessions.c.user_id, sa.func.count())
        .where(sessions.c.user_id.in_(ids), sessions.c.revoked_at.is_(None))
        .where(sessions.c.expires_at > now, sessions.c.last_used_at > now - idle)
        .group_by(sessions.c.user_id)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in tx.execute(lively)}
    return [ManagedAccount(account, account.user_id in protected, counts.get(account.user_id, 0)) for account in found]


def lock_administrators(tx: Session) -> frozenset[str]:
    """Returns the ids of those who can act as administrators, and keeps everybody else from changing that meanwhile.

    Call it before any other row is locked: then two acts that would each leave the other's administrator never both pass.
    """
    query = (
        sa.select(accounts.c.user_id)
        .where(_holds(ADMIN), accounts.c.disabled.is_(False), accounts.c.email_verified.is_(True))
        .order_by(accounts.c.user_id)
        .with_for_update()
    )
    return frozenset(tx.execute(query).scalars())


def named(tx: Session, names: Collection[str]) -> list[Account]:
    """Returns the accounts with one of these user names or addresses."""
    if not names:
        return []
    by_name = accounts.c.username_key.in_([username_key(name) for name in names])
    by_address = accounts.c.email_key.in_([email_key(name) for name in names])
    query = sa.select(accounts).where(sa.or_(by_name, by_address)).order_by(accounts.c.user_id)
    return [account_rows.of_row(row) for row in tx.execute(query).mappings()]


def entries(tx: Session, wanted: AuditFilter, limit: int, after: Position | None) -> list[AuditEntry]:
    """Returns at most `limit` entries of the audit log that follow a position, latest first."""
    query = sa.select(audit)
    if wanted.actor_id:
        query = query.where(audit.c.actor_id == wanted.actor_id)
    if wanted.user_id:
        query = query.where(audit.c.user_id == wanted.user_id)
    if wanted.about:
        query = query.where(sa.or_(audit.c.user_id == wanted.about, audit.c.actor_id == wanted.about))
    if wanted.action:
        query = query.where(audit.c.action == wanted.action)
    if wanted.since is not None:
        query = query.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(audit.c.at < wanted.until)
    if after is not None:
        moment = dt.datetime.fromisoformat(after[0])
        query = query.where(_beyond(audit.c.at, audit.c.audit_id, moment, after[1], descending=True))
    query = query.order_by(audit.c.at.desc(), audit.c.audit_id.desc()).limit(limit)
    return [AuditEntry(**row) for row in tx.execute(query).mappings()]


def _matching(wanted: AccountFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.text:
        conditions.append(
            sa.or_(
                accounts.c.username_key.contains(username_key(wanted.text), autoescape=True),
                accounts.c.email_key.contains(email_key(wanted.text), autoescape=True),
                accounts.c.user_id == wanted.text.upper(),
            )
        )
    if wanted.role:
        conditions.append(_holds(wanted.role))
    if wanted.state == "disabled":
        conditions.append(accounts.c.disabled.is_(True))
    elif wanted.state:
        conditions.append(accounts.c.disabled.is_(False))
        conditions.append(accounts.c.email_verified.is_(wanted.state == "active"))
    return conditions


def _holds(role: str) -> sa.ColumnElement[bool]:
    # a list of a few fixed words, as text on both databases
    return sa.cast(accounts.c.roles, sa.Text).contains(f'"{role}"')


def _beyond(
    first: sa.ColumnElement[Any], second: sa.ColumnElement[Any], value: Any, tie: str, descending: bool
) -> sa.ColumnElement[bool]:
    if descending:
        return sa.or_(first < value, sa.and_(first == value, second < tie))
    return sa.or_(first > value, sa.and_(first == value, second > tie))
