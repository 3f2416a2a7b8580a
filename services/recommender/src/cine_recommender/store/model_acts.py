"""The audit log of models: who changed which model serves, and why. Never changed."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from ulid import ULID

from cine_recommender.store import Transaction
from cine_recommender.store.schema import metadata
from cinemesh import context
from cinemesh.db import UtcDateTime

model_acts = sa.Table(
    "model_acts",
    metadata,
    sa.Column("act_id", sa.String(26), primary_key=True),  # sorts by time
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor_id", sa.String(64), nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(60), nullable=False),
    sa.Column("version", sa.String(80), nullable=False),
    sa.Column("replaced_version", sa.String(80), nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("call_id", sa.String(64), nullable=False),
)


def record_rollback(
    tx: Transaction, actor_id: str, kind: str, version: str, replaced_version: str, reason: str, now: dt.datetime
) -> None:
    """Adds to the audit log that a model was gone back to, in the caller's transaction.

    Args:
        tx: the transaction.
        actor_id: who did it.
        kind: kind of model.
        version: what serves now.
        replaced_version: what served before.
        reason: why, in their words.
        now: when.
    """
    _record(tx, "model.rollback", actor_id, kind, version, replaced_version, reason, now)


def record_promotion(
    tx: Transaction, actor_id: str, kind: str, version: str, replaced_version: str, reason: str, now: dt.datetime
) -> None:
    """Adds to the audit log that a model was promoted, in the caller's transaction.

    Args:
        tx: the transaction.
        actor_id: who asked for its training; empty for nobody.
        kind: kind of model.
        version: what serves now.
        replaced_version: what served before; empty for none.
        reason: which training it came of.
        now: when.
    """
    _record(tx, "model.promote", actor_id, kind, version, replaced_version, reason, now)


def _record(
    tx: Transaction,
    action: str,
    actor_id: str,
    kind: str,
    version: str,
    replaced_version: str,
    reason: str,
    now: dt.datetime,
) -> None:
    row = {
        "act_id": str(ULID()),
        "at": now,
        "actor_id": actor_id,
        "action": action,
        "kind": kind,
        "version": version,
        "replaced_version": replaced_version,
        "reason": reason,
        "call_id": context.current().request_id[:64],
    }
    tx.execute(sa.insert(model_acts), row)
