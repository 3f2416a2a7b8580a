"""The audit log of models.

Revision ID: recommender0002
Revises: recommender0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db import UtcDateTime

revision = "recommender0002"
down_revision = "recommender0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "model_acts",
        sa.Column("act_id", sa.String(26), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("version", sa.String(80), nullable=False),
        sa.Column("replaced_version", sa.String(80), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("act_id", name="pk_model_acts"),
    )
