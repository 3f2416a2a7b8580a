"""What a diary entry may hold, and what a year in film counts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cine_ratings.domain.diary import DiaryEntry, DiaryWish, day_of, edited, noted, tags_of
from cine_ratings.domain.statistics import Bucket, FilmFacts, Rated, Watching, longest_streak, statistics
from cinemesh.errors import InvalidArgument

NOON = dt.datetime(2026, 3, 14, 12, tzinfo=dt.UTC)


def test_a_day_is_that_of_utc_unless_said_and_none_that_has_begun_nowhere() -> None:
    assert day_of("", NOON) == dt.date(2026, 3, 14)
    assert day_of("1999-12-31", NOON) == dt.date(1999, 12, 31)
    assert day_of("2026-03-15", NOON) == dt.date(2026, 3, 15)  # it is two in the morning there on Kiritimati
    with pytest.raises(InvalidArgument):
        day_of("2026-03-15", NOON - dt.timedelta(hours=3))
    for text in ("2026-03-16", "2026-02-30", "0000-01-01", "2999-01-01"):
        with pytest.raises(InvalidArgument) as refused:
            day_of(text, NOON)
        assert refused.value.violations[0][0] == "watched_on"


def test_labels_are_lower_case_and_each_there_once() -> None:
    assert tags_of([" Cinema", "IMAX", "cinema "]) == ("cinema", "imax")
    for bad in ("  ", "a\x00b", "a\nb", "\u202eevil"):
        with pytest.raises(InvalidArgument) as refused:
            tags_of(["fine", bad])
        assert refused.value.violations[0][0] == "tags[1]"


def an_entry(**values: Any) -> DiaryEntry:
    wish = DiaryWish(603, dt.date(2026, 3, 1), overall=7, notes="Rain.", tags=("cinema",))
    return edited(noted(wish, None, user_id="ada", entry_id="01ARZ3NDEKTSV4RRFFQ69G5FAV", now=NOON), values, NOON)


def test_an_entry_is_changed_field_by_field() -> None:
    assert an_entry(watched_on="2026-02-02").watched_on == dt.date(2026, 2, 2)
    assert an_entry(overall=4.5).overall == 9
    assert an_entry(overall=0.0).overall == 0
    assert an_entry(overall=None).overall is None
    assert an_entry(notes=" Snow.\r\nWind. ").notes == "Snow.\nWind."
    assert an_entry(tags=["Home"]).tags == ("home",)
    assert an_entry(tags=[], notes="", rewatch=True) != an_entry()
    for bad in ({"watched_on": ""}, {"watched_on": "2027-01-01"}, {"overall": 0.3}, {"notes": "\x07"}, {"tags": [""]}):
        with pytest.raises(InvalidArgument):
            an_entry(**bad)


@pytest.mark.parametrize(
    ("first", "again"), [(None, False), ("2026-02-28", True), ("2026-03-01", True), ("2026-03-02", False)]
)
def test_the_diary_knows_what_was_seen_before(first: str | None, again: bool) -> None:
    known = dt.date.fromisoformat(first) if first else None
    wish = DiaryWish(603, dt.date(2026, 3, 1))
    assert noted(wish, known, user_id="ada", entry_id="1", now=NOON).rewatch is again
    said = DiaryWish(603, dt.date(2026, 3, 1), rewatch=True)
    assert noted(said, known, user_id="ada", entry_id="1", now=NOON).rewatch


@given(st.sets(st.dates(dt.date(2025, 12, 1), dt.date(2026, 2, 1))))
def test_the_longest_run_of_days(days: set[dt.date]) -> None:
    def run_from(day: dt.date) -> int:
        return 1 + run_from(day + dt.timedelta(days=1)) if day in days else 0

    assert longest_streak(days) == max((run_from(day) for day in days), default=0)


FILMS = {
    1: FilmFacts(1999, 136, ("Action", "Sci-Fi"), ("Lana Wachowski", "Lilly Wachowski"), ("US",)),
    2: FilmFacts(2001, 122, ("Comedy",), ("Jean-Pierre Jeunet",), ("FR", "DE")),
    3: FilmFacts(),
}


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


WATCHED = [
    Watching(1, day("2025-12-31"), False),
    Watching(1, day("2026-01-01"), True),
    Watching(2, day("2026-01-02"), False),
    Watching(3, day("2026-03-03"), False),
]
RATED = [Rated("a", 1, 9, day("2025-12-31")), Rated("b", 2, 4, day("2026-01-02")), Rated("c", 4, 10, day("2026-02-01"))]


def test_a_year_counts_what_happened_in_it() -> None:
    found = statistics(2026, WATCHED, RATED, FILMS)
    assert (found.watch_count, found.movie_count, found.rewatch_count, found.minutes_watched) == (3, 3, 1, 258)
    assert (found.ratings.count, found.ratings.mean, found.longest_streak_days) == (2, 3.5, 2)
    assert found.ratings.counts == (0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1)
    assert [bucket.name for bucket in found.by_period] == [f"2026-{month:02d}" for month in range(1, 13)]
    assert found.by_period[0] == Bucket("2026-01", 2, 1, 2.0)
    assert found.by_period[1] == Bucket("2026-02", 0, 1, 5.0)
    assert [(bucket.name, bucket.watch_count) for bucket in found.by_genre] == [
        ("Comedy", 1),
        ("Action", 1),
        ("Sci-Fi", 1),
    ]
    assert found.by_decade == [Bucket("1990", 1, 0, 0.0), Bucket("2000", 1, 1, 2.0)]
    assert [bucket.name for bucket in found.by_country] == ["DE", "FR", "US"]
    assert found.highest_rated == ["c", "b"]
    assert found.years_available == [2026, 2025]


def test_all_years_together_have_a_slice_each() -> None:
    found = statistics(0, WATCHED, RATED, FILMS)
    assert [(bucket.name, bucket.watch_count, bucket.rating_count) for bucket in found.by_period] == [
        ("2025", 1, 1),
        ("2026", 3, 2),
    ]
    assert (found.watch_count, found.movie_count, found.longest_streak_days) == (4, 3, 3)
    assert found.by_director[0] == Bucket("Lana Wachowski", 2, 1, 4.5)
    assert found.highest_rated == ["c", "a", "b"]


def test_a_year_without_anything_is_empty_and_whole() -> None:
    found = statistics(1987, WATCHED, RATED, FILMS)
    assert (found.watch_count, found.ratings.count, found.longest_streak_days) == (0, 0, 0)
    assert len(found.by_period) == 12 and not found.by_genre
    assert statistics(0, [], [], {}).by_period == []


def test_names_shown_are_bounded_and_decades_are_in_order() -> None:
    films = {one: FilmFacts(1900 + one * 3, 1, (), (f"Director {one}",), (f"C{one}",)) for one in range(30)}
    watched = [Watching(one, day("2026-01-01"), False) for one in range(30)]
    found = statistics(0, watched, [], films)
    assert (len(found.by_director), len(found.by_country)) == (20, 20)
    names = [int(bucket.name) for bucket in found.by_decade]
    assert names == sorted(names) and names[0] == 1900
