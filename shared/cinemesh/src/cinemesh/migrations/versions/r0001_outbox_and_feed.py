"""Outbox, and what consumers of a feed remember.

Revision ID: mesh0001
Revises:
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

from cinemesh.db.schema import UtcDateTime, Xid8

revision = "mesh0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    xid = Xid8().with_variant(sa.BigInteger, "sqlite")
    op.create_table(
        "outbox",
        sa.Column("id", big, sa.Identity(always=True), primary_key=True),
        sa.Column("xid", xid, server_default=sa.text("pg_current_xact_id()" if postgres else "0"), nullable=False),
        sa.Column("event_id", sa.String(26), nullable=False),
        sa.Column("type", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("time", UtcDateTime, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("traceparent", sa.String(64), nullable=False),
        # never hand out an id again after pruning, or a cursor would point behind events it has not seen
        sqlite_autoincrement=True,
    )
    if postgres:
        op.create_index("ix_outbox_xid_id", "outbox", ["xid", "id"])
    state = op.create_table(
        "outbox_state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("epoch", sa.String(12), nullable=False),
    )
    op.bulk_insert(state, [{"id": 1, "epoch": secrets.token_hex(6)}])
    op.create_table(
        "outbox_pruned",
        sa.Column("type", sa.String(200), primary_key=True),
        sa.Column("xid", xid, nullable=False),
        sa.Column("id", big, nullable=False),
    )
    op.create_table(
        "feed_cursor",
        sa.Column("consumer", sa.String(100), primary_key=True),
        sa.Column("cursor", sa.String(64), nullable=False),
        sa.Column("event_time", UtcDateTime, nullable=True),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "feed_parked",
        sa.Column("consumer", sa.String(100), primary_key=True),
        sa.Column("event_id", sa.String(26), primary_key=True),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.Column("error", sa.String(500), nullable=False),
        sa.Column("parked_at", UtcDateTime, nullable=False),
    )


def downgrade() -> None:
    for table in ("feed_parked", "feed_cursor", "outbox_pruned", "outbox_state", "outbox"):
        op.drop_table(table)
