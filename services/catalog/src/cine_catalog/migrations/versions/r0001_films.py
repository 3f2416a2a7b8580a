"""Films and imports.

Revision ID: catalog0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db import UtcDateTime

revision = "catalog0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "films",
        sa.Column("movie_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("etag", sa.String(24), nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("movie_id", name="pk_films"),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("data_version", sa.String(128), nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("imported_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_imports"),
    )


def downgrade() -> None:
    """Drops the tables; the films can be imported again."""
    op.drop_table("imports")
    op.drop_table("films")
