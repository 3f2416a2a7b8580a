"""Films on lists. Lock the list before they change; `lists.touch` counts them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from cine_watchlist.domain.lists import ListItem
from cine_watchlist.store.order import LIST
from cine_watchlist.store.schema import list_items

_FIELDS = tuple(field.name for field in dataclasses.fields(ListItem))
Position = list[Any]
"""Where a page starts: the keys of the last item of the page before."""


def of_row(row: RowMapping) -> ListItem:
    """Returns the item a row describes."""
    return ListItem(**{name: row[name] for name in _FIELDS})


def insert(tx: Session, items: Collection[ListItem]) -> None:
    """Adds items, whose films are not there yet, at places of their own."""
    if items:
        tx.execute(sa.insert(list_items), [{name: getattr(item, name) for name in _FIELDS} for item in items])


def by_id(tx: Session, list_id: str, item_id: str) -> ListItem | None:
    """Returns an item of a list."""
    return _one(tx, list_items.c.list_id == list_id, list_items.c.item_id == item_id)


def by_film(tx: Session, list_id: str, movie_id: int) -> ListItem | None:
    """Returns the item of a film."""
    return _one(tx, list_items.c.list_id == list_id, list_items.c.movie_id == movie_id)


def _one(tx: Session, *conditions: sa.ColumnElement[bool]) -> ListItem | None:
    row = tx.execute(sa.select(list_items).where(*conditions)).mappings().one_or_none()
    return of_row(row) if row is not None else None


def last_id(tx: Session, list_id: str) -> str | None:
    """Returns the id of the last item of a list; None for an empty one."""
    query = sa.select(list_items.c.item_id).where(list_items.c.list_id == list_id)
    found: str | None = tx.execute(query.order_by(list_items.c.place.desc()).limit(1)).scalar_one_or_none()
    return found


def by_ids(tx: Session, item_ids: Collection[str]) -> list[ListItem]:
    """Returns those of the items that there are, in whatever list."""
    query = sa.select(list_items).where(list_items.c.item_id.in_(item_ids))
    return [of_row(row) for row in tx.execute(query).mappings()]


def present(tx: Session, list_id: str, movie_ids: Collection[int]) -> set[int]:
    """Returns those of the films that are on a list."""
    query = sa.select(list_items.c.movie_id).where(
        list_items.c.list_id == list_id, list_items.c.movie_id.in_(movie_ids)
    )
    return set(tx.execute(query).scalars())


def update(tx: Session, item: ListItem) -> None:
    """Writes notes, place and version of an item that exists."""
    changed = {"notes": item.notes, "place": item.place, "version": item.version}
    tx.execute(sa.update(list_items).where(list_items.c.item_id == item.item_id).values(changed))


def delete(tx: Session, item_ids: Collection[str]) -> None:
    """Takes items off their lists."""
    tx.execute(sa.delete(list_items).where(list_items.c.item_id.in_(item_ids)))


def page(tx: Session, list_id: str, limit: int, after: Position | None) -> list[ListItem] | None:
    """Returns at most `limit` items that follow a position, in the list's order.

    Returns:
        The items; None where the position has lost its meaning, because the order was written anew and its item is gone.
    """
    query = sa.select(list_items).where(list_items.c.list_id == list_id)
    if after is not None:
        place = LIST.beyond(tx, list_id, spreads=after[2], place=after[0], item_id=after[1])
        if place is None:
            return None
        query = query.where(list_items.c.place > place)
    return [of_row(row) for row in tx.execute(query.order_by(list_items.c.place).limit(limit)).mappings()]


def position(tx: Session, item: ListItem) -> Position:
    """Returns the place of an item in the order of `page`."""
    return [item.place, item.item_id, LIST.spreads(tx, item.list_id)]


def all_of(tx: Session, list_ids: Collection[str]) -> dict[str, list[ListItem]]:
    """Returns every item of several lists, by list, in the order of each."""
    query = sa.select(list_items).where(list_items.c.list_id.in_(list_ids))
    found: dict[str, list[ListItem]] = {list_id: [] for list_id in list_ids}
    for row in tx.execute(query.order_by(list_items.c.list_id, list_items.c.place)).mappings():
        found[row["list_id"]].append(of_row(row))
    return found


def forget_adder(tx: Session, user_id: str) -> None:
    """Takes the name of a deleted account off what it added."""
    tx.execute(sa.update(list_items).where(list_items.c.added_by == user_id).values(added_by=""))
