"""What people prefer, in the store."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from cine_recommender.domain.preferences import Preferences
from cine_recommender.store import Transaction
from cine_recommender.store.schema import preferences
from cinemesh.db import upsert

_OF: sa.Select[Any] = sa.select(preferences).where(preferences.c.user_id == sa.bindparam("whose"))


def of(tx: Transaction, user_id: str) -> Preferences | None:
    """Returns what a person prefers; None when nothing was told, or only what was kept before `recommender0005`."""
    row = tx.execute(_OF, {"whose": user_id}).one_or_none()
    return None if row is None or row.services is None else _read(row)


def of_sharing(tx: Transaction, user_id: str) -> Preferences | None:
    """Returns what somebody prefers who lets others use their taste, as far as it was told; None for anybody else."""
    row = tx.execute(_OF, {"whose": user_id}).one_or_none()
    return None if row is None or not row.share_taste else _read(row)


def note(tx: Transaction, user_id: str, told: Preferences, told_at: dt.datetime) -> None:
    """Keeps what was told, unless something newer is kept."""
    # what is kept in part is made whole by what Identity answers, which bears the time of a change a moment before its event
    newest = sa.select(preferences.c.told_at).where(
        preferences.c.user_id == user_id, preferences.c.services.is_not(None)
    )
    before = tx.execute(newest).scalar_one_or_none()
    if before is not None and before > told_at:
        return
    row = {
        "user_id": user_id,
        "preferred_genres": list(told.preferred_genres),
        "excluded_genres": list(told.excluded_genres),
        "services": list(told.services),
        "languages": list(told.languages),
        "year_min": told.year_min,
        "year_max": told.year_max,
        "runtime_max": told.runtime_max,
        "share_taste": told.share_taste,
        "told_at": told_at,
    }
    upsert(tx, preferences, [row], key=["user_id"])


def forget(tx: Transaction, user_id: str) -> None:
    """Drops what a person prefers."""
    tx.execute(sa.delete(preferences).where(preferences.c.user_id == user_id))


def forget_all(tx: Transaction) -> None:
    """Drops everything: what is kept may be out of date."""
    tx.execute(sa.delete(preferences))


def _read(row: Any) -> Preferences:
    return Preferences(
        preferred_genres=tuple(row.preferred_genres),
        excluded_genres=tuple(row.excluded_genres),
        services=tuple(row.services or ()),
        languages=tuple(row.languages or ()),
        year_min=row.year_min or 0,
        year_max=row.year_max or 0,
        runtime_max=row.runtime_max or 0,
        share_taste=row.share_taste,
    )
