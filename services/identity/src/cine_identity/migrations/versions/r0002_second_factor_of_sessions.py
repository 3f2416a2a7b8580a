"""Sessions remember the second factor that opened them.

Those of before count as opened without one, save by a passkey alone: who must have a second factor signs in with it once more.

Revision ID: identity0002
Revises: identity0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "identity0002"
down_revision = "identity0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.add_column("sessions", sa.Column("second_factor", sa.String(length=20), nullable=False, server_default=""))


def downgrade() -> None:
    """Removes the column."""
    op.drop_column("sessions", "second_factor")
