"""Ratings, the diary and what is counted of them; copies of films and people.

Revision ID: rate0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db import StringList, UtcDateTime
from cinemesh.projections import create_film_table, create_person_table

revision = "rate0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    create_film_table(op)
    create_person_table(op)
    op.create_table(
        "ratings",
        sa.Column("rating_id", sa.String(26), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("movie_id", sa.Integer, nullable=False),
        sa.Column("overall", sa.SmallInteger, nullable=False),
        sa.Column("plot", sa.SmallInteger),
        sa.Column("acting", sa.SmallInteger),
        sa.Column("cinematography", sa.SmallInteger),
        sa.Column("soundtrack", sa.SmallInteger),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("rating_id", name="pk_ratings"),
        sa.UniqueConstraint("user_id", "movie_id", name="uq_ratings_user_id_movie_id"),
    )
    op.create_index("ix_ratings_newest", "ratings", ["user_id", "updated_at", "rating_id"])
    op.create_table(
        "rating_counts",
        sa.Column("movie_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("dimension", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("halves", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("movie_id", "dimension", "halves", name="pk_rating_counts"),
    )
    op.create_table(
        "film_counts",
        sa.Column("movie_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("review_count", sa.Integer, nullable=False),
        sa.Column("watch_count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("movie_id", name="pk_film_counts"),
    )
    op.create_table(
        "diary",
        sa.Column("entry_id", sa.String(26), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("movie_id", sa.Integer, nullable=False),
        sa.Column("watched_on", sa.Date, nullable=False),
        sa.Column("rewatch", sa.Boolean, nullable=False),
        sa.Column("overall", sa.SmallInteger),
        sa.Column("notes", sa.String(2000), nullable=False),
        sa.Column("tags", StringList, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_diary"),
    )
    op.create_index("ix_diary_day", "diary", ["user_id", "watched_on", "entry_id"])
    op.create_index("ix_diary_film", "diary", ["user_id", "movie_id"])


def downgrade() -> None:
    """Drops the tables."""
    for table in ("diary", "film_counts", "rating_counts", "ratings", "person", "film"):
        op.drop_table(table)
