"""Tickets: whatever may be used once, within some time. Kept as digests."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from ulid import ULID

from cine_identity.store.schema import tickets

MOST_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket.

    Attributes:
        ticket_id: ULID.
        kind: what it opens: `verify_email`, `reset_password`, `second_factor`, `totp_enrolment`, `oauth`, `passkey_registration`,
            `passkey_login`.
        subject: what it is bound to, such as an address or a session; may be empty.
        user_id: whose it is; None where nobody is known yet.
        data: further facts; no secrets unless sealed.
        attempts: wrong codes so far.
        expires_at: end of its time.
    """

    ticket_id: str
    kind: str
    subject: str
    user_id: str | None
    data: dict[str, Any] = field(repr=False)
    attempts: int
    expires_at: dt.datetime


_COLUMNS = (
    tickets.c.ticket_id,
    tickets.c.kind,
    tickets.c.subject,
    tickets.c.user_id,
    tickets.c.data,
    tickets.c.attempts,
    tickets.c.expires_at,
)


def issue(
    tx: Session,
    kind: str,
    *,
    token_digest: str,
    now: dt.datetime,
    lifetime: dt.timedelta,
    user_id: str | None = None,
    subject: str = "",
    data: dict[str, Any] | None = None,
    code_digest: str = "",
    code_lifetime: dt.timedelta | None = None,
    replace: bool = False,
) -> str:
    """Adds a ticket and returns its id; with `replace`, older ones of the same kind and subject die."""
    if replace:
        tx.execute(sa.delete(tickets).where(tickets.c.kind == kind, tickets.c.subject == subject))
    ticket_id = str(ULID())
    row = {
        "ticket_id": ticket_id,
        "kind": kind,
        "token_digest": token_digest,
        "code_digest": code_digest,
        "subject": subject,
        "user_id": user_id,
        "data": data or {},
        "attempts": 0,
        "created_at": now,
        "code_expires_at": now + code_lifetime if code_lifetime is not None else None,
        "expires_at": now + lifetime,
        "used_at": None,
    }
    tx.execute(sa.insert(tickets), row)
    return ticket_id


def find(tx: Session, kind: str, token_digest: str, now: dt.datetime) -> Ticket | None:
    """Returns a ticket that could be used now; it stays usable."""
    query = sa.select(*_COLUMNS).where(tickets.c.token_digest == token_digest, *_usable(kind, now))
    return _one(tx, query)


def latest(tx: Session, kind: str, subject: str, now: dt.datetime) -> Ticket | None:
    """Returns the newest usable ticket of a kind that is bound to a subject."""
    return next(iter(newest_first(tx, kind, subject, now, 1)), None)


def newest_first(tx: Session, kind: str, subject: str, now: dt.datetime, limit: int) -> list[Ticket]:
    """Returns at most `limit` usable tickets of a kind that are bound to a subject."""
    query = sa.select(*_COLUMNS).where(tickets.c.subject == subject, *_usable(kind, now))
    rows = tx.execute(query.order_by(tickets.c.ticket_id.desc()).limit(limit))
    return [Ticket(**row) for row in rows.mappings()]


def waiting(tx: Session, kind: str, now: dt.datetime, limit: int) -> list[Ticket]:
    """Returns the oldest usable tickets of a kind: `spend` each before it is acted upon, for another replica may see it too."""
    query = sa.select(*_COLUMNS).where(*_usable(kind, now)).order_by(tickets.c.ticket_id).limit(limit)
    return [Ticket(**row) for row in tx.execute(query).mappings()]


def use(tx: Session, kind: str, token_digest: str, now: dt.datetime) -> Ticket | None:
    """Uses a ticket up and returns it; None when it is unknown, used or too old. One caller alone gets it."""
    ticket = find(tx, kind, token_digest, now)
    return ticket if ticket is not None and spend(tx, ticket.ticket_id, now) else None


def use_code(tx: Session, kind: str, subject: str, code_digest: str, now: dt.datetime) -> Ticket | None:
    """Uses up the newest ticket of a subject by its code; a wrong code counts against it, and too many kill it."""
    query = sa.select(*_COLUMNS, tickets.c.code_digest).where(
        tickets.c.subject == subject, tickets.c.code_digest != "", tickets.c.code_expires_at > now, *_usable(kind, now)
    )
    row = tx.execute(query.order_by(tickets.c.ticket_id.desc()).limit(1).with_for_update()).mappings().one_or_none()
    if row is None:
        return None
    if row["code_digest"] != code_digest:
        failed(tx, row["ticket_id"])
        return None
    values = {name: row[name] for name in Ticket.__dataclass_fields__}
    return Ticket(**values) if spend(tx, row["ticket_id"], now) else None


def spend(tx: Session, ticket_id: str, now: dt.datetime) -> bool:
    """Uses a ticket up (compare-and-swap). Returns whether this call did it."""
    statement = sa.update(tickets).where(tickets.c.ticket_id == ticket_id, tickets.c.used_at.is_(None))
    done: Any = tx.execute(statement.values(used_at=now))
    return bool(done.rowcount)


def failed(tx: Session, ticket_id: str) -> None:
    """Counts a wrong code; at `MOST_ATTEMPTS` the ticket is no longer usable."""
    tx.execute(sa.update(tickets).where(tickets.c.ticket_id == ticket_id).values(attempts=tickets.c.attempts + 1))


def discard(tx: Session, kind: str, *, user_id: str) -> None:
    """Kills every ticket of a kind that an account has."""
    tx.execute(sa.delete(tickets).where(tickets.c.kind == kind, tickets.c.user_id == user_id))


def prune(tx: Session, before: dt.datetime) -> int:
    """Deletes tickets whose time was over before a moment. Returns how many."""
    done: Any = tx.execute(sa.delete(tickets).where(tickets.c.expires_at < before))
    return int(done.rowcount)


def _usable(kind: str, now: dt.datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        tickets.c.kind == kind,
        tickets.c.used_at.is_(None),
        tickets.c.expires_at > now,
        tickets.c.attempts < MOST_ATTEMPTS,
    )


def _one(tx: Session, query: sa.Select[Any]) -> Ticket | None:
    row = tx.execute(query).mappings().one_or_none()
    return Ticket(**row) if row is not None else None
