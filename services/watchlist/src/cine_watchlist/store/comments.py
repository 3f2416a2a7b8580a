"""Comments on lists."""

from __future__ import annotations

import dataclasses

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from cine_watchlist.domain.lists import Comment
from cine_watchlist.store.schema import list_comments

_FIELDS = tuple(field.name for field in dataclasses.fields(Comment))


def _of_row(row: RowMapping) -> Comment:
    return Comment(**{name: row[name] for name in _FIELDS})


def insert(tx: Session, comment: Comment) -> None:
    """Adds a comment."""
    tx.execute(sa.insert(list_comments), {name: getattr(comment, name) for name in _FIELDS})


def by_id(tx: Session, list_id: str, comment_id: str) -> Comment | None:
    """Returns a comment on a list."""
    query = sa.select(list_comments).where(list_comments.c.list_id == list_id, list_comments.c.comment_id == comment_id)
    row = tx.execute(query).mappings().one_or_none()
    return _of_row(row) if row is not None else None


def delete(tx: Session, comment_id: str) -> None:
    """Deletes a comment."""
    tx.execute(sa.delete(list_comments).where(list_comments.c.comment_id == comment_id))


def page(tx: Session, list_id: str, limit: int, after: str | None) -> list[Comment]:
    """Returns at most `limit` comments that follow one, oldest first: their ids grow with time."""
    query = sa.select(list_comments).where(list_comments.c.list_id == list_id)
    if after is not None:
        query = query.where(list_comments.c.comment_id > after)
    query = query.order_by(list_comments.c.comment_id).limit(limit)
    return [_of_row(row) for row in tx.execute(query).mappings()]


def count(tx: Session, list_id: str) -> int:
    """Returns how many comments a list has."""
    query = sa.select(sa.func.count()).select_from(list_comments).where(list_comments.c.list_id == list_id)
    return int(tx.execute(query).scalar_one())


def forget_author(tx: Session, user_id: str) -> None:
    """Takes the name of a deleted account off its comments; they stay."""
    tx.execute(sa.update(list_comments).where(list_comments.c.user_id == user_id).values(user_id=""))
