"""Answers by request id, and how far projections have come.

Revision ID: mesh0002
Revises: mesh0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db.schema import UtcDateTime

revision = "mesh0002"
down_revision = "mesh0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "request_effect",
        sa.Column("caller", sa.String(64), primary_key=True),
        sa.Column("method", sa.String(100), primary_key=True),
        sa.Column("request_id", sa.String(64), primary_key=True),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_request_effect_created_at", "request_effect", ["created_at"])
    op.create_table(
        "projection",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("filled_at", UtcDateTime, nullable=True),
        sa.Column("wanted", sa.String(128), nullable=False),
        sa.Column("wanted_at", UtcDateTime, nullable=True),
        sa.Column("holder", sa.String(26), nullable=False),
        sa.Column("held_until", UtcDateTime, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("projection")
    op.drop_table("request_effect")
