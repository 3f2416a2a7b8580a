"""What a row makes of what is there: the parts a file does not speak of stay as they are."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from cine_ratings.domain.diary import DiaryEntry, DiaryWish
from cine_ratings.domain.rating import RatingWish, Score
from cine_ratings.domain.review import Review
from cine_ratings.domain.transfers.rows import Row


def score_after(row: Row, before: Score | None) -> Score:
    """Returns the score a row leads to; `row.overall` is there."""
    kept = (
        {} if row.whole or before is None else {name: half for name, half in before.values.items() if half is not None}
    )
    return Score(**{**kept, **row.dimensions, "overall": row.overall or 0})


def rating_wish(row: Row, movie_id: int, before: Score | None) -> RatingWish:
    """Returns how a row wants a film to be rated."""
    return RatingWish(movie_id, score_after(row, before), rated_at=_past(row))


def _past(row: Row) -> dt.datetime | None:
    if row.at is None and row.watched_on is not None:
        return dt.datetime(row.watched_on.year, row.watched_on.month, row.watched_on.day, tzinfo=dt.UTC)
    return row.at


def diary_wish(row: Row, movie_id: int) -> DiaryWish:
    """Returns the diary entry a row wants; `row.watched_on` is there."""
    return DiaryWish(movie_id, _day(row), rewatch=row.rewatch, overall=row.overall, notes=row.notes, tags=row.tags)


def _day(row: Row) -> dt.date:
    if row.watched_on is None:
        raise ValueError("the row says nothing of a day")
    return row.watched_on


def entry_after(row: Row, entry: DiaryEntry) -> DiaryEntry:
    """Returns the entry of the same film and day as a row wants it: what the row says replaces what is there."""
    if row.whole:
        return replace(entry, rewatch=row.rewatch, overall=row.overall, notes=row.notes, tags=row.tags)
    return replace(
        entry,
        rewatch=row.rewatch or entry.rewatch,
        overall=entry.overall if row.overall is None else row.overall,
        notes=row.notes or entry.notes,
        tags=row.tags or entry.tags,
    )


def paired(rows: Mapping[int, tuple[Row, int]], entries: Iterable[DiaryEntry]) -> dict[int, DiaryEntry]:
    """Returns which entry of the diary each row is about: the same film on the same day, each entry at most once.

    Entries that say what the row says come first, so that a film watched twice on one day is recognised row by row.

    Args:
        rows: rows and their films by number.
        entries: of the person's diary.
    """
    free: dict[tuple[int, dt.date], list[DiaryEntry]] = defaultdict(list)
    for entry in entries:
        free[entry.movie_id, entry.watched_on].append(entry)
    found: dict[int, DiaryEntry] = {}
    for exactly in (True, False):
        for number, (row, movie_id) in rows.items():
            there = free.get((movie_id, _day(row)), [])
            if number in found or not there:
                continue
            same = next((entry for entry in there if entry_after(row, entry) == entry), None)
            if same is None and exactly:
                continue
            chosen = same if same is not None else there[0]
            there.remove(chosen)
            found[number] = chosen
    return found


def review_is_said(row: Row, before: Review | None) -> bool:
    """Whether a review says what a row does already."""
    if before is None or before.text.markdown != row.body:
        return False
    return not row.whole or (before.title, before.contains_spoilers) == (row.headline, row.spoilers)
