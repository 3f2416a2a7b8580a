"""The diary: what somebody watched, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cine_ratings.domain.rating import halves_of
from cinemesh.errors import InvalidArgument
from cinemesh.etags import etag_of
from cinemesh.plain_text import plain_text

EDITABLE: Final = ("watched_on", "rewatch", "overall", "notes", "tags")
"""Fields of an entry that its owner changes."""

_EARLIEST_ZONE: Final = dt.timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class DiaryEntry:
    """One watching of a film.

    Attributes:
        entry_id: its id, a ULID.
        user_id: whose it is.
        movie_id: the film.
        watched_on: the day.
        rewatch: whether the person had seen it before.
        overall: what they thought that day, in half stars, 0 to 10; None when not said.
        notes: notes to oneself, plain text.
        tags: labels, lower case, each once.
        created_at: when the entry was made.
        updated_at: when it last changed.
        version: grows with every change, from 1.
    """

    entry_id: str
    user_id: str
    movie_id: int
    watched_on: dt.date
    rewatch: bool
    overall: int | None
    notes: str
    tags: tuple[str, ...]
    created_at: dt.datetime
    updated_at: dt.datetime
    version: int

    @property
    def etag(self) -> str:
        """Changes whenever the entry does."""
        return etag_of(self.version, self.entry_id)


@dataclass(frozen=True, slots=True)
class DiaryWish:
    """A watching that a person wants in the diary.

    Attributes:
        movie_id: the film.
        watched_on: the day.
        rewatch: whether they say that they had seen it before; the diary may know better.
        overall: what they thought that day, in half stars; None when not said.
        rate: whether `overall` becomes their rating of the film, too.
        notes: clean plain text.
        tags: clean labels.
    """

    movie_id: int
    watched_on: dt.date
    rewatch: bool = False
    overall: int | None = None
    rate: bool = False
    notes: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiaryUndo:
    """What must be known to take a new entry out again later.

    Attributes:
        entry_id: the entry.
        version: the one it had when it was made; any other means that somebody changed it since.
    """

    entry_id: str
    version: int


def noted(wish: DiaryWish, first: dt.date | None, *, user_id: str, entry_id: str, now: dt.datetime) -> DiaryEntry:
    """Returns a new entry.

    Args:
        wish: what a person wants in the diary.
        first: the day they first watched the film, as far as the diary knows; None when it does not.
        user_id: whose diary it is.
        entry_id: id of the entry.
        now: the present moment.
    """
    again = wish.rewatch or (first is not None and first <= wish.watched_on)
    return DiaryEntry(
        entry_id, user_id, wish.movie_id, wish.watched_on, again, wish.overall, wish.notes, wish.tags, now, now, 1
    )


def day_of(text: str, now: dt.datetime, field: str = "watched_on") -> dt.date:
    """Returns a day written "YYYY-MM-DD"; today in UTC when empty.

    Somebody east of Greenwich writes their own date, which UTC has not reached: a day counts as begun once it has begun anywhere.

    Raises:
        InvalidArgument: there is no such day, or it has begun nowhere yet.
    """
    if not text:
        return now.astimezone(dt.UTC).date()
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise _refused(field, "is no day of the calendar") from None
    if day > (now.astimezone(dt.UTC) + _EARLIEST_ZONE).date():
        raise _refused(field, "must not be in the future")
    return day


def tags_of(texts: Iterable[str], field: str = "tags") -> tuple[str, ...]:
    """Returns labels in lower case, without space around them, each once and in the order given.

    Raises:
        InvalidArgument: one is empty or holds characters that are not seen.
    """
    tags: dict[str, None] = {}
    for place, text in enumerate(texts):
        tag = plain_text(text, f"{field}[{place}]").lower()
        if not tag:
            raise _refused(f"{field}[{place}]", "must not be empty")
        tags[tag] = None
    return tuple(tags)


def edited(entry: DiaryEntry, changes: Mapping[str, Any], now: dt.datetime) -> DiaryEntry:
    """Returns an entry with fields of `EDITABLE` changed, cleaned and checked; version and times stay.

    Args:
        entry: as it is.
        changes: new values as the contract has them: the day as text, stars as a number of stars.
        now: the present moment.

    Raises:
        InvalidArgument: a value cannot be kept.
    """
    values: dict[str, Any] = dict(changes)
    if "watched_on" in values:
        if not values["watched_on"]:
            raise _refused("watched_on", "must not be emptied: an entry has a day")
        values["watched_on"] = day_of(values["watched_on"], now)
    if values.get("overall") is not None:
        values["overall"] = halves_of(values["overall"])
    if "notes" in values:
        values["notes"] = plain_text(values["notes"], "notes", lines=True)
    if "tags" in values:
        values["tags"] = tags_of(values["tags"])
    return replace(entry, **values)


def _refused(field: str, problem: str) -> InvalidArgument:
    return InvalidArgument(f"{field} {problem}", violations=[(field, problem)])
