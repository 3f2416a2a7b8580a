"""What came of the rows of imports. Lock the person's watchlist first: parts of an import come one after another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_watchlist.store.schema import imported_rows

_COLUMNS = ("row_number", "item_id", "list_id", "made_list", "undone")


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """What came of one row.

    Attributes:
        row_number: its number in the import.
        item_id: the item it made; None where the film was there already.
        list_id: the list of that item; None for the watchlist.
        made_list: whether the list was made for it.
        undone: whether the item was taken off again.
    """

    row_number: int
    item_id: str | None
    list_id: str | None
    made_list: bool = False
    undone: bool = False


def applied(tx: Session, user_id: str, import_id: str, row_numbers: Collection[int]) -> list[ImportedRow]:
    """Returns what came of those of the rows that were applied."""
    return _find(tx, user_id, import_id, imported_rows.c.row_number.in_(row_numbers))


def page(tx: Session, user_id: str, import_id: str, after: int, limit: int) -> list[ImportedRow]:
    """Returns what came of at most `limit` rows that were applied and follow one, in their order."""
    return _find(tx, user_id, import_id, imported_rows.c.row_number > after, limit)


def lists_made(tx: Session, user_id: str, import_id: str) -> list[str]:
    """Returns the lists that an import made, also those that are gone since."""
    query = sa.select(imported_rows.c.list_id).distinct()
    query = query.where(
        imported_rows.c.user_id == user_id,
        imported_rows.c.import_id == import_id,
        imported_rows.c.made_list.is_(True),
        imported_rows.c.list_id.is_not(None),
    )
    return list(tx.execute(query.order_by(imported_rows.c.list_id)).scalars())


def _find(
    tx: Session, user_id: str, import_id: str, condition: sa.ColumnElement[bool], limit: int | None = None
) -> list[ImportedRow]:
    columns = [imported_rows.c[name] for name in _COLUMNS]
    query = sa.select(*columns).where(
        imported_rows.c.user_id == user_id, imported_rows.c.import_id == import_id, condition
    )
    found = tx.execute(query.order_by(imported_rows.c.row_number).limit(limit)).mappings()
    return [ImportedRow(**row) for row in found]


def keep(tx: Session, user_id: str, import_id: str, rows: Collection[ImportedRow], now: dt.datetime) -> None:
    """Keeps what came of rows that were not applied before."""
    if rows:
        shared = {"user_id": user_id, "import_id": import_id, "applied_at": now}
        values = [{**{name: getattr(row, name) for name in _COLUMNS}, **shared} for row in rows]
        tx.execute(sa.insert(imported_rows), values)


def undo(tx: Session, user_id: str, import_id: str, row_numbers: Collection[int]) -> None:
    """Notes that the items of rows were taken off again."""
    if not row_numbers:
        return
    statement = sa.update(imported_rows).where(
        imported_rows.c.user_id == user_id,
        imported_rows.c.import_id == import_id,
        imported_rows.c.row_number.in_(row_numbers),
    )
    tx.execute(statement.values(undone=True))


def forget(tx: Session, user_id: str) -> None:
    """Forgets the imports of a deleted account."""
    tx.execute(sa.delete(imported_rows).where(imported_rows.c.user_id == user_id))


def prune(tx: Session, before: dt.datetime) -> int:
    """Forgets what came of rows that were applied before a moment. Returns how many."""
    gone: Any = tx.execute(sa.delete(imported_rows).where(imported_rows.c.applied_at < before))
    return int(gone.rowcount)
