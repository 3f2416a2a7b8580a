"""Rows of the table "person"."""

from __future__ import annotations

import datetime as dt
import functools
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cinemesh.db import upsert

UNVERIFIED: Final = "unverified"
ACTIVE: Final = "active"
DISABLED: Final = "disabled"
DELETED: Final = "deleted"
_EVER_SINCE: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def username_key(username: str) -> str:
    """Returns the form in which user names are compared, as Identity does it."""
    return unicodedata.normalize("NFKC", username).casefold()[:64]


def _row(user_id: str, username: str, display_name: str, state: str, at: dt.datetime) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "username": username,
        "username_key": username_key(username),
        "display_name": display_name,
        "state": state,
        "changed_at": at,
    }


def register(
    session: Session, table: sa.Table, user_id: str, username: str, display_name: str, at: dt.datetime
) -> None:
    """Adds a person whose address is not proven yet; who is there already stays as they are."""
    row = _row(user_id, username, display_name, UNVERIFIED, at)
    upsert(session, table, [row], key=["user_id"], update=[])


def rename(session: Session, table: sa.Table, user_id: str, username: str, display_name: str, at: dt.datetime) -> None:
    """Changes the names of a person, unless a later change was applied already or the account is gone."""
    upsert(session, table, [_row(user_id, username, display_name, ACTIVE, _EVER_SINCE)], key=["user_id"], update=[])
    names = {"username": username, "username_key": username_key(username), "display_name": display_name}
    older = sa.update(table).where(table.c.user_id == user_id, table.c.changed_at <= at, table.c.state != DELETED)
    session.execute(older.values(**names, changed_at=at))


def set_state(session: Session, table: sa.Table, user_id: str, state: str, *, before: Collection[str]) -> None:
    """Moves a person who is in one of the states `before` to another; one who was never heard of is added without a name."""
    upsert(session, table, [_row(user_id, "", "", state, _EVER_SINCE)], key=["user_id"], update=[])
    session.execute(sa.update(table).where(table.c.user_id == user_id, table.c.state.in_(before)).values(state=state))


def bury(session: Session, table: sa.Table, user_id: str, at: dt.datetime) -> None:
    """Takes the names off a person who left. The id stays for a while, so that nothing that is late brings them back."""
    upsert(session, table, [_row(user_id, "", "", DELETED, at)], key=["user_id"])


def add_missing(session: Session, table: sa.Table, people: Iterable[Any]) -> None:
    """Adds people as Identity names them (`PublicUser`); of those who are there, only ones without a name are named."""
    rows = [_row(one.user_id, one.username, one.display_name, ACTIVE, _EVER_SINCE) for one in people]
    upsert(session, table, rows, key=["user_id"], update=[])
    for row in rows:
        nameless = sa.update(table).where(
            table.c.user_id == row["user_id"], table.c.username == "", table.c.state != DELETED
        )
        session.execute(
            nameless.values(
                username=row["username"], username_key=row["username_key"], display_name=row["display_name"]
            )
        )


def unnamed(session: Session, table: sa.Table, user_ids: Collection[str]) -> list[str]:
    """Returns those of the ids whose names were never heard."""
    wanted = sorted(set(user_ids))
    heard = sa.select(table.c.user_id).where(
        table.c.user_id.in_(wanted), sa.or_(table.c.username != "", table.c.state == DELETED)
    )
    there = set(session.execute(heard).scalars())
    return [user_id for user_id in wanted if user_id not in there]


def names(session: Session, table: sa.Table, user_ids: Collection[str]) -> dict[str, str]:
    """Returns user names by id; people who left or are unknown are missing."""
    wanted = sa.select(table.c.user_id, table.c.username).where(
        table.c.user_id.in_(set(user_ids)), table.c.username != ""
    )
    return dict(session.execute(wanted).tuples().all())


def id_of(session: Session, table: sa.Table, username: str) -> str | None:
    """Returns the id of the open account of that name, in any case."""
    found = sa.select(table.c.user_id).where(
        table.c.username_key == username_key(username), table.c.username != "", table.c.state == ACTIVE
    )
    return session.execute(found.order_by(table.c.changed_at.desc()).limit(1)).scalar_one_or_none()


def is_gone(session: Session, table: sa.Table, user_id: str) -> bool:
    """Returns whether a person left; holds their row against leaving until the end of the transaction."""
    held, whose = _held(table), {"whose": user_id}
    state: str | None = session.execute(held, whose).scalar_one_or_none()
    if state is None:
        # there must be a row to hold
        upsert(session, table, [_row(user_id, "", "", ACTIVE, _EVER_SINCE)], key=["user_id"], update=[])
        state = session.execute(held, whose).scalar_one()
    return state == DELETED


@functools.lru_cache(maxsize=64)
def _held(table: sa.Table) -> sa.Select[tuple[str]]:
    # part of nearly every write: made once
    return sa.select(table.c.state).where(table.c.user_id == sa.bindparam("whose")).with_for_update(read=True)


def page(session: Session, table: sa.Table, after: str, limit: int) -> Sequence[str]:
    """Returns ids of people who did not leave, in order, after one."""
    some = sa.select(table.c.user_id).where(table.c.user_id > after, table.c.state != DELETED)
    return session.execute(some.order_by(table.c.user_id).limit(limit)).scalars().all()


def drop_buried(session: Session, table: sa.Table, before: dt.datetime) -> int:
    """Deletes the ids of people who left before a moment. Returns how many."""
    old = sa.delete(table).where(table.c.state == DELETED, table.c.changed_at < before)
    return len(session.execute(old.returning(table.c.user_id)).all())
