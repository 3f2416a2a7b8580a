"""What people prefer, in the store."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from cine_recommender.domain.preferences import Preferences
from cine_recommender.store import Transaction
from cine_recommender.store.schema import preferences
from cinemesh.db import upsert

_OF: sa.Select[tuple[list[str], list[str], bool]] = sa.select(
    preferences.c.preferred_genres, preferences.c.excluded_genres, preferences.c.share_taste
).where(preferences.c.user_id == sa.bindparam("whose"))


def of(tx: Transaction, user_id: str) -> Preferences | None:
    """Returns what a person prefers; None when nothing was told."""
    row = tx.execute(_OF, {"whose": user_id}).one_or_none()
    return None if row is None else Preferences(tuple(row[0]), tuple(row[1]), row[2])


def note(tx: Transaction, user_id: str, told: Preferences, told_at: dt.datetime) -> None:
    """Keeps what was told, unless something newer is kept."""
    newest = sa.select(preferences.c.told_at).where(preferences.c.user_id == user_id)
    before = tx.execute(newest).scalar_one_or_none()
    if before is not None and before > told_at:
        return
    row = {
        "user_id": user_id,
        "preferred_genres": list(told.preferred_genres),
        "excluded_genres": list(told.excluded_genres),
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
