"""Tables of imports: each file that came, its rows, and what must be known to undo them."""

from __future__ import annotations

import sqlalchemy as sa

from cine_ratings.store.schema import metadata
from cinemesh.db import UtcDateTime

_ID = sa.String(26)  # ULID


def _of_import() -> sa.Column[str]:
    return sa.Column("import_id", _ID, sa.ForeignKey("imports.import_id", ondelete="CASCADE"), primary_key=True)


imports = sa.Table(
    "imports",
    metadata,
    sa.Column("import_id", _ID, primary_key=True),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("file_name", sa.String(255), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("rows_total", sa.Integer, nullable=False),
    sa.Column("rows_matched", sa.Integer, nullable=False),
    sa.Column("rows_ambiguous", sa.Integer, nullable=False),
    sa.Column("rows_unknown", sa.Integer, nullable=False),
    sa.Column("rows_invalid", sa.Integer, nullable=False),
    sa.Column("rows_unchanged", sa.Integer, nullable=False),
    sa.Column("rows_applied", sa.Integer, nullable=False),
    sa.Column("rows_done", sa.Integer, nullable=False),
    sa.Column("rows_to_do", sa.Integer, nullable=False),
    sa.Column("error", sa.String(500), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    # the process at work on it, and until when others leave it alone
    sa.Column("holder", _ID, nullable=False),
    sa.Column("held_until", UtcDateTime, nullable=False),
    sa.Index("ix_imports_user_id", "user_id", "import_id"),
    sa.Index("ix_imports_state", "state", "updated_at"),
    sa.Index("ix_imports_expires_at", "expires_at"),
)

import_rows = sa.Table(
    "import_rows",
    metadata,
    _of_import(),
    sa.Column("row_number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("outcome", sa.String(12), nullable=False),  # empty until it was matched
    sa.Column("movie_id", sa.Integer, nullable=False),  # 0 while that is not settled
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("candidates", sa.Text, nullable=False),  # JSON: [[movie_id, confidence], …]
    sa.Column("problem", sa.String(500), nullable=False),
    sa.Column("yields", sa.SmallInteger, nullable=False),  # parts that another row has the last word on
    sa.Column("applied", sa.Boolean, nullable=False),
    sa.Column("likeness", sa.String(40), nullable=False),  # digest of what it says of its film
    sa.Column("document", sa.Text, nullable=False),  # JSON of the row, see `domain.transfers.rows`
    sa.Index("ix_import_rows_outcome", "import_id", "outcome", "row_number"),
    sa.Index("ix_import_rows_to_do", "import_id", "applied", "movie_id", "row_number"),
)

import_effects = sa.Table(
    "import_effects",
    metadata,
    _of_import(),
    sa.Column("row_number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("part", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("thing_id", _ID, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # of the thing after it; 0 where it was like that already
    sa.Column("before", sa.Text, nullable=False),  # JSON of what was there; empty for nothing
    sa.Index("ix_import_effects_thing", "import_id", "part", "thing_id"),
)
