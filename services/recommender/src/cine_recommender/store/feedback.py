"""Feedback in the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from cine_recommender.domain.feedback import Change, Feedback
from cine_recommender.store import Transaction
from cine_recommender.store.schema import feedback
from cinemesh.db import upsert

Position = list[str]
"""Where a page starts: time and id of the last feedback of the page before."""

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_TICK: Final = dt.timedelta(microseconds=1)
_SAME: Final = (
    "feedback_id",
    "user_id",
    "movie_id",
    "kind",
    "recommendation_request_id",
    "rank",
    "reason",
    "created_at",
    "holds",
)


def of_film(tx: Transaction, user_id: str, movie_id: int) -> list[Feedback]:
    """Returns everything a person said of a film, whether it holds or not."""
    query = sa.select(feedback).where(feedback.c.user_id == user_id, feedback.c.movie_id == movie_id)
    return [_of_row(row) for row in tx.execute(query).mappings()]


def by_id(tx: Transaction, feedback_id: str) -> Feedback | None:
    """Returns a feedback; None when there is none."""
    row = tx.execute(sa.select(feedback).where(feedback.c.feedback_id == feedback_id)).mappings().one_or_none()
    return _of_row(row) if row is not None else None


def all_of(tx: Transaction, user_id: str) -> list[Feedback]:
    """Returns everything a person said."""
    query = sa.select(feedback).where(feedback.c.user_id == user_id).order_by(feedback.c.feedback_id)
    return [_of_row(row) for row in tx.execute(query).mappings()]


def apply(tx: Transaction, change: Change) -> None:
    """Keeps a change. Take the person's turn before what it is made from is read."""
    if change.removed:
        doomed = [one.feedback_id for one in change.removed]
        tx.execute(sa.delete(feedback).where(feedback.c.feedback_id.in_(doomed)))
    upsert(tx, feedback, [_row(one) for one in change.kept], key=["feedback_id"])


def page(tx: Transaction, user_id: str, kind: str, limit: int, after: Position | None) -> list[Feedback]:
    """Returns at most `limit` of a person's feedback that holds, newest first, from a position on; an empty kind means any."""
    query = sa.select(feedback).where(*_listed(user_id, kind))
    if after is not None:
        moment, feedback_id = dt.datetime.fromisoformat(after[0]), after[1]
        older = feedback.c.created_at < moment
        query = query.where(
            sa.or_(older, sa.and_(feedback.c.created_at == moment, feedback.c.feedback_id < feedback_id))
        )
    query = query.order_by(feedback.c.created_at.desc(), feedback.c.feedback_id.desc()).limit(limit)
    return [_of_row(row) for row in tx.execute(query).mappings()]


def position(last: Feedback) -> Position:
    """Returns where the page starts that follows a feedback."""
    return [last.created_at.isoformat(), last.feedback_id]


def count(tx: Transaction, user_id: str, kind: str) -> int:
    """Returns how many `page` lists over all pages."""
    query = sa.select(sa.func.count()).select_from(feedback).where(*_listed(user_id, kind))
    return int(tx.execute(query).scalar_one())


def forget(tx: Transaction, user_id: str) -> None:
    """Drops everything a person said."""
    tx.execute(sa.delete(feedback).where(feedback.c.user_id == user_id))


def _listed(user_id: str, kind: str) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [feedback.c.user_id == user_id, feedback.c.holds.is_(True)]
    return [*conditions, feedback.c.kind == kind] if kind else conditions


def _of_row(row: Mapping[Any, Any]) -> Feedback:
    return Feedback(said_at=_EPOCH + row["said_at"] * _TICK, **{name: row[name] for name in _SAME})


def _row(one: Feedback) -> dict[str, Any]:
    return {"said_at": (one.said_at - _EPOCH) // _TICK, **{name: getattr(one, name) for name in _SAME}}
