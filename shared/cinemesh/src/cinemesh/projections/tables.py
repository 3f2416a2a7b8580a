"""The tables of projections. A service declares them in its own metadata and creates them in its own migration.

`film_table(metadata)` and `create_film_table(op)` say the same thing twice, as every table and its migration do: a change of the
one needs a further function for migrations beside the other, never an edit of it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from cinemesh.db.schema import StringList, UtcDateTime

_FILM_KEY = ("sort_title", "year")
# compared byte by byte on both databases, whatever the locale of the cluster: one order everywhere
_SORTED = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def film_table(metadata: sa.MetaData) -> sa.Table:
    """Declares the table "film" in a service's metadata."""
    return sa.Table(
        "film",
        metadata,
        sa.Column("movie_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("sort_title", _SORTED, nullable=False),  # see `titles.sort_title`
        sa.Column("alternative_titles", StringList, nullable=False),
        sa.Column("year", sa.Integer, nullable=False),  # 0 when unknown
        sa.Column("runtime_minutes", sa.Integer, nullable=False),  # 0 when unknown
        sa.Column("genres", StringList, nullable=False),
        sa.Column("directors", StringList, nullable=False),
        sa.Column("countries", StringList, nullable=False),
        sa.Column("streaming_services", StringList, nullable=False),
        sa.Column("imdb_id", sa.String(16), nullable=False),  # empty when unknown
        sa.Column("tmdb_id", sa.Integer, nullable=False),  # 0 when unknown
        sa.Column("card", sa.LargeBinary, nullable=False),  # cine.common.v1.FilmCard; empty until it was read
        sa.Column("etag", sa.String(64), nullable=False),  # of what was read; empty when that did not say
        sa.Column(
            "wanted", sa.String(64), nullable=False
        ),  # etag the feed announced and that is not read yet; empty for none
        sa.Column("gone", sa.Boolean, nullable=False),  # it left the catalogue; its card stays, for those who hold it
        sa.Index("ix_film_sort_title_year", *_FILM_KEY),
        sa.Index("ix_film_imdb_id", "imdb_id"),
        sa.Index("ix_film_tmdb_id", "tmdb_id"),
        # nearly always empty
        sa.Index(
            "ix_film_wanted", "wanted", sqlite_where=sa.text("wanted <> ''"), postgresql_where=sa.text("wanted <> ''")
        ),
    )


def create_film_table(op: Any) -> None:
    """Creates the table "film"; `op` is Alembic's. Undo it with `op.drop_table("film")`."""
    op.create_table(
        "film",
        sa.Column("movie_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("sort_title", _SORTED, nullable=False),
        sa.Column("alternative_titles", StringList, nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("runtime_minutes", sa.Integer, nullable=False),
        sa.Column("genres", StringList, nullable=False),
        sa.Column("directors", StringList, nullable=False),
        sa.Column("countries", StringList, nullable=False),
        sa.Column("streaming_services", StringList, nullable=False),
        sa.Column("imdb_id", sa.String(16), nullable=False),
        sa.Column("tmdb_id", sa.Integer, nullable=False),
        sa.Column("card", sa.LargeBinary, nullable=False),
        sa.Column("etag", sa.String(64), nullable=False),
        sa.Column("wanted", sa.String(64), nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
    )
    op.create_index("ix_film_sort_title_year", "film", list(_FILM_KEY))
    op.create_index("ix_film_imdb_id", "film", ["imdb_id"])
    op.create_index("ix_film_tmdb_id", "film", ["tmdb_id"])
    pending = sa.text("wanted <> ''")
    op.create_index("ix_film_wanted", "film", ["wanted"], sqlite_where=pending, postgresql_where=pending)


def person_table(metadata: sa.MetaData) -> sa.Table:
    """Declares the table "person" in a service's metadata."""
    return sa.Table(
        "person",
        metadata,
        sa.Column("user_id", sa.String(64), primary_key=True),
        sa.Column("username", sa.String(64), nullable=False),  # empty when unknown or deleted
        sa.Column("username_key", sa.String(64), nullable=False),  # the form in which names are compared
        sa.Column("display_name", sa.String(160), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),  # unverified, active, disabled or deleted
        sa.Column("changed_at", UtcDateTime, nullable=False),  # time of the last event about the names
        sa.Index("ix_person_username_key", "username_key"),
    )


def create_person_table(op: Any) -> None:
    """Creates the table "person"; `op` is Alembic's. Undo it with `op.drop_table("person")`."""
    op.create_table(
        "person",
        sa.Column("user_id", sa.String(64), primary_key=True),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("username_key", sa.String(64), nullable=False),
        sa.Column("display_name", sa.String(160), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_person_username_key", "person", ["username_key"])
