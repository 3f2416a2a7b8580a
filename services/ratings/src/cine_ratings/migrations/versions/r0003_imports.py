"""Imports, their rows, and what must be known to undo them.

Revision ID: rate0003
Revises: rate0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db import UtcDateTime

revision = "rate0003"
down_revision = "rate0002"
branch_labels = None
depends_on = None

_ID = sa.String(26)


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "imports",
        sa.Column("import_id", _ID, nullable=False),
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
        sa.Column("holder", _ID, nullable=False),
        sa.Column("held_until", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("import_id", name="pk_imports"),
    )
    op.create_index("ix_imports_user_id", "imports", ["user_id", "import_id"])
    op.create_index("ix_imports_state", "imports", ["state", "updated_at"])
    op.create_index("ix_imports_expires_at", "imports", ["expires_at"])
    op.create_table(
        "import_rows",
        sa.Column("import_id", _ID, nullable=False),
        sa.Column("row_number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("movie_id", sa.Integer, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("candidates", sa.Text, nullable=False),
        sa.Column("problem", sa.String(500), nullable=False),
        sa.Column("yields", sa.SmallInteger, nullable=False),
        sa.Column("applied", sa.Boolean, nullable=False),
        sa.Column("likeness", sa.String(40), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("import_id", "row_number", name="pk_import_rows"),
        _of_import("import_rows"),
    )
    op.create_index("ix_import_rows_outcome", "import_rows", ["import_id", "outcome", "row_number"])
    op.create_index("ix_import_rows_to_do", "import_rows", ["import_id", "applied", "movie_id", "row_number"])
    op.create_table(
        "import_effects",
        sa.Column("import_id", _ID, nullable=False),
        sa.Column("row_number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("part", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("thing_id", _ID, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("import_id", "row_number", "part", name="pk_import_effects"),
        _of_import("import_effects"),
    )
    op.create_index("ix_import_effects_thing", "import_effects", ["import_id", "part", "thing_id"])


def _of_import(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["import_id"], ["imports.import_id"], name=f"fk_{table}_import_id_imports", ondelete="CASCADE"
    )


def downgrade() -> None:
    """Drops the tables; imports under way are forgotten, what they applied stays."""
    for table in ("import_effects", "import_rows", "imports"):
        op.drop_table(table)
