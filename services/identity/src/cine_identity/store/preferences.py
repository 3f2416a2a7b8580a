"""Preferences in the store. An account that never wrote any has those of a new one."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_identity.domain.account import Account
from cine_identity.domain.preferences import Preferences, Taste
from cine_identity.store.schema import preferences
from cinemesh.db import upsert


def of(tx: Session, account: Account) -> Preferences:
    """Returns the preferences of an account."""
    query = sa.select(preferences).where(preferences.c.user_id == account.user_id)
    row = tx.execute(query).mappings().one_or_none()
    if row is None:
        return Preferences(account.user_id, Taste(), account.created_at)
    return Preferences(account.user_id, Taste.of_document(row["document"]), row["updated_at"], row["version"])


def put(tx: Session, user_id: str, taste: Taste, version: int, now: dt.datetime) -> None:
    """Keeps preferences as the version after `version`. Lock the account first."""
    row = {"user_id": user_id, "document": taste.document(), "updated_at": now, "version": version + 1}
    upsert(tx, preferences, [row], key=["user_id"])
