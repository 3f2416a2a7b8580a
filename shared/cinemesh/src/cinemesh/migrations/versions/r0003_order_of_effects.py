"""Events of transactions that waited for one another come in the order of their effects.

A transaction may get its id long before it takes a lock, and another one that began later take it first. By its id alone the first would
come first, although its change is the later one: somebody who follows would add what was removed. So an event is ordered by
the highest transaction that was over when it was written, if that is beyond its own: whoever it waited for is over by then. It is
never below its own transaction, so what is below every running transaction is still complete.

Revision ID: mesh0003
Revises: mesh0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mesh0003"
down_revision = "mesh0002"
branch_labels = None
depends_on = None

_OWN = "pg_current_xact_id()"
_HIGHEST_OVER = "CAST(CAST(CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) - 1 AS text) AS xid8)"


def _order_by(expression: str) -> None:
    if op.get_bind().dialect.name == "postgresql":  # on SQLite writes are serial
        op.alter_column("outbox", "xid", server_default=sa.text(expression))


def upgrade() -> None:
    _order_by(f"GREATEST({_OWN}, {_HIGHEST_OVER})")


def downgrade() -> None:
    _order_by(_OWN)
