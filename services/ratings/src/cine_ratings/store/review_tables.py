"""Tables of reviews, comments and moderation.

What is written of a deleted account stays without its author (`user_id` NULL), so that threads and films keep what was said.
"""

from __future__ import annotations

import sqlalchemy as sa

from cine_ratings.domain.comment import PATH_LENGTH
from cine_ratings.store.schema import metadata
from cinemesh.db import UtcDateTime

_ID = sa.String(26)  # ULID
_USER = sa.String(64)  # subject of a token


def _of_review(*, primary_key: bool = False) -> sa.Column[str]:
    """A row that dies with its review."""
    return sa.Column(
        "review_id",
        _ID,
        sa.ForeignKey("reviews.review_id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )


reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("review_id", _ID, primary_key=True),
    sa.Column("user_id", _USER),
    sa.Column("movie_id", sa.Integer, nullable=False),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("body_markdown", sa.Text, nullable=False),
    sa.Column("body_html", sa.Text, nullable=False),
    sa.Column("contains_spoilers", sa.Boolean, nullable=False),
    sa.Column("like_count", sa.Integer, nullable=False),
    sa.Column("comment_count", sa.Integer, nullable=False),
    sa.Column("comments_made", sa.Integer, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("hidden", sa.Boolean, nullable=False),
    sa.Column("hidden_reason", sa.String(500), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.UniqueConstraint("user_id", "movie_id"),  # one a person and film; NULL equals nothing, itself included
    sa.Index("ix_reviews_newest", "movie_id", "created_at", "review_id"),
    sa.Index("ix_reviews_most_liked", "movie_id", "like_count", "review_id"),
    sa.Index("ix_reviews_shown", "movie_id", "hidden", "contains_spoilers"),
    sa.Index("ix_reviews_author", "user_id", "created_at", "review_id"),
)

# what a review said before, not what it says now
review_revisions = sa.Table(
    "review_revisions",
    metadata,
    _of_review(primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("body_markdown", sa.Text, nullable=False),
    sa.Column("body_html", sa.Text, nullable=False),
    sa.Column("contains_spoilers", sa.Boolean, nullable=False),
    sa.Column("written_at", UtcDateTime, nullable=False),
)

review_likes = sa.Table(
    "review_likes",
    metadata,
    _of_review(primary_key=True),
    sa.Column("user_id", _USER, primary_key=True),
    sa.Column("liked_at", UtcDateTime, nullable=False),
    sa.Index("ix_review_likes_user_id", "user_id"),
)

comments = sa.Table(
    "comments",
    metadata,
    sa.Column("comment_id", _ID, primary_key=True),
    _of_review(),
    sa.Column("parent_comment_id", _ID, nullable=False),  # empty for the first of a thread
    sa.Column("path", sa.String(PATH_LENGTH), nullable=False),
    sa.Column("depth", sa.Integer, nullable=False),
    sa.Column("user_id", _USER, index=True),
    sa.Column("body_markdown", sa.Text, nullable=False),
    sa.Column("body_html", sa.Text, nullable=False),
    sa.Column("reply_count", sa.Integer, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("hidden", sa.Boolean, nullable=False),
    sa.Column("hidden_reason", sa.String(500), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.UniqueConstraint("review_id", "path"),  # reading order
)

reports = sa.Table(
    "reports",
    metadata,
    sa.Column("report_id", _ID, primary_key=True),
    _of_review(),
    sa.Column("comment_id", _ID, nullable=False),  # empty for the review itself
    sa.Column("reason", sa.String(20), nullable=False),
    sa.Column("detail", sa.String(1000), nullable=False),
    sa.Column("reporter_count", sa.Integer, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("resolved_at", UtcDateTime),
    sa.Index("ix_reports_state", "state", "created_at", "report_id"),
    sa.Index("ix_reports_thing", "review_id", "comment_id"),
)

# who reported what; their number is kept with the report, so that it outlives them
report_reporters = sa.Table(
    "report_reporters",
    metadata,
    _of_review(primary_key=True),
    sa.Column("comment_id", _ID, primary_key=True),
    sa.Column("user_id", _USER, primary_key=True),
    sa.Column("report_id", _ID, sa.ForeignKey("reports.report_id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("reported_at", UtcDateTime, nullable=False),
    sa.Index("ix_report_reporters_user_id", "user_id"),
)

# the audit log of moderation: never changed; outlives what it speaks of
moderation_acts = sa.Table(
    "moderation_acts",
    metadata,
    sa.Column("act_id", _ID, primary_key=True),  # sorts by time
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("actor_id", _USER, nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("review_id", _ID, nullable=False, index=True),
    sa.Column("comment_id", _ID, nullable=False),
    sa.Column("report_id", _ID, nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("call_id", sa.String(64), nullable=False),
)
