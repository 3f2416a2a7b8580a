"""Comments in the store, in reading order."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_ratings.domain.comment import Comment, Place
from cine_ratings.domain.written import Text
from cine_ratings.store.review_tables import comments


def insert(tx: Session, comment: Comment) -> None:
    """Adds a comment. Lock its review first."""
    tx.execute(sa.insert(comments), _row(comment))


def by_id(tx: Session, comment_id: str) -> Comment | None:
    """Returns a comment; None when there is none. Lock its review before it is changed, then read it again."""
    row = tx.execute(sa.select(comments).where(comments.c.comment_id == comment_id)).mappings().one_or_none()
    return _comment(row) if row is not None else None


def of_review(tx: Session, review_id: str, limit: int, after: str) -> list[Comment]:
    """Returns at most `limit` comments on a review in reading order, whose path is above one; all for an empty one."""
    query = sa.select(comments).where(comments.c.review_id == review_id, comments.c.path > after)
    return [_comment(row) for row in tx.execute(query.order_by(comments.c.path).limit(limit)).mappings()]


def count_of_review(tx: Session, review_id: str) -> int:
    """Returns how many comments a review has, those of which only the place is left included."""
    query = sa.select(sa.func.count()).select_from(comments).where(comments.c.review_id == review_id)
    return int(tx.execute(query).scalar_one())


def put(tx: Session, comment: Comment) -> None:
    """Keeps a comment as it is now. Lock its review first."""
    row = _row(comment)
    tx.execute(sa.update(comments).where(comments.c.comment_id == row.pop("comment_id")).values(**row))


def delete(tx: Session, comment_id: str) -> None:
    """Removes a comment that nobody answered."""
    tx.execute(sa.delete(comments).where(comments.c.comment_id == comment_id))


def answered(tx: Session, comment_id: str, change: int) -> Comment | None:
    """Counts an answer to a comment more, or less. Returns the comment after that; None when there is none."""
    more = sa.update(comments).where(comments.c.comment_id == comment_id)
    more = more.values(reply_count=comments.c.reply_count + change)
    row = tx.execute(more.returning(comments)).mappings().one_or_none()
    return _comment(row) if row is not None else None


def _comment(row: Mapping[Any, Any]) -> Comment:
    values = {name: row[name] for name in _NAMES}
    place, text = Place(row["path"], row["depth"]), Text(row["body_markdown"], row["body_html"])
    return Comment(place=place, text=text, **values)


def _row(comment: Comment) -> dict[str, Any]:
    values = {name: getattr(comment, name) for name in _NAMES}
    values |= {"path": comment.place.path, "depth": comment.place.depth}
    return {**values, "body_markdown": comment.text.markdown, "body_html": comment.text.html}


_NAMES: Sequence[str] = [field.name for field in dataclasses.fields(Comment) if field.name not in {"place", "text"}]
