"""Watchlists in the store. Lock a watchlist before anything on it changes: see `lock`, and `grow` for the first item."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from cine_watchlist.domain import places
from cine_watchlist.domain.items import Item
from cine_watchlist.store.order import WATCHLIST
from cine_watchlist.store.schema import films, watchlist_items, watchlists

_FIELDS = tuple(field.name for field in dataclasses.fields(Item))
_TITLE_KEY = 80  # characters by which titles are told apart: what a page token has room for
# as text, for they are part of every item that is added: an INSERT with ON CONFLICT is made anew each time otherwise
_GROW = sa.text(
    "INSERT INTO watchlists (user_id, item_count, spreads) VALUES (:user_id, :added, 0) ON CONFLICT (user_id) "
    "DO UPDATE SET item_count = watchlists.item_count + excluded.item_count RETURNING item_count"
)
_LOWEST = "(SELECT min(place) FROM watchlist_items WHERE user_id = :user_id)"
_GIVEN = [name for name in _FIELDS if name != "place"]
_INSERT_FIRST = sa.text(
    f"INSERT INTO watchlist_items ({', '.join(_GIVEN)}, place) "
    f"VALUES ({', '.join(f':{name}' for name in _GIVEN)}, COALESCE({_LOWEST}, {places.GAP}) - {places.GAP}) "
    "ON CONFLICT (user_id, movie_id) DO NOTHING RETURNING place"
).bindparams(*(sa.bindparam(name, type_=watchlist_items.c[name].type) for name in _GIVEN))
Position = list[Any]
"""Where a page starts: the keys of the last item of the page before."""


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items, in which order.

    Attributes:
        watched: whether they were watched; None for both.
        genre: canonical name; empty for any.
        service: canonical name of a streaming service; empty for any.
        runtime_max: longest running time in minutes; 0 for any. Films of unknown length are left out otherwise.
        movie_id: the film; 0 for all.
        order: `position`, `priority` (highest first, then longest on the list), `newest`, `oldest`, `title` or `year` (latest first).
    """

    watched: bool | None = None
    genre: str = ""
    service: str = ""
    runtime_max: int = 0
    movie_id: int = 0
    order: str = "position"


@dataclass(frozen=True, slots=True)
class _Key:
    column: sa.ColumnElement[Any]
    descending: bool = False
    of_film: bool = False
    moment: bool = False


_KEYS = {
    "position": _Key(watchlist_items.c.place),
    "priority": _Key(watchlist_items.c.priority, descending=True),
    "newest": _Key(watchlist_items.c.created_at, descending=True, moment=True),
    "oldest": _Key(watchlist_items.c.created_at, moment=True),
    "title": _Key(sa.func.coalesce(sa.func.substr(films.c.sort_title, 1, _TITLE_KEY), ""), of_film=True),
    "year": _Key(sa.func.coalesce(films.c.year, 0), descending=True, of_film=True),
}
# of the same priority those that have waited longest come first
_TIES_ASCEND = frozenset({"position", "priority", "oldest", "title"})


def of_row(row: RowMapping) -> Item:
    """Returns the item a row describes."""
    return Item(**{name: row[name] for name in _FIELDS})


def grow(tx: Session, user_id: str, added: int) -> int:
    """Locks a person's watchlist, begins it where there is none, and counts items that are about to be added.

    Returns:
        How many there will be.
    """
    return int(tx.execute(_GROW, {"user_id": user_id, "added": added}).scalar_one())


def lock(tx: Session, user_id: str) -> bool:
    """Keeps everybody else from changing a watchlist until this transaction ends. Returns whether there is one."""
    query = sa.select(watchlists.c.user_id).where(watchlists.c.user_id == user_id).with_for_update()
    return tx.execute(query).first() is not None


def insert_first(tx: Session, item: Item) -> Item | None:
    """Adds an item before all others of a watchlist that is locked; its own place is not looked at.

    Returns:
        The item with its place; None when the film is there already.
    """
    place = tx.execute(_INSERT_FIRST, _values(item)).scalar_one_or_none()
    return dataclasses.replace(item, place=place) if place is not None else None


def insert_all(tx: Session, items: Collection[Item]) -> None:
    """Adds items, whose films are not there yet, at places of their own."""
    if items:
        tx.execute(sa.insert(watchlist_items), [_values(item) for item in items])


def _values(item: Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in _FIELDS}


def by_id(tx: Session, user_id: str, item_id: str) -> Item | None:
    """Returns an item of a person's watchlist."""
    return _one(tx, watchlist_items.c.user_id == user_id, watchlist_items.c.item_id == item_id)


def by_film(tx: Session, user_id: str, movie_id: int) -> Item | None:
    """Returns the item of a film."""
    return _one(tx, watchlist_items.c.user_id == user_id, watchlist_items.c.movie_id == movie_id)


def _one(tx: Session, *conditions: sa.ColumnElement[bool]) -> Item | None:
    row = tx.execute(sa.select(watchlist_items).where(*conditions)).mappings().one_or_none()
    return of_row(row) if row is not None else None


