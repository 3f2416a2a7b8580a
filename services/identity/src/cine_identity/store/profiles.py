"""Profiles in the store. An account that never wrote one has an empty one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_identity.domain.account import Account
from cine_identity.domain.profile import Person, Profile, person
from cine_identity.store import accounts as account_rows
from cine_identity.store.schema import accounts, profiles
from cinemesh.db import upsert

_KEPT = (
    "bio",
    "avatar_url",
    "location",
    "website_url",
    "favourite_movie_ids",
    "public_fields",
    "updated_at",
    "version",
)
_LISTS = frozenset({"favourite_movie_ids", "public_fields"})


def of(tx: Session, account: Account) -> Profile:
    """Returns the profile of an account."""
    row = tx.execute(sa.select(profiles).where(profiles.c.user_id == account.user_id)).mappings().one_or_none()
    return _profile(account, row)


def _profile(account: Account, row: Any) -> Profile:
    if row is None:
        return Profile(account.user_id, account.display_name, account.created_at)
    values: dict[str, Any] = {name: tuple(row[name]) if name in _LISTS else row[name] for name in _KEPT}
    return Profile(account.user_id, account.display_name, **values)


def put(tx: Session, profile: Profile, now: dt.datetime) -> None:
    """Keeps a profile, its display name included, and moves it to its next version. Lock the account first."""
    values = {name: list(getattr(profile, name)) if name in _LISTS else getattr(profile, name) for name in _KEPT}
    row = {"user_id": profile.user_id, **values, "updated_at": now, "version": profile.version + 1}
    upsert(tx, profiles, [row], key=["user_id"])
    renamed = sa.update(accounts).where(
        accounts.c.user_id == profile.user_id, accounts.c.display_name != profile.display_name
    )
    tx.execute(renamed.values(display_name=profile.display_name, version=accounts.c.version + 1))


def people(tx: Session, user_ids: Sequence[str]) -> list[Person]:
    """Returns what other services may know of these accounts; those that do not exist are left out."""
    wanted = sorted(set(user_ids))
    found = tx.execute(sa.select(accounts).where(accounts.c.user_id.in_(wanted))).mappings().all()
    written = tx.execute(sa.select(profiles).where(profiles.c.user_id.in_(wanted))).mappings()
    rows = {row["user_id"]: row for row in written}
    holders = [account_rows.of_row(row) for row in found]
    return [person(account, _profile(account, rows.get(account.user_id))) for account in holders]
