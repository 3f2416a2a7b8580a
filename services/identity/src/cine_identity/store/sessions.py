"""Sessions in the store."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session as Transaction

from cine_identity.domain.session import Session
from cine_identity.store.schema import sessions

_FIELDS = tuple(field.name for field in dataclasses.fields(Session))


def _of_row(row: Any) -> Session:
    return Session(**{name: row[name] for name in _FIELDS})


def insert(tx: Transaction, session: Session) -> None:
    """Adds a session."""
    tx.execute(sa.insert(sessions), {name: getattr(session, name) for name in _FIELDS})


def by_id(tx: Transaction, session_id: str) -> Session | None:
    """Returns a session, also one that has ended."""
    row = tx.execute(sa.select(sessions).where(sessions.c.session_id == session_id)).mappings().one_or_none()
    return _of_row(row) if row is not None else None


def rotate(tx: Transaction, session: Session, *, refresh_digest: str, now: dt.datetime, ip_address: str) -> bool:
    """Moves a session to its next generation, if it still is at the one given and lives (compare-and-swap).

    Returns whether it moved; another call may have been quicker.
    """
    statement = (
        sa.update(sessions)
        .where(sessions.c.session_id == session.session_id)
        .where(sessions.c.generation == session.generation)
        .where(sessions.c.revoked_at.is_(None))
        .values(
            generation=session.generation + 1,
            refresh_digest=refresh_digest,
            rotated_at=now,
            last_used_at=now,
            ip_address=ip_address or session.ip_address,
        )
    )
    done: Any = tx.execute(statement)
    return bool(done.rowcount)


def live(tx: Transaction, user_id: str, now: dt.datetime, idle: dt.timedelta) -> list[Session]:
    """Returns the live sessions of an account, last used first."""
    return [_of_row(row) for row in tx.execute(_live(user_id, now, idle)).mappings()]


def _live(user_id: str, now: dt.datetime, idle: dt.timedelta) -> sa.Select[Any]:
    return (
        sa.select(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
        .where(sessions.c.expires_at > now, sessions.c.last_used_at > now - idle)
        .order_by(sessions.c.last_used_at.desc(), sessions.c.session_id.desc())
    )


def page(
    tx: Transaction,
    user_id: str,
    now: dt.datetime,
    idle: dt.timedelta,
    limit: int,
    after: tuple[dt.datetime, str] | None,
) -> list[Session]:
    """Returns at most `limit` live sessions of an account that follow a position, last used first."""
    query = _live(user_id, now, idle).limit(limit)
    if after is not None:
        moment, session_id = after
        older = sessions.c.last_used_at < moment
        tie = sa.and_(sessions.c.last_used_at == moment, sessions.c.session_id < session_id)
        query = query.where(sa.or_(older, tie))
    return [_of_row(row) for row in tx.execute(query).mappings()]


def count(tx: Transaction, user_id: str, now: dt.datetime, idle: dt.timedelta) -> int:
    """Returns how many live sessions an account has."""
    found = _live(user_id, now, idle).order_by(None).subquery()
    return int(tx.execute(sa.select(sa.func.count()).select_from(found)).scalar_one())


def revoke(tx: Transaction, session_id: str, now: dt.datetime) -> bool:
    """Ends a session. Returns whether it lived."""
    statement = sa.update(sessions).where(sessions.c.session_id == session_id, sessions.c.revoked_at.is_(None))
    done: Any = tx.execute(statement.values(revoked_at=now))
    return bool(done.rowcount)


def revoke_all(tx: Transaction, user_id: str, now: dt.datetime, *, keep: str = "") -> int:
    """Ends every session of an account but `keep`. Returns how many lived."""
    statement = sa.update(sessions).where(sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
    done: Any = tx.execute(statement.where(sessions.c.session_id != keep).values(revoked_at=now))
    return int(done.rowcount)


def prune(tx: Transaction, before: dt.datetime, idle: dt.timedelta) -> int:
    """Deletes sessions that were over before a moment: a replay of their tokens is refused all the same. Returns how many."""
    unused = sessions.c.last_used_at < before - idle
    over = sa.or_(sessions.c.expires_at < before, sessions.c.revoked_at < before, unused)
    done: Any = tx.execute(sa.delete(sessions).where(over))
    return int(done.rowcount)
