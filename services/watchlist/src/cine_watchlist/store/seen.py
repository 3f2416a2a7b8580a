"""Films that people have seen: what they marked here, and what Ratings tells of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cine_watchlist.store import Transaction
from cine_watchlist.store.schema import list_items, watchlist_items
from cine_watchlist.store.seen_tables import seen

RATING: Final = "rating"
DIARY: Final = "diary"
_KEY: Final = ("source", "source_id")
_LONG_AGO: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_PRUNE_STEP: Final = 2_000


@dataclass(frozen=True, slots=True)
class Sighting:
    """What Ratings tells: somebody rated a film or wrote it into their diary, or took that back.

    Attributes:
        source: `RATING` or `DIARY`.
        source_id: id of the rating or the diary entry.
        user_id: whose.
        movie_id: the film.
        told_at: time of the event.
        gone: whether it was taken back.
    """

    source: str
    source_id: str
    user_id: str
    movie_id: int
    told_at: dt.datetime
    gone: bool = False


def note(tx: Transaction, sightings: Iterable[Sighting]) -> None:
    """Keeps what is newer than what is kept, in one statement. Told twice, or in another order, the same comes of it.

    Args:
        tx: the transaction.
        sightings: in the order they were told; of two at the same moment the later one counts.
    """
    newest: dict[tuple[str, str], Sighting] = {}
    for one in sightings:
        before = newest.get((one.source, one.source_id))
        if before is None or before.told_at <= one.told_at:
            newest[one.source, one.source_id] = one
    _put(tx, [_row(one, "") for one in newest.values()])


def note_reading(tx: Transaction, reading: str, sightings: Collection[Sighting]) -> None:
    """Keeps a part of a whole reading. Whatever an event told is newer, also that something was taken back.

    Args:
        tx: the transaction.
        reading: id of the reading, for `drop_unread`.
        sightings: each rating or entry once.
    """
    _put(tx, [{**_row(one, reading), "told_at": _LONG_AGO} for one in sightings])
    ids = [one.source_id for one in sightings]
    sources = {one.source for one in sightings}
    marked = sa.update(seen).where(seen.c.source.in_(sources), seen.c.source_id.in_(ids)).values(reading=reading)
    tx.execute(marked)


def drop_unread(tx: Transaction, source: str, reading: str) -> int:
    """Forgets what a whole reading did not bring: it is not there any more. Returns how many there were."""
    stale = sa.delete(seen).where(seen.c.source == source, seen.c.reading != reading, seen.c.gone.is_(False))
    done: Any = tx.execute(stale)
    return int(done.rowcount)


def _row(one: Sighting, reading: str) -> dict[str, Any]:
    return {
        "source": one.source,
        "source_id": one.source_id,
        "user_id": "" if one.gone else one.user_id,
        "movie_id": 0 if one.gone else one.movie_id,
        "gone": one.gone,
        "told_at": one.told_at,
        "reading": reading,
    }


def _put(tx: Transaction, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    insert: Any = postgresql.insert if tx.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(seen)
    new = {column.name: statement.excluded[column.name] for column in seen.columns if column.name not in _KEY}
    newer = seen.c.told_at <= statement.excluded.told_at
    tx.execute(statement.on_conflict_do_update(index_elements=list(_KEY), set_=new, where=newer), rows)


def seen_among(tx: Transaction, user_id: str, movie_ids: Collection[int]) -> set[int]:
    """Returns those of some films that a person has marked as watched, rated or written into their diary."""
    if not user_id or not movie_ids:
        return set()
    told = sa.select(seen.c.movie_id).where(seen.c.user_id == user_id, seen.c.movie_id.in_(movie_ids))
    item = watchlist_items.c
    marked = sa.select(item.movie_id).where(item.user_id == user_id, item.movie_id.in_(movie_ids))
    return set(tx.execute(sa.union(told, marked.where(item.watched_at.is_not(None)))).scalars())


def on_lists(tx: Transaction, user_id: str, list_ids: Collection[str]) -> dict[str, int]:
    """Returns how many films of each list a person has seen; lists without one are left out."""
    if not user_id or not list_ids:
        return {}
    told = sa.select(seen.c.movie_id).where(seen.c.user_id == user_id)
    item = watchlist_items.c
    marked = sa.select(item.movie_id).where(item.user_id == user_id, item.watched_at.is_not(None))
    known = sa.union(told, marked).subquery("known")
    counted = sa.select(list_items.c.list_id, sa.func.count()).join(known, known.c.movie_id == list_items.c.movie_id)
    counted = counted.where(list_items.c.list_id.in_(list_ids)).group_by(list_items.c.list_id)
    return dict(tx.execute(counted).tuples().all())


def has_rated(tx: Transaction, user_id: str, movie_id: int) -> bool:
    """Returns whether a person has rated a film, as far as Ratings has told."""
    mine = (seen.c.source == RATING, seen.c.user_id == user_id, seen.c.movie_id == movie_id)
    return tx.execute(sa.select(seen.c.source_id).where(*mine).limit(1)).first() is not None


def forget(tx: Transaction, user_id: str) -> None:
    """Drops what a person has seen."""
    tx.execute(sa.delete(seen).where(seen.c.user_id == user_id))


def prune(tx: Transaction, before: dt.datetime) -> int:
    """Forgets some of what was taken back before a moment: nothing that old comes late any more. Returns how many."""
    key = (seen.c.source, seen.c.source_id)
    old = sa.select(*key).where(seen.c.gone.is_(True), seen.c.told_at < before).limit(_PRUNE_STEP)
    done: Any = tx.execute(sa.delete(seen).where(sa.tuple_(*key).in_(old)))
    return int(done.rowcount)
