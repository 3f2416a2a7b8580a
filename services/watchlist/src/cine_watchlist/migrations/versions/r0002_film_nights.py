"""Film nights, and what people have seen.

Revision ID: watch0002
Revises: watch0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db import UtcDateTime

revision = "watch0002"
down_revision = "watch0001"
branch_labels = None
depends_on = None

_ID = sa.String(26)
_USER = sa.String(64)
_OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "film_nights",
        sa.Column("film_night_id", _ID, nullable=False),
        sa.Column("host_id", _USER, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("starts_at", UtcDateTime),
        sa.Column("closes_at", UtcDateTime),
        sa.Column("vetoes_per_person", sa.Integer, nullable=False),
        sa.Column("invite_digest", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("closed_at", UtcDateTime),
        sa.Column("winner_movie_id", sa.Integer, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("film_night_id", name="pk_film_nights"),
        sa.UniqueConstraint("invite_digest", name="uq_film_nights_invite_digest"),
    )
    op.create_index("ix_film_nights_host_id", "film_nights", ["host_id"])
    op.create_index(
        "ix_film_nights_closes_at", "film_nights", ["closes_at"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_table(
        "film_night_participants",
        sa.Column("film_night_id", _ID, nullable=False),
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("joined_at", UtcDateTime, nullable=False),
        sa.Column("voted_at", UtcDateTime),
        sa.PrimaryKeyConstraint("film_night_id", "user_id", name="pk_film_night_participants"),
        sa.ForeignKeyConstraint(
            ["film_night_id"],
            ["film_nights.film_night_id"],
            name="fk_film_night_participants_film_night_id_film_nights",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_film_night_participants_user_id", "film_night_participants", ["user_id"])
    op.create_table(
        "film_night_candidates",
        sa.Column("film_night_id", _ID, nullable=False),
        sa.Column("movie_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("proposed_by", _USER, nullable=False),
        sa.Column("struck", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("film_night_id", "movie_id", name="pk_film_night_candidates"),
        sa.ForeignKeyConstraint(
            ["film_night_id"],
            ["film_nights.film_night_id"],
            name="fk_film_night_candidates_film_night_id_film_nights",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_film_night_candidates_proposed_by", "film_night_candidates", ["proposed_by"])
    op.create_table(
        "film_night_choices",
        sa.Column("film_night_id", _ID, nullable=False),
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("movie_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("film_night_id", "user_id", "movie_id", name="pk_film_night_choices"),
        sa.ForeignKeyConstraint(
            ["film_night_id", "user_id"],
            ["film_night_participants.film_night_id", "film_night_participants.user_id"],
            name="fk_film_night_choices_participant",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["film_night_id", "movie_id"],
            ["film_night_candidates.film_night_id", "film_night_candidates.movie_id"],
            name="fk_film_night_choices_candidate",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "seen",
        sa.Column("source", sa.String(8), nullable=False),
        sa.Column("source_id", sa.String(64), nullable=False),
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("movie_id", sa.Integer, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("told_at", UtcDateTime, nullable=False),
        sa.Column("reading", sa.String(26), nullable=False),
        sa.PrimaryKeyConstraint("source", "source_id", name="pk_seen"),
    )
    op.create_index("ix_seen_user_id_movie_id", "seen", ["user_id", "movie_id"])


def downgrade() -> None:
    """Drops the tables; what people have seen can be read again."""
    for table in (
        "seen",
        "film_night_choices",
        "film_night_candidates",
        "film_night_participants",
        "film_nights",
    ):
        op.drop_table(table)
