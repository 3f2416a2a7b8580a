"""Tables of ratings and the diary, of what is counted of both, and the copies of films and people that lists need.

Stars are kept as half stars, 0 to 10.
"""

from __future__ import annotations

import sqlalchemy as sa

from cinemesh.db import StringList, UtcDateTime, new_metadata
from cinemesh.projections import film_table, person_table

metadata = new_metadata()

_ID = sa.String(26)  # ULID
_USER = sa.String(64)  # subject of a token
_HALVES = sa.SmallInteger

films = film_table(metadata)
people = person_table(metadata)

ratings = sa.Table(
    "ratings",
    metadata,
    sa.Column("rating_id", _ID, primary_key=True),
    sa.Column("user_id", _USER, nullable=False),
    sa.Column("movie_id", sa.Integer, nullable=False),
    sa.Column("overall", _HALVES, nullable=False),
    sa.Column("plot", _HALVES),
    sa.Column("acting", _HALVES),
    sa.Column("cinematography", _HALVES),
    sa.Column("soundtrack", _HALVES),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.UniqueConstraint("user_id", "movie_id"),
    sa.Index("ix_ratings_newest", "user_id", "updated_at", "rating_id"),
)

# changed by adding to it, in the transaction of the change it counts: never read before it is written
rating_counts = sa.Table(
    "rating_counts",
    metadata,
    sa.Column("movie_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column(
        "dimension", sa.SmallInteger, primary_key=True, autoincrement=False
    ),  # place in `domain.rating.DIMENSIONS`
    sa.Column("halves", _HALVES, primary_key=True, autoincrement=False),
    sa.Column("count", sa.Integer, nullable=False),
)

film_counts = sa.Table(
    "film_counts",
    metadata,
    sa.Column("movie_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("review_count", sa.Integer, nullable=False),
    sa.Column("watch_count", sa.Integer, nullable=False),
)

diary = sa.Table(
    "diary",
    metadata,
    sa.Column("entry_id", _ID, primary_key=True),
    sa.Column("user_id", _USER, nullable=False),
    sa.Column("movie_id", sa.Integer, nullable=False),
    sa.Column("watched_on", sa.Date, nullable=False),
    sa.Column("rewatch", sa.Boolean, nullable=False),
    sa.Column("overall", _HALVES),
    sa.Column("notes", sa.String(2000), nullable=False),
    sa.Column("tags", StringList, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("ix_diary_day", "user_id", "watched_on", "entry_id"),
    sa.Index("ix_diary_film", "user_id", "movie_id"),
)
