"""What people did elsewhere, in the store: applied from events told once or twice, in order or late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cine_recommender.store import Transaction
from cine_recommender.store.schema import doings

RATING: Final = "rating"
DIARY: Final = "diary"
WATCHLIST: Final = "watchlist"
_KEY: Final = ("source", "source_id")
_LONG_AGO: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_PRUNE_STEP: Final = 2_000


@dataclass(frozen=True, slots=True)
class Doing:
    """A rating, a diary entry or a watched mark, as one event tells it.

    Attributes:
        source: `RATING`, `DIARY` or `WATCHLIST`.
        source_id: id of the rating, the entry or the item.
        user_id: whose.
        movie_id: the film.
        told_at: time of the event.
        halves: half stars, 0 to 10; 0 for what is no rating.
        happened_at: Unix seconds when it was rated or watched; 0 where nobody said.
        gone: whether it was taken back.
    """

    source: str
    source_id: str
    user_id: str
    movie_id: int
    told_at: dt.datetime
    halves: int = 0
    happened_at: int = 0
    gone: bool = False


def note(tx: Transaction, told: Iterable[Doing]) -> None:
    """Keeps what is newer than what is kept, in one statement. Told twice, or in another order, the same comes of it.

    Args:
        tx: the transaction.
        told: in the order it was told; of two at the same moment the later one counts.
    """
    newest: dict[tuple[str, str], Doing] = {}
    for one in told:
        before = newest.get((one.source, one.source_id))
        if before is None or before.told_at <= one.told_at:
            newest[one.source, one.source_id] = one
    _put(tx, [_row(one, "", one.told_at) for one in newest.values()], lambda new: doings.c.told_at <= new.told_at)


def note_reading(tx: Transaction, reading: str, read: Collection[Doing]) -> None:
    """Keeps a part of a whole reading, whatever was known before, save that something was taken back.

    It counts as told long ago: the feed is followed from its beginning afterwards, and what it tells of is newer, or the same once more.

    Args:
        tx: the transaction.
        reading: id of the reading, for `drop_unread`.
        read: each rating or entry once.
    """
    _put(tx, [_row(one, reading, _LONG_AGO) for one in read], lambda _: doings.c.gone.is_(False))


def drop_unread(tx: Transaction, source: str, reading: str) -> int:
    """Forgets what a whole reading did not bring: it is not there any more. Returns how many there were."""
    stale = sa.delete(doings).where(doings.c.source == source, doings.c.reading != reading, doings.c.gone.is_(False))
    done: Any = tx.execute(stale)
    return int(done.rowcount)


def _row(one: Doing, reading: str, told_at: dt.datetime) -> dict[str, Any]:
    return {
        "source": one.source,
        "source_id": one.source_id,
        "user_id": "" if one.gone else one.user_id,
        "movie_id": 0 if one.gone else one.movie_id,
        "halves": 0 if one.gone else one.halves,
        "happened_at": 0 if one.gone else one.happened_at,
        "gone": one.gone,
        "told_at": told_at,
        "reading": reading,
    }


def _put(tx: Transaction, rows: list[dict[str, Any]], where: Any) -> None:
    if not rows:
        return
    insert: Any = postgresql.insert if tx.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(doings)
    new = {column.name: statement.excluded[column.name] for column in doings.columns if column.name not in _KEY}
    tx.execute(
        statement.on_conflict_do_update(index_elements=list(_KEY), set_=new, where=where(statement.excluded)), rows
    )


def ratings_after(tx: Transaction, after: str, limit: int) -> list[tuple[str, str, int, int, int]]:
    """Returns ratings that are not gone, of everybody, as (rating id, user id, film, half stars from 1, Unix seconds), by id.

    Args:
        tx: the transaction.
        after: id of the last one read; empty for the beginning.
        limit: at most so many.
    """
    asked = sa.select(
        doings.c.source_id, doings.c.user_id, doings.c.movie_id, doings.c.halves, doings.c.happened_at
    ).where(doings.c.source == RATING, doings.c.source_id > after, doings.c.gone.is_(False), doings.c.halves >= 1)
    return [row._tuple() for row in tx.execute(asked.order_by(doings.c.source_id).limit(limit)).all()]


def forget(tx: Transaction, user_id: str) -> None:
    """Drops what a person did."""
    tx.execute(sa.delete(doings).where(doings.c.user_id == user_id))


def prune(tx: Transaction, before: dt.datetime) -> int:
    """Forgets some of what was taken back before a moment: nothing that old comes late any more. Returns how many."""
    key = (doings.c.source, doings.c.source_id)
    old = sa.select(*key).where(doings.c.gone, doings.c.told_at < before).limit(_PRUNE_STEP)
    done: Any = tx.execute(sa.delete(doings).where(sa.tuple_(*key).in_(old)))
    return int(done.rowcount)
