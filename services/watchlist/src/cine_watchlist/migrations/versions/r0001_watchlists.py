"""Watchlists, lists and who works on them, imported rows; copies of films and people.

Revision ID: watch0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db import UtcDateTime
from cinemesh.projections import create_film_table, create_person_table

revision = "watch0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String(26)
_USER = sa.String(64)


def _of_a_list(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["list_id"], ["lists.list_id"], name=f"fk_{table}_list_id_lists", ondelete="CASCADE")


def upgrade() -> None:
    """Creates the tables."""
    create_film_table(op)
    create_person_table(op)
    op.create_table(
        "watchlists",
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("item_count", sa.Integer, nullable=False),
        sa.Column("spreads", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_watchlists"),
    )
    op.create_table(
        "watchlist_items",
        sa.Column("item_id", _ID, nullable=False),
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("movie_id", sa.Integer, nullable=False),
        sa.Column("priority", sa.SmallInteger, nullable=False),
        sa.Column("watched_at", UtcDateTime),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("item_id", name="pk_watchlist_items"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["watchlists.user_id"],
            name="fk_watchlist_items_user_id_watchlists",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("user_id", "movie_id", name="uq_watchlist_items_user_id_movie_id"),
        sa.UniqueConstraint("user_id", "place", name="uq_watchlist_items_user_id_place"),
    )
    _create_lists()
    op.create_table(
        "imported_rows",
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("import_id", sa.String(64), nullable=False),
        sa.Column("row_number", sa.Integer, nullable=False),
        sa.Column("item_id", _ID),
        sa.Column("list_id", _ID),
        sa.Column("made_list", sa.Boolean, nullable=False),
        sa.Column("undone", sa.Boolean, nullable=False),
        sa.Column("applied_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "import_id", "row_number", name="pk_imported_rows"),
    )
    op.create_index("ix_imported_rows_applied_at", "imported_rows", ["applied_at"])


def _create_lists() -> None:
    op.create_table(
        "lists",
        sa.Column("list_id", _ID, nullable=False),
        sa.Column("owner_id", _USER, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("visibility", sa.String(10), nullable=False),
        sa.Column("ranked", sa.Boolean, nullable=False),
        sa.Column("comments_enabled", sa.Boolean, nullable=False),
        sa.Column("item_count", sa.Integer, nullable=False),
        sa.Column("share_seed", sa.String(32), nullable=False),
        sa.Column("share_digest", sa.String(64)),
        sa.Column("spreads", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("list_id", name="pk_lists"),
        sa.UniqueConstraint("share_digest", name="uq_lists_share_digest"),
    )
    op.create_index("ix_lists_owner_id", "lists", ["owner_id"])
    op.create_table(
        "list_items",
        sa.Column("item_id", _ID, nullable=False),
        sa.Column("list_id", _ID, nullable=False),
        sa.Column("movie_id", sa.Integer, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("added_by", _USER, nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("item_id", name="pk_list_items"),
        _of_a_list("list_items"),
        sa.UniqueConstraint("list_id", "movie_id", name="uq_list_items_list_id_movie_id"),
        sa.UniqueConstraint("list_id", "place", name="uq_list_items_list_id_place"),
    )
    op.create_index("ix_list_items_added_by", "list_items", ["added_by"])
    op.create_table(
        "members",
        sa.Column("list_id", _ID, nullable=False),
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("joined_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("list_id", "user_id", name="pk_members"),
        _of_a_list("members"),
    )
    op.create_index("ix_members_user_id", "members", ["user_id"])
    op.create_table(
        "invitations",
        sa.Column("invitation_id", _ID, nullable=False),
        sa.Column("list_id", _ID, nullable=False),
        sa.Column("username_key", sa.String(64), nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("user_id", _USER),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("invited_by", _USER, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("invitation_id", name="pk_invitations"),
        _of_a_list("invitations"),
        sa.UniqueConstraint("list_id", "username_key", name="uq_invitations_list_id_username_key"),
    )
    op.create_index("ix_invitations_user_id", "invitations", ["user_id"])
    op.create_index("ix_invitations_expires_at", "invitations", ["expires_at"])
    op.create_table(
        "list_comments",
        sa.Column("comment_id", _ID, nullable=False),
        sa.Column("list_id", _ID, nullable=False),
        sa.Column("user_id", _USER, nullable=False),
        sa.Column("body_markdown", sa.Text, nullable=False),
        sa.Column("body_html", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("comment_id", name="pk_list_comments"),
        _of_a_list("list_comments"),
    )
    op.create_index("ix_list_comments_user_id", "list_comments", ["user_id"])
    op.create_index("ix_list_comments_list_id_comment_id", "list_comments", ["list_id", "comment_id"])


def downgrade() -> None:
    """Drops the tables."""
    for table in (
        "imported_rows",
        "list_comments",
        "invitations",
        "members",
        "list_items",
        "lists",
        "watchlist_items",
        "watchlists",
        "person",
        "film",
    ):
        op.drop_table(table)
