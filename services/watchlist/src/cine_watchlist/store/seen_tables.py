"""What the Ratings service tells of films that people have seen."""

from __future__ import annotations

import sqlalchemy as sa

from cine_watchlist.store.schema import metadata
from cinemesh.db import UtcDateTime

# one row for each rating and diary entry. What was deleted leaves its row behind for a while, without whose it was, so that an
# event that comes late does not bring it back
seen = sa.Table(
    "seen",
    metadata,
    sa.Column("source", sa.String(8), primary_key=True),  # rating or diary
    sa.Column("source_id", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(64), nullable=False),  # empty when gone
    sa.Column("movie_id", sa.Integer, nullable=False),  # 0 when gone
    sa.Column("gone", sa.Boolean, nullable=False),
    sa.Column("told_at", UtcDateTime, nullable=False),  # time of the event; what is older says nothing new
    sa.Column("reading", sa.String(26), nullable=False),  # whole reading that brought it last; empty for an event
    sa.Index("ix_seen_user_id_movie_id", "user_id", "movie_id"),
)
