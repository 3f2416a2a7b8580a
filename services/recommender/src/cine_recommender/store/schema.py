"""Tables of what the recommender remembers: what people did elsewhere, what they said here, what they were shown."""

from __future__ import annotations

import sqlalchemy as sa

from cinemesh.db import StringList, UtcDateTime, new_metadata
from cinemesh.projections import film_table, person_table

metadata = new_metadata()

_ID = sa.String(26)  # ULID
_USER = sa.String(64)  # subject of a token

films = film_table(metadata)
people = person_table(metadata)

# one row for each rating, diary entry and item of a watchlist that other services told of. What was taken back leaves its row behind for
# a while, without whose it was, so that an event that comes late does not bring it back
doings = sa.Table(
    "doings",
    metadata,
    sa.Column("source", sa.String(9), primary_key=True),  # rating, diary or watchlist
    sa.Column("source_id", sa.String(64), primary_key=True),  # id at the service that told
    sa.Column("user_id", _USER, nullable=False),  # empty when gone
    sa.Column("movie_id", sa.Integer, nullable=False),  # 0 when gone
    sa.Column("halves", sa.SmallInteger, nullable=False),  # half stars, 0 to 10; 0 for what is no rating
    sa.Column("happened_at", sa.BigInteger, nullable=False),  # Unix seconds; 0 where nobody said
    sa.Column("gone", sa.Boolean, nullable=False),
    sa.Column("told_at", UtcDateTime, nullable=False),  # time of the event; what is older says nothing new
    sa.Column("reading", _ID, nullable=False),  # whole reading that brought it last; empty for an event
    sa.Index("ix_doings_user_id", "user_id"),
    # nearly empty; each database wants the condition as queries put it there
    sa.Index("ix_doings_gone", "told_at", sqlite_where=sa.text("gone = 1"), postgresql_where=sa.text("gone")),
)

# goes up by one in the transaction of every change to what is known of a person; writers of one person's feedback take turns at it
memories = sa.Table(
    "memories",
    metadata,
    sa.Column("user_id", _USER, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("feedback_id", _ID, primary_key=True),
    sa.Column("user_id", _USER, nullable=False),
    sa.Column("movie_id", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("recommendation_request_id", sa.String(64), nullable=False),  # empty for none
    sa.Column("rank", sa.Integer, nullable=False),  # from 1; 0 when unknown
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("said_at", sa.BigInteger, nullable=False),  # Unix microseconds
    sa.Column("holds", sa.Boolean, nullable=False),  # nothing said later contradicts it
    sa.UniqueConstraint("user_id", "movie_id", "kind"),
    sa.Index("ix_feedback_newest", "user_id", "created_at", "feedback_id"),
)

impressions = sa.Table(
    "impressions",
    metadata,
    sa.Column("user_id", _USER, primary_key=True),  # empty for somebody without an account
    sa.Column("request_id", sa.String(64), primary_key=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("profile", sa.String(32), nullable=False),
    sa.Column("rung", sa.String(32), nullable=False),
    sa.Column("experiment_id", sa.String(64), nullable=False),  # empty for none
    sa.Column("variant", sa.String(64), nullable=False),  # empty for none
    sa.Column("degraded_reason", sa.Text, nullable=False),
    sa.Column("movie_ids", sa.LargeBinary, nullable=False),  # int32, little-endian, in the order shown
    sa.Column("details", sa.LargeBinary, nullable=False),  # see `domain.impression_bytes`
    sa.Index("ix_impressions_created_at", "created_at"),
    sa.Index("ix_impressions_experiment", "experiment_id", "created_at", "user_id", "request_id"),
)

# what Identity told of people's preferences, as far as recommendations need it; somebody without a row is asked about,
# and so is somebody whose row is from before `recommender0005` and has NULL in the last five columns
preferences = sa.Table(
    "preferences",
    metadata,
    sa.Column("user_id", _USER, primary_key=True),
    sa.Column("preferred_genres", StringList, nullable=False),
    sa.Column("excluded_genres", StringList, nullable=False),
    sa.Column("share_taste", sa.Boolean, nullable=False),
    sa.Column("told_at", UtcDateTime, nullable=False),  # what is older says nothing new
    sa.Column("services", StringList, nullable=True),
    sa.Column("languages", StringList, nullable=True),  # ISO 639-1
    sa.Column("year_min", sa.SmallInteger, nullable=True),  # 0 for any
    sa.Column("year_max", sa.SmallInteger, nullable=True),  # 0 for any
    sa.Column("runtime_max", sa.SmallInteger, nullable=True),  # minutes; 0 for any
)
