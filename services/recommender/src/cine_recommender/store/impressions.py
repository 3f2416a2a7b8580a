"""Answers that were given, in the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from cine_recommender.domain.impression import Impression
from cine_recommender.store import Transaction
from cine_recommender.store.schema import impressions
from cinemesh.db import upsert

Row = dict[str, Any]
_PRUNE_STEP: Final = 500
_SAME: Final = (
    "user_id",
    "request_id",
    "created_at",
    "model",
    "profile",
    "rung",
    "experiment_id",
    "variant",
    "degraded_reason",
)


def row_of(impression: Impression) -> Row:
    """Returns the row of an answer; works out its details, which may take a while."""
    return {
        **{name: getattr(impression, name) for name in _SAME},
        "movie_ids": np.asarray(impression.movie_ids, dtype="<i4").tobytes(),
        "details": impression.details(),
    }


def keep(tx: Transaction, rows: Sequence[Row]) -> None:
    """Keeps rows; the same person's answer of the same id is replaced. None twice among them."""
    upsert(tx, impressions, rows, key=["user_id", "request_id"])


def find(tx: Transaction, user_id: str, request_id: str, since: dt.datetime) -> Impression | None:
    """Returns an answer that a person got, no older than `since`; None when there is none."""
    query = sa.select(impressions).where(
        impressions.c.user_id == user_id, impressions.c.request_id == request_id, impressions.c.created_at >= since
    )
    row = tx.execute(query).mappings().one_or_none()
    if row is None:
        return None
    details = row["details"]
    return Impression(movie_ids=_ids(row), details=lambda: details, **{name: row[name] for name in _SAME})


def forget(tx: Transaction, user_id: str) -> None:
    """Drops the answers that a person got."""
    tx.execute(sa.delete(impressions).where(impressions.c.user_id == user_id))


def prune(tx: Transaction, before: dt.datetime) -> int:
    """Drops some answers given before a moment. Returns how many."""
    key = (impressions.c.user_id, impressions.c.request_id)
    oldest = sa.select(*key).where(impressions.c.created_at < before).order_by(impressions.c.created_at)
    done: Any = tx.execute(sa.delete(impressions).where(sa.tuple_(*key).in_(oldest.limit(_PRUNE_STEP))))
    return int(done.rowcount)


def _ids(row: Mapping[Any, Any]) -> tuple[int, ...]:
    return tuple(np.frombuffer(row["movie_ids"], dtype="<i4").tolist())
