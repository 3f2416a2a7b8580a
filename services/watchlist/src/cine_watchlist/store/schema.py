"""Tables of watchlists and lists. Film nights have theirs in `film_night_tables.py`."""

from __future__ import annotations

import sqlalchemy as sa

from cinemesh.db import UtcDateTime, new_metadata
from cinemesh.projections.tables import film_table, person_table

metadata = new_metadata()
films = film_table(metadata)
people = person_table(metadata)

_ID = sa.String(26)  # ULID
_USER = sa.String(64)  # id of an account, or empty where it was deleted


def _list(*, primary_key: bool = False) -> sa.Column[str]:
    """A row that dies with its list."""
    return sa.Column(
        "list_id", _ID, sa.ForeignKey("lists.list_id", ondelete="CASCADE"), primary_key=primary_key, nullable=False
    )


# one row a person: whoever changes the order or number of their items locks it first
watchlists = sa.Table(
    "watchlists",
    metadata,
    sa.Column("user_id", _USER, primary_key=True),
    sa.Column("item_count", sa.Integer, nullable=False),
    sa.Column("spreads", sa.Integer, nullable=False),  # how often the items got new places
)

watchlist_items = sa.Table(
    "watchlist_items",
    metadata,
    sa.Column("item_id", _ID, primary_key=True),
    sa.Column("user_id", _USER, sa.ForeignKey("watchlists.user_id", ondelete="CASCADE"), nullable=False),
    sa.Column("movie_id", sa.Integer, nullable=False),
    sa.Column("priority", sa.SmallInteger, nullable=False),
    sa.Column("watched_at", UtcDateTime),
    sa.Column("notes", sa.Text, nullable=False),
    sa.Column("place", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.UniqueConstraint("user_id", "movie_id"),
    sa.UniqueConstraint("user_id", "place"),
)

lists = sa.Table(
    "lists",
    metadata,
    sa.Column("list_id", _ID, primary_key=True),
    sa.Column("owner_id", _USER, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("visibility", sa.String(10), nullable=False),
    sa.Column("ranked", sa.Boolean, nullable=False),
    sa.Column("comments_enabled", sa.Boolean, nullable=False),
    sa.Column("item_count", sa.Integer, nullable=False),
    sa.Column("share_seed", sa.String(32), nullable=False),  # empty without a link
    sa.Column("share_digest", sa.String(64), unique=True),
    sa.Column("spreads", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

list_items = sa.Table(
    "list_items",
    metadata,
    sa.Column("item_id", _ID, primary_key=True),
    _list(),
    sa.Column("movie_id", sa.Integer, nullable=False),
    sa.Column("notes", sa.Text, nullable=False),
    sa.Column("added_by", _USER, nullable=False, index=True),
    sa.Column("place", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.UniqueConstraint("list_id", "movie_id"),
    sa.UniqueConstraint("list_id", "place"),
)

members = sa.Table(
    "members",
    metadata,
    _list(primary_key=True),
    sa.Column("user_id", _USER, primary_key=True, index=True),
    sa.Column("role", sa.String(10), nullable=False),
    sa.Column("joined_at", UtcDateTime, nullable=False),
)

invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("invitation_id", _ID, primary_key=True),
    _list(),
    sa.Column("username_key", sa.String(64), nullable=False),  # invited again, a name has one invitation all the same
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("user_id", _USER, index=True),  # NULL where nobody had the name
    sa.Column("role", sa.String(10), nullable=False),
    sa.Column("invited_by", _USER, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
    sa.UniqueConstraint("list_id", "username_key"),
)

list_comments = sa.Table(
    "list_comments",
    metadata,
    sa.Column("comment_id", _ID, primary_key=True),
    _list(),
    sa.Column("user_id", _USER, nullable=False, index=True),
    sa.Column("body_markdown", sa.Text, nullable=False),
    sa.Column("body_html", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_list_comments_list_id_comment_id", "list_id", "comment_id"),
)

# what came of each row of an import: sent again it changes nothing, and an import can be undone
imported_rows = sa.Table(
    "imported_rows",
    metadata,
    sa.Column("user_id", _USER, primary_key=True),
    sa.Column("import_id", sa.String(64), primary_key=True),
    sa.Column("row_number", sa.Integer, primary_key=True),
    sa.Column("item_id", _ID),  # the item it made; NULL where the film was there already
    sa.Column("list_id", _ID),  # the list of that item; NULL for the watchlist
    sa.Column("made_list", sa.Boolean, nullable=False),  # whether the list was made for it
    sa.Column("undone", sa.Boolean, nullable=False),  # whether the item was taken off again
    sa.Column("applied_at", UtcDateTime, nullable=False, index=True),
)