def present(tx: Session, user_id: str, movie_ids: Collection[int]) -> set[int]:
    """Returns those of the films that are on a watchlist."""
    table = watchlist_items
    query = sa.select(table.c.movie_id).where(table.c.user_id == user_id, table.c.movie_id.in_(movie_ids))
    return set(tx.execute(query).scalars())


def update(tx: Session, item: Item) -> None:
    """Writes an item that exists. Lock the watchlist first."""
    changed = {name: getattr(item, name) for name in _FIELDS if name not in ("item_id", "user_id")}
    tx.execute(sa.update(watchlist_items).where(watchlist_items.c.item_id == item.item_id).values(changed))


def delete(tx: Session, user_id: str, item_ids: Collection[str]) -> None:
    """Takes items off a watchlist that is locked; all of them must be there."""
    table = watchlist_items
    tx.execute(sa.delete(table).where(table.c.user_id == user_id, table.c.item_id.in_(item_ids)))
    shrunk = watchlists.c.item_count - len(item_ids)
    tx.execute(sa.update(watchlists).where(watchlists.c.user_id == user_id).values(item_count=shrunk))


def delete_all(tx: Session, user_id: str) -> list[Item]:
    """Deletes a person's watchlist. Returns what was on it."""
    gone = all_of(tx, user_id)
    tx.execute(sa.delete(watchlists).where(watchlists.c.user_id == user_id))
    return gone


def all_of(tx: Session, user_id: str) -> list[Item]:
    """Returns every item of a person in their own order."""
    table = watchlist_items
    query = sa.select(table).where(table.c.user_id == user_id).order_by(table.c.place)
    return [of_row(row) for row in tx.execute(query).mappings()]


def by_ids(tx: Session, user_id: str, item_ids: Collection[str]) -> list[Item]:
    """Returns those of the items that are on a person's watchlist."""
    table = watchlist_items
    query = sa.select(table).where(table.c.user_id == user_id, table.c.item_id.in_(item_ids))
    return [of_row(row) for row in tx.execute(query).mappings()]


def find(
    tx: Session, user_id: str, wanted: ItemFilter, limit: int, after: Position | None
) -> list[tuple[Item, Position]] | None:
    """Returns at most `limit` items that follow a position, each with its own.

    Returns:
        The items; None where the position has lost its meaning, because the order was written anew and its item is gone.
    """
    key = _KEYS[wanted.order]
    tie: sa.ColumnElement[str] = watchlist_items.c.item_id
    ties_descend = wanted.order not in _TIES_ASCEND
    query = sa.select(watchlist_items, key.column.label("key")).select_from(_source(wanted, key))
    query = query.where(*_matching(user_id, wanted))
    spreads = WATCHLIST.spreads(tx, user_id) if wanted.order == "position" else 0
    if after is not None:
        value = _value(tx, user_id, wanted.order, key, after)
        if value is None:
            return None
        same, further = key.column == value, tie < after[1] if ties_descend else tie > after[1]
        later = key.column < value if key.descending else key.column > value
        query = query.where(sa.or_(later, sa.and_(same, further)))
    query = query.order_by(
        key.column.desc() if key.descending else key.column, tie.desc() if ties_descend else tie
    ).limit(limit)
    found = []
    for row in tx.execute(query).mappings():
        value = row["key"].isoformat() if key.moment else row["key"]
        found.append((of_row(row), [value, row["item_id"], spreads]))
    return found


def _value(tx: Session, user_id: str, order: str, key: _Key, after: Position) -> Any:
    if order == "position":
        return WATCHLIST.beyond(tx, user_id, spreads=after[2], place=after[0], item_id=after[1])
    return dt.datetime.fromisoformat(after[0]) if key.moment else after[0]


def count(tx: Session, user_id: str, wanted: ItemFilter) -> int:
    """Returns how many items match."""
    source = _source(wanted, _KEYS["position"])
    query = sa.select(sa.func.count()).select_from(source).where(*_matching(user_id, wanted))
    return int(tx.execute(query).scalar_one())


def _source(wanted: ItemFilter, key: _Key) -> sa.FromClause:
    if not (key.of_film or wanted.genre or wanted.service or wanted.runtime_max):
        return watchlist_items
    return watchlist_items.outerjoin(films, films.c.movie_id == watchlist_items.c.movie_id)


def _matching(user_id: str, wanted: ItemFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [watchlist_items.c.user_id == user_id]
    if wanted.watched is not None:
        unwatched = watchlist_items.c.watched_at.is_(None)
        conditions.append(sa.not_(unwatched) if wanted.watched else unwatched)
    if wanted.movie_id:
        conditions.append(watchlist_items.c.movie_id == wanted.movie_id)
    if wanted.genre:
        conditions.append(_holds(films.c.genres, wanted.genre))
    if wanted.service:
        conditions.append(_holds(films.c.streaming_services, wanted.service))
    if wanted.runtime_max:
        conditions.append(films.c.runtime_minutes.between(1, wanted.runtime_max))
    return conditions


def _holds(names: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    # a list of a few names of a fixed vocabulary, as text on both databases
    return sa.cast(names, sa.Text).contains(f'"{name}"', autoescape=True)
