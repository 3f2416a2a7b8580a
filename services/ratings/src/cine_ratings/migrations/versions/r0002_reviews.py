"""Reviews with their history and likes, comments, reports and the acts of administrators.

Revision ID: rate0002
Revises: rate0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db import UtcDateTime

revision = "rate0002"
down_revision = "rate0001"
branch_labels = None
depends_on = None

_ID = sa.String(26)
_USER = sa.String(64)


def upgrade() -> None:
    """Creates the tables."""
    _create_reviews()
    op.create_table(
        "comments",
        sa.Column("comment_id", _ID, nullable=False),
        sa.Column("review_id", _ID, nullable=False),
        sa.Column("parent_comment_id", _ID, nullable=False),
        sa.Column("path", sa.String(48), nullable=False),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("user_id", _USER),
        sa.Column("body_markdown", sa.Text, nullable=False),
        sa.Column("body_html", sa.Text, nullable=False),
        sa.Column("reply_count", sa.Integer, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("hidden", sa.Boolean, nullable=False),
        sa.Column("hidden_reason", sa.String(500), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("comment_id", name="pk_comments"),
        sa.UniqueConstraint("review_id", "path", name="uq_comments_review_id_path"),
        _of_review("comments"),
    )
    op.create_index("ix_comments_user_id", "comments", ["user_id"])
    _create_reports()
    op.create_table(
        "moderation_acts",
        sa.Column("act_id", _ID, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor_id", _USER, nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("review_id", _ID, nullable=False),
        sa.Column("comment_id", _ID, nullable=False),
        sa.Column("report_id", _ID, nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("act_id", name="pk_moderation_acts"),
    )
    op.create_index("ix_moderation_acts_at", "moderation_acts", ["at"])
    op.create_index("ix_moderation_acts_review_id", "moderation_acts", ["review_id"])


def _create_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("review_id", _ID, nullable=False),
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
        sa.PrimaryKeyConstraint("review_id", name="pk_reviews"),
        sa.UniqueConstraint("user_id", "movie_id", name="uq_reviews_user_id_movie_id"),
    )
    op.create_index("ix_reviews_newest", "reviews", ["movie_id", "created_at", "review_id"])
    op.create_index("ix_reviews_most_liked", "reviews", ["movie_id", "like_count", "review_id"])
    op.create_index("ix_reviews_shown", "reviews", ["movie_id", "hidden", "contains_spoilers"])
    op.create_index("ix_reviews_author", "reviews", ["user_id", "created_at", "review_id"])
    op.create_table(
        "review_revisions",
        sa.Column("review_id", _ID, nullable=False),
        sa.Column("revision", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("body_markdown", sa.Text, nullable=False),
        sa.Column("body_html", sa.Text, nullable=False),
        sa.Column("contains_spoilers", sa.Boolean, nullable=False),
        sa.Column("written_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("review_id", "revision", name="pk_review_revisions"),
        _of_review("review_revisions"),
    )
    op.create_table(
        "review_likes",
        sa.Column("review_id", _ID, nullable=False),
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("liked_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("review_id", "user_id", name="pk_review_likes"),
        _of_review("review_likes"),
    )
    op.create_index("ix_review_likes_user_id", "review_likes", ["user_id"])


def _create_reports() -> None:
    op.create_table(
        "reports",
        sa.Column("report_id", _ID, nullable=False),
        sa.Column("review_id", _ID, nullable=False),
        sa.Column("comment_id", _ID, nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("detail", sa.String(1000), nullable=False),
        sa.Column("reporter_count", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("resolved_at", UtcDateTime),
        sa.PrimaryKeyConstraint("report_id", name="pk_reports"),
        _of_review("reports"),
    )
    op.create_index("ix_reports_state", "reports", ["state", "created_at", "report_id"])
    op.create_index("ix_reports_thing", "reports", ["review_id", "comment_id"])
    op.create_table(
        "report_reporters",
        sa.Column("review_id", _ID, nullable=False),
        sa.Column("comment_id", _ID, nullable=False),
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("report_id", _ID, nullable=False),
        sa.Column("reported_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("review_id", "comment_id", "user_id", name="pk_report_reporters"),
        _of_review("report_reporters"),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.report_id"], name="fk_report_reporters_report_id_reports", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_report_reporters_report_id", "report_reporters", ["report_id"])
    op.create_index("ix_report_reporters_user_id", "report_reporters", ["user_id"])


def _of_review(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["review_id"], ["reviews.review_id"], name=f"fk_{table}_review_id_reviews", ondelete="CASCADE"
    )


def downgrade() -> None:
    """Drops the tables and what is written in them."""
    for table in (
        "moderation_acts",
        "report_reporters",
        "reports",
        "comments",
        "review_likes",
        "review_revisions",
        "reviews",
    ):
        op.drop_table(table)
