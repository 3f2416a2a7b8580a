"""Trainings: asked for, at work, and what came of them.

Revision ID: recommender0004
Revises: recommender0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db import StringList, UtcDateTime

revision = "recommender0004"
down_revision = "recommender0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "trainings",
        sa.Column("training_id", sa.String(26), nullable=False),
        sa.Column("slot", sa.SmallInteger, nullable=True),
        sa.Column("night", sa.String(16), nullable=True),
        sa.Column("kinds", StringList, nullable=False),
        sa.Column("force", sa.Boolean, nullable=False),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("percent", sa.SmallInteger, nullable=False),
        sa.Column("outcomes", sa.Text, nullable=False),
        sa.Column("switching", sa.Boolean, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=True),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("holder", sa.String(26), nullable=False),
        sa.Column("held_until", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("training_id", name="pk_trainings"),
        sa.UniqueConstraint("slot", name="uq_trainings_slot"),
        sa.UniqueConstraint("night", name="uq_trainings_night"),
    )
