"""Signing keys in the store, the private halves sealed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_identity.store.schema import signing_keys


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key as the store holds it.

    Attributes:
        kid: its id, at most 40 characters.
        public_jwk: public half as JSON, for people who look into the store; what is published comes from the sealed half.
        private_jwk: the whole key, sealed.
        created_at: when it was made and published.
        sign_from: from when it signs.
        retire_at: when it leaves the published set; None while it has no successor.
    """

    kid: str
    public_jwk: str
    private_jwk: str = field(repr=False)
    created_at: dt.datetime
    sign_from: dt.datetime
    retire_at: dt.datetime | None = None


def all_keys(tx: Session) -> list[StoredKey]:
    """Returns every key in the order they sign."""
    query = sa.select(signing_keys).order_by(signing_keys.c.sign_from, signing_keys.c.kid)
    return [StoredKey(**row) for row in tx.execute(query).mappings()]


def insert(tx: Session, key: StoredKey) -> None:
    """Adds a key."""
    tx.execute(sa.insert(signing_keys), {name: getattr(key, name) for name in StoredKey.__dataclass_fields__})


def retire(tx: Session, kid: str, at: dt.datetime) -> None:
    """Has a key leave the published set at a moment; one that was set before stays."""
    waiting = sa.update(signing_keys).where(signing_keys.c.kid == kid, signing_keys.c.retire_at.is_(None))
    tx.execute(waiting.values(retire_at=at))


def delete(tx: Session, kids: Collection[str]) -> None:
    """Removes keys."""
    tx.execute(sa.delete(signing_keys).where(signing_keys.c.kid.in_(kids)))
