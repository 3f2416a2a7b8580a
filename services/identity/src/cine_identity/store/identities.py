"""Identities at other providers, in the store: keyed on issuer and subject alone."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_identity.domain.oauth import Identity
from cine_identity.store.schema import identities

_FIELDS = tuple(field.name for field in dataclasses.fields(Identity))


def _of_row(row: Any) -> Identity:
    return Identity(**{name: row[name] for name in _FIELDS})


def insert(tx: Session, identity: Identity) -> None:
    """Links an identity.

    Raises:
        ConstraintViolated: it opens an account already (`uq_identities_issuer_subject`).
    """
    values = {name: getattr(identity, name) for name in _FIELDS}
    tx.execute(sa.insert(identities), values)


def find(tx: Session, issuer: str, subject: str) -> Identity | None:
    """Returns the identity that a provider means."""
    query = sa.select(identities).where(identities.c.issuer == issuer, identities.c.subject == subject)
    row = tx.execute(query).mappings().one_or_none()
    return _of_row(row) if row is not None else None


def of_account(tx: Session, user_id: str) -> list[Identity]:
    """Returns the identities of an account, first linked first."""
    query = sa.select(identities).where(identities.c.user_id == user_id).order_by(identities.c.identity_id)
    return [_of_row(row) for row in tx.execute(query).mappings()]


def used(tx: Session, identity_id: str, label: str, now: dt.datetime) -> None:
    """Notes a use, and what the provider calls the person now."""
    statement = sa.update(identities).where(identities.c.identity_id == identity_id)
    tx.execute(statement.values(last_used_at=now, label=label))


def remove(tx: Session, user_id: str, identity_id: str) -> Identity | None:
    """Unlinks an identity of an account and returns it; None when the account has no such identity."""
    own = (identities.c.user_id == user_id, identities.c.identity_id == identity_id)
    row = tx.execute(sa.select(identities).where(*own)).mappings().one_or_none()
    if row is None:
        return None
    tx.execute(sa.delete(identities).where(*own))
    return _of_row(row)
