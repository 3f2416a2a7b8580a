"""The diary in the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_ratings.domain.diary import DiaryEntry
from cine_ratings.store.schema import diary
from cinemesh.db import list_holds

Position = list[Any]
"""Where a page starts: day and id of the last entry of the page before."""

_CHUNK = 500
_NAMES = tuple(column.name for column in diary.columns)


@dataclass(frozen=True, slots=True)
class DiaryFilter:
    """Which entries of a person's diary.

    Attributes:
        user_id: whose.
        year: calendar year; 0 for all.
        movie_id: film; 0 for all.
        tag: label in lower case; empty for all.
    """

    user_id: str
    year: int = 0
    movie_id: int = 0
    tag: str = ""


def by_id(tx: Session, entry_id: str) -> DiaryEntry | None:
    """Returns an entry; None when there is none. Take its owner's turn before it is changed, then read it again."""
    row = tx.execute(sa.select(diary).where(diary.c.entry_id == entry_id)).mappings().one_or_none()
    return _entry(row) if row is not None else None


def some(tx: Session, entry_ids: Sequence[str]) -> dict[str, DiaryEntry]:
    """Returns entries by id; those that do not exist are missing."""
    found: dict[str, DiaryEntry] = {}
    for start in range(0, len(entry_ids), _CHUNK):
        query = sa.select(diary).where(diary.c.entry_id.in_(entry_ids[start : start + _CHUNK]))
        found.update((entry.entry_id, entry) for entry in map(_entry, tx.execute(query).mappings()))
    return found


def all_of(tx: Session, user_id: str) -> list[DiaryEntry]:
    """Returns a person's whole diary, first day first."""
    query = sa.select(diary).where(diary.c.user_id == user_id).order_by(diary.c.watched_on, diary.c.entry_id)
    return [_entry(row) for row in tx.execute(query).mappings()]


def following(tx: Session, after: str, limit: int) -> list[DiaryEntry]:
    """Returns at most `limit` entries of anybody with an id above one, in the order of their ids."""
    query = sa.select(diary).where(diary.c.entry_id > after).order_by(diary.c.entry_id).limit(limit)
    return [_entry(row) for row in tx.execute(query).mappings()]


def first_days(tx: Session, user_id: str, movie_ids: Iterable[int]) -> dict[int, dt.date]:
    """Returns when a person first watched each film, as far as the diary knows."""
    days: dict[int, dt.date] = {}
    wanted = sorted(set(movie_ids))
    for start in range(0, len(wanted), _CHUNK):
        query = sa.select(diary.c.movie_id, sa.func.min(diary.c.watched_on)).where(
            diary.c.user_id == user_id, diary.c.movie_id.in_(wanted[start : start + _CHUNK])
        )
        days.update(tx.execute(query.group_by(diary.c.movie_id)).tuples().all())
    return days


def insert(tx: Session, entries: Sequence[DiaryEntry]) -> None:
    """Adds entries."""
    if entries:
        tx.execute(sa.insert(diary), [_row(entry) for entry in entries])


def put(tx: Session, entry: DiaryEntry) -> None:
    """Keeps an entry as it is now. Take its owner's turn first."""
    tx.execute(sa.update(diary).where(diary.c.entry_id == entry.entry_id).values(**_row(entry)))


def delete(tx: Session, entry_ids: Sequence[str]) -> None:
    """Removes entries."""
    for start in range(0, len(entry_ids), _CHUNK):
        tx.execute(sa.delete(diary).where(diary.c.entry_id.in_(entry_ids[start : start + _CHUNK])))


def find(tx: Session, wanted: DiaryFilter, limit: int, after: Position | None) -> list[DiaryEntry]:
    """Returns at most `limit` entries that follow a position, latest day first."""
    query = sa.select(diary).where(*_matching(wanted))
    if after is not None:
        day = dt.date.fromisoformat(after[0])
        same = sa.and_(diary.c.watched_on == day, diary.c.entry_id < str(after[1]))
        query = query.where(sa.or_(diary.c.watched_on < day, same))
    query = query.order_by(diary.c.watched_on.desc(), diary.c.entry_id.desc()).limit(limit)
    return [_entry(row) for row in tx.execute(query).mappings()]


def position(entry: DiaryEntry) -> Position:
    """Returns the place of an entry in its diary."""
    return [entry.watched_on.isoformat(), entry.entry_id]


def count(tx: Session, wanted: DiaryFilter) -> int:
    """Returns how many entries match."""
    query = sa.select(sa.func.count()).select_from(diary).where(*_matching(wanted))
    return int(tx.execute(query).scalar_one())


def _matching(wanted: DiaryFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [diary.c.user_id == wanted.user_id]
    if wanted.year:
        first, last = dt.date(wanted.year, 1, 1), dt.date(wanted.year, 12, 31)
        conditions.append(diary.c.watched_on.between(first, last))
    if wanted.movie_id:
        conditions.append(diary.c.movie_id == wanted.movie_id)
    if wanted.tag:
        conditions.append(list_holds(diary.c.tags, wanted.tag))
    return conditions


def _entry(row: Mapping[Any, Any]) -> DiaryEntry:
    values: dict[str, Any] = {name: tuple(row[name]) if name == "tags" else row[name] for name in _NAMES}
    return DiaryEntry(**values)


def _row(entry: DiaryEntry) -> dict[str, Any]:
    return {name: list(entry.tags) if name == "tags" else getattr(entry, name) for name in _NAMES}
