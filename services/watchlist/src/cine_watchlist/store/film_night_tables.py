"""Tables of film nights."""

from __future__ import annotations

import sqlalchemy as sa

from cine_watchlist.store.schema import metadata
from cinemesh.db import UtcDateTime

_ID = sa.String(26)  # ULID
_USER = sa.String(64)

film_nights = sa.Table(
    "film_nights",
    metadata,
    sa.Column("film_night_id", _ID, primary_key=True),
    sa.Column("host_id", _USER, nullable=False, index=True),  # empty when the account was deleted
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("starts_at", UtcDateTime),
    sa.Column("closes_at", UtcDateTime),
    sa.Column("vetoes_per_person", sa.Integer, nullable=False),
    sa.Column("invite_digest", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("winner_movie_id", sa.Integer, nullable=False),  # 0 for none
    sa.Column("result", sa.Text),  # the count as JSON, once closed: it stands whatever becomes of those who voted
    sa.Column("version", sa.Integer, nullable=False),
)
# those whose vote ends by itself, for whoever ends it
sa.Index(
    "ix_film_nights_closes_at",
    film_nights.c.closes_at,
    sqlite_where=sa.text("closed_at IS NULL"),
    postgresql_where=sa.text("closed_at IS NULL"),
)

participants = sa.Table(
    "film_night_participants",
    metadata,
    sa.Column("film_night_id", _ID, sa.ForeignKey("film_nights.film_night_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("user_id", _USER, primary_key=True, index=True),
    sa.Column("joined_at", UtcDateTime, nullable=False),
    sa.Column("voted_at", UtcDateTime),
)

candidates = sa.Table(
    "film_night_candidates",
    metadata,
    sa.Column("film_night_id", _ID, sa.ForeignKey("film_nights.film_night_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("movie_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, nullable=False),  # in the order they were proposed
    sa.Column("proposed_by", _USER, nullable=False, index=True),  # empty when the account was deleted
    sa.Column(
        "struck", sa.Boolean, nullable=False
    ),  # once closed: whether it was struck out, whoever leaves afterwards
)

# a vote is its choices: withdrawing a film, or leaving, takes them along
choices = sa.Table(
    "film_night_choices",
    metadata,
    sa.Column("film_night_id", _ID, primary_key=True),
    sa.Column("user_id", _USER, primary_key=True),
    sa.Column("movie_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("rank", sa.Integer, nullable=False),  # 1 is best; 0 strikes the film out
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
