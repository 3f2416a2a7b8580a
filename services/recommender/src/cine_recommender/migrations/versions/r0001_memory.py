"""What people did and said, and what they were shown; copies of films and people.

Revision ID: recommender0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db import UtcDateTime
from cinemesh.projections import create_film_table, create_person_table

revision = "recommender0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String(26)
_USER = sa.String(64)


def upgrade() -> None:
    """Creates the tables."""
    create_film_table(op)
    create_person_table(op)
    op.create_table(
        "doings",
        sa.Column("source", sa.String(9), nullable=False),
        sa.Column("source_id", sa.String(64), nullable=False),
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("movie_id", sa.Integer, nullable=False),
        sa.Column("halves", sa.SmallInteger, nullable=False),
        sa.Column("happened_at", sa.BigInteger, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("told_at", UtcDateTime, nullable=False),
        sa.Column("reading", _ID, nullable=False),
        sa.PrimaryKeyConstraint("source", "source_id", name="pk_doings"),
    )
    op.create_index("ix_doings_user_id", "doings", ["user_id"])
    on_sqlite, on_postgres = sa.text("gone = 1"), sa.text("gone")
    op.create_index("ix_doings_gone", "doings", ["told_at"], sqlite_where=on_sqlite, postgresql_where=on_postgres)
    op.create_table(
        "memories",
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_memories"),
    )
    op.create_table(
        "feedback",
        sa.Column("feedback_id", _ID, nullable=False),
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("movie_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("recommendation_request_id", sa.String(64), nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("said_at", sa.BigInteger, nullable=False),
        sa.Column("holds", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("feedback_id", name="pk_feedback"),
        sa.UniqueConstraint("user_id", "movie_id", "kind", name="uq_feedback_user_id_movie_id_kind"),
    )
    op.create_index("ix_feedback_newest", "feedback", ["user_id", "created_at", "feedback_id"])
    op.create_table(
        "impressions",
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("profile", sa.String(32), nullable=False),
        sa.Column("rung", sa.String(32), nullable=False),
        sa.Column("experiment_id", sa.String(64), nullable=False),
        sa.Column("variant", sa.String(64), nullable=False),
        sa.Column("degraded_reason", sa.Text, nullable=False),
        sa.Column("movie_ids", sa.LargeBinary, nullable=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "request_id", name="pk_impressions"),
    )
    op.create_index("ix_impressions_created_at", "impressions", ["created_at"])
    op.create_index(
        "ix_impressions_experiment", "impressions", ["experiment_id", "created_at", "user_id", "request_id"]
    )


def downgrade() -> None:
    """Drops the tables."""
    for table in ("impressions", "feedback", "memories", "doings", "person", "film"):
        op.drop_table(table)
