"""What people prefer.

Revision ID: recommender0003
Revises: recommender0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db import StringList, UtcDateTime

revision = "recommender0003"
down_revision = "recommender0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "preferences",
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("preferred_genres", StringList, nullable=False),
        sa.Column("excluded_genres", StringList, nullable=False),
        sa.Column("share_taste", sa.Boolean, nullable=False),
        sa.Column("told_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_preferences"),
    )
