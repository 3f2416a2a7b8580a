"""Lists in the store. Lock a list (`by_id(…, lock=True)`) before anything on it changes."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from cine_watchlist.domain.access import Role, Visibility
from cine_watchlist.domain.lists import MovieList
from cine_watchlist.store.schema import invitations, list_comments, lists, members

_FIELDS = tuple(field.name for field in dataclasses.fields(MovieList))
Position = list[str]
"""Where a page starts: the keys of the last list of the page before."""


def of_row(row: RowMapping) -> MovieList:
    """Returns the list a row describes."""
    values = {name: row[name] for name in _FIELDS}
    return MovieList(**{**values, "visibility": Visibility(values["visibility"])})


def insert(tx: Session, made: MovieList) -> None:
    """Adds a list; who owns it becomes its first member."""
    tx.execute(sa.insert(lists), {name: getattr(made, name) for name in _FIELDS})
    owner = {
        "list_id": made.list_id,
        "user_id": made.owner_id,
        "role": Role.OWNER.value,
        "joined_at": made.created_at,
    }
    tx.execute(sa.insert(members), owner)


def by_id(tx: Session, list_id: str, *, lock: bool = False) -> MovieList | None:
    """Returns a list; with `lock`, nobody else changes it or what is on it until this transaction ends."""
    return _one(tx, lists.c.list_id == list_id, lock=lock)


def by_digest(tx: Session, digest: str) -> MovieList | None:
    """Returns the list whose link has this digest."""
    return _one(tx, lists.c.share_digest == digest)


def _one(tx: Session, condition: sa.ColumnElement[bool], *, lock: bool = False) -> MovieList | None:
    query = sa.select(lists).where(condition)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return of_row(row) if row is not None else None


def update(tx: Session, changed: MovieList) -> None:
    """Writes a list's own fields. Lock it first."""
    values = {name: getattr(changed, name) for name in _FIELDS if name not in ("list_id", "owner_id", "created_at")}
    tx.execute(sa.update(lists).where(lists.c.list_id == changed.list_id).values(values))


def touch(tx: Session, list_id: str, now: dt.datetime, grown: int = 0) -> int:
    """Notes that a list's films changed, and by how many they grew. Returns how many there are."""
    values = {"updated_at": now, "item_count": lists.c.item_count + grown}
    statement = sa.update(lists).where(lists.c.list_id == list_id).values(values).returning(lists.c.item_count)
    return int(tx.execute(statement).scalar_one())


def delete(tx: Session, list_ids: Collection[str]) -> None:
    """Deletes lists with everything on them."""
    tx.execute(sa.delete(lists).where(lists.c.list_id.in_(list_ids)))


def owned_count(tx: Session, owner_id: str) -> int:
    """Returns how many lists somebody owns."""
    query = sa.select(sa.func.count()).select_from(lists).where(lists.c.owner_id == owner_id)
    return int(tx.execute(query).scalar_one())


def owned(tx: Session, owner_id: str, *, lock: bool = False) -> list[MovieList]:
    """Returns every list somebody owns, oldest first."""
    query = sa.select(lists).where(lists.c.owner_id == owner_id).order_by(lists.c.list_id)
    return [of_row(row) for row in tx.execute(query.with_for_update() if lock else query).mappings()]


def owned_named(tx: Session, owner_id: str, name: str) -> MovieList | None:
    """Returns the oldest list of a name that somebody owns, locked."""
    query = sa.select(lists).where(lists.c.owner_id == owner_id, lists.c.name == name)
    row = tx.execute(query.order_by(lists.c.list_id).limit(1).with_for_update()).mappings().one_or_none()
    return of_row(row) if row is not None else None


def is_bare(tx: Session, list_id: str) -> bool:
    """Returns whether nobody but its owner had anything to do with a list: no members, invitations or comments, and no link."""
    nobody = [
        sa.not_(sa.exists().where(table.c.list_id == list_id, *more))
        for table, more in (
            (members, [members.c.role != Role.OWNER.value]),
            (invitations, []),
            (list_comments, []),
            (lists, [lists.c.share_digest.is_not(None)]),
        )
    ]
    return bool(tx.execute(sa.select(sa.and_(*nobody))).scalar_one())


def page(tx: Session, user_id: str, role: Role, limit: int, after: Position | None) -> list[MovieList]:
    """Returns at most `limit` lists somebody has a role in, last changed first.

    Args:
        tx: the transaction.
        user_id: who.
        role: the role; NONE for any.
        limit: most lists.
        after: position of the last list of the page before; see `position`.
    """
    query = sa.select(lists).select_from(_mine()).where(*_in_role(user_id, role))
    if after is not None:
        moment: Any = dt.datetime.fromisoformat(after[0])
        same = sa.and_(lists.c.updated_at == moment, lists.c.list_id < after[1])
        query = query.where(sa.or_(lists.c.updated_at < moment, same))
    query = query.order_by(lists.c.updated_at.desc(), lists.c.list_id.desc()).limit(limit)
    return [of_row(row) for row in tx.execute(query).mappings()]


def position(one: MovieList) -> Position:
    """Returns the place of a list in the order of `page`."""
    return [one.updated_at.isoformat(), one.list_id]


def count(tx: Session, user_id: str, role: Role) -> int:
    """Returns how many lists somebody has a role in; NONE for any role."""
    query = sa.select(sa.func.count()).select_from(_mine()).where(*_in_role(user_id, role))
    return int(tx.execute(query).scalar_one())


def _mine() -> sa.FromClause:
    return members.join(lists, lists.c.list_id == members.c.list_id)


def _in_role(user_id: str, role: Role) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [members.c.user_id == user_id]
    if role is not Role.NONE:
        conditions.append(members.c.role == role.value)
    return conditions
