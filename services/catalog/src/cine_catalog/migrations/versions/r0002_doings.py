"""What people here did with films.

Revision ID: catalog0002
Revises: catalog0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db import UtcDateTime

revision = "catalog0002"
down_revision = "catalog0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "doings",
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("doing_id", sa.String(64), nullable=False),
        sa.Column("movie_id", sa.Integer, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("halves", sa.SmallInteger, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("told_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("kind", "doing_id", name="pk_doings"),
    )
    op.create_index("ix_doings_movie_id_day", "doings", ["movie_id", "day"])
    op.create_index("ix_doings_told_at", "doings", ["told_at"])


def downgrade() -> None:
    """Drops the table; the feed of Ratings fills it again."""
    op.drop_table("doings")
