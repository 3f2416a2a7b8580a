"""Preferences besides genres.

Rows of before stay, with NULL in what they never held. Their owners are asked about again, as if nothing were known of them, and until then
others go on finding them for a group: dropping the rows, or reading the feed anew, would lose people who said what they prefer longer ago
than the feed reaches back.

Revision ID: recommender0005
Revises: recommender0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cinemesh.db import StringList

revision = "recommender0005"
down_revision = "recommender0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns."""
    op.add_column("preferences", sa.Column("services", StringList, nullable=True))
    op.add_column("preferences", sa.Column("languages", StringList, nullable=True))
    for name in ("year_min", "year_max", "runtime_max"):
        op.add_column("preferences", sa.Column(name, sa.SmallInteger, nullable=True))
