"""A year in film: what somebody watched and rated, counted by month, genre, decade, director and country."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cine_ratings.domain.counts import Histogram, histogram

MOST_NAMES: Final = 20
"""Directors and countries shown, at most."""

HIGHEST: Final = 10
"""Films rated highest shown, at most."""


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What statistics need to know of a film.

    Attributes:
        year: of first release; 0 when unknown.
        runtime_minutes: its length; 0 when unknown.
        genres: its genres.
        directors: its directors.
        countries: where it was made, ISO 3166-1 alpha-2.
    """

    year: int = 0
    runtime_minutes: int = 0
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()


UNKNOWN_FILM: Final = FilmFacts()


@dataclass(frozen=True, slots=True)
class Watching:
    """A diary entry, as far as it is counted."""

    movie_id: int
    watched_on: dt.date
    rewatch: bool


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating, as far as it is counted; `rated_on` is the day in UTC on which the film was first rated."""

    rating_id: str
    movie_id: int
    overall: int
    rated_on: dt.date


@dataclass(frozen=True, slots=True)
class Bucket:
    """One slice.

    Attributes:
        name: what it is of.
        watch_count: films watched, each time.
        rating_count: ratings.
        average_rating: mean of those ratings in stars, 0 to 5; 0 without any.
    """

    name: str
    watch_count: int
    rating_count: int
    average_rating: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was counted; the fields are those of `GetMyStatisticsResponse`."""

    year: int
    watch_count: int
    movie_count: int
    rewatch_count: int
    minutes_watched: int
    ratings: Histogram
    by_period: Sequence[Bucket]
    by_genre: Sequence[Bucket]
    by_decade: Sequence[Bucket]
    by_director: Sequence[Bucket]
    by_country: Sequence[Bucket]
    highest_rated: Sequence[str]
    longest_streak_days: int
    years_available: Sequence[int]


def statistics(
    year: int, watched: Iterable[Watching], rated: Iterable[Rated], films: Mapping[int, FilmFacts]
) -> Statistics:
    """Counts.

    Args:
        year: the calendar year wanted; 0 for all together.
        watched: the whole diary.
        rated: all ratings.
        films: those of them that are known; others count as films without any facts.
    """
    watched, rated = list(watched), list(rated)
    years = {one.watched_on.year for one in watched} | {one.rated_on.year for one in rated}
    if year:
        watched = [one for one in watched if one.watched_on.year == year]
        rated = [one for one in rated if one.rated_on.year == year]
    slices = _Slices(watched, rated, films)
    if year:
        periods = [f"{year:04d}-{month:02d}" for month in range(1, 13)]
        by_period = slices.by_day(lambda day: f"{day.year:04d}-{day.month:02d}", periods)
    else:
        by_period = slices.by_day(lambda day: f"{day.year:04d}", [f"{one:04d}" for one in sorted(years)])
    best = sorted(rated, key=lambda one: (one.overall, one.rated_on, one.rating_id), reverse=True)[:HIGHEST]
    return Statistics(
        year=year,
        watch_count=len(watched),
        movie_count=len({one.movie_id for one in watched}),
        rewatch_count=sum(one.rewatch for one in watched),
        minutes_watched=sum(films.get(one.movie_id, UNKNOWN_FILM).runtime_minutes for one in watched),
        ratings=histogram(one.overall for one in rated),
        by_period=by_period,
        by_genre=slices.by_film(lambda film: film.genres),
        by_decade=sorted(slices.by_film(_decade), key=lambda bucket: int(bucket.name)),
        by_director=slices.by_film(lambda film: film.directors)[:MOST_NAMES],
        by_country=slices.by_film(lambda film: film.countries)[:MOST_NAMES],
        highest_rated=[one.rating_id for one in best],
        longest_streak_days=longest_streak(one.watched_on for one in watched),
        years_available=sorted(years, reverse=True),
    )


def longest_streak(days: Iterable[dt.date]) -> int:
    """Returns the length of the longest run of consecutive days."""
    longest, run, last = 0, 0, None
    for number in sorted({day.toordinal() for day in days}):
        run = run + 1 if last is not None and number == last + 1 else 1
        longest, last = max(longest, run), number
    return longest


def _decade(film: FilmFacts) -> tuple[str, ...]:
    return (str(film.year // 10 * 10),) if film.year else ()


class _Tally:
    """Counts of one slice while they are made."""

    __slots__ = ("halves", "rated", "watched")

    def __init__(self) -> None:
        self.watched = 0
        self.rated = 0
        self.halves = 0

    def bucket(self, name: str) -> Bucket:
        return Bucket(name, self.watched, self.rated, self.halves / 2 / self.rated if self.rated else 0.0)


class _Slices:
    """Cuts the same watchings and ratings in different ways."""

    def __init__(self, watched: Sequence[Watching], rated: Sequence[Rated], films: Mapping[int, FilmFacts]) -> None:
        self._watched = watched
        self._rated = rated
        self._films = films

    def by_day(self, name_of: Callable[[dt.date], str], names: Iterable[str]) -> list[Bucket]:
        """Returns a slice for each name, empty ones too, in the order given."""
        tallies = {name: _Tally() for name in names}
        for one in self._watched:
            tallies[name_of(one.watched_on)].watched += 1
        for rating in self._rated:
            tally = tallies[name_of(rating.rated_on)]
            tally.rated += 1
            tally.halves += rating.overall
        return [tally.bucket(name) for name, tally in tallies.items()]

    def by_film(self, names_of: Callable[[FilmFacts], Iterable[str]]) -> list[Bucket]:
        """Returns a slice for each name that a film gives, most watched first."""
        tallies: dict[str, _Tally] = {}
        for one in self._watched:
            for name in names_of(self._films.get(one.movie_id, UNKNOWN_FILM)):
                tallies.setdefault(name, _Tally()).watched += 1
        for rating in self._rated:
            for name in names_of(self._films.get(rating.movie_id, UNKNOWN_FILM)):
                tally = tallies.setdefault(name, _Tally())
                tally.rated += 1
                tally.halves += rating.overall
        buckets = [tally.bucket(name) for name, tally in tallies.items()]
        return sorted(buckets, key=lambda bucket: (-bucket.watch_count, -bucket.rating_count, bucket.name))
