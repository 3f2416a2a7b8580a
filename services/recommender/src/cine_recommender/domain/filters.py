"""Which films pass a filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

Marks = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int32]

_WORDLESS: Final = frozenset({"zxx", "xx"})
"""Languages of films in which nothing is said: in ISO 639-2, and as TMDb writes it."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a film must be. Names are canonical; 0 and empty are open.

    Attributes:
        genres: it has all of them.
        excluded_genres: it has none of them.
        services: it is on one of them.
        languages: ISO 639-1; one of them is spoken.
        people: one of them directed it or played in it.
        year_min: first year; a film without a year passes only when no year is asked for.
        year_max: last year.
        runtime_min: minutes; a film of unknown length passes only when no length is asked for.
        runtime_max: minutes.
        rating_min: its mean rating is at least this, 0 to 5; a film without ratings has 0.
    """

    genres: tuple[str, ...] = ()
    excluded_genres: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    year_min: int = 0
    year_max: int = 0
    runtime_min: int = 0
    runtime_max: int = 0
    rating_min: float = 0.0


@dataclass(frozen=True, slots=True)
class FilmFilter:
    """Facts of the films of one model that filters ask for.

    Attributes:
        genres: Canonical genre names.
        services: Canonical streaming services.
        in_genre: bool (genres, films).
        on_service: bool (services, films).
        years: int32 (films), 0 unknown.
        runtimes: int32 (films), minutes, 0 unknown.
        mean_ratings: float32 (films), 0 to 5.
        languages: Rows of the films of each language, by ISO 639-1 code.
        people: Rows of the films of each director and actor, by name.
        spoken: bool (films): words are spoken in it, and some language of them is known.
    """

    genres: Sequence[str]
    services: Sequence[str]
    in_genre: Marks
    on_service: Marks
    years: Rows
    runtimes: Rows
    mean_ratings: npt.NDArray[np.float32]
    languages: Mapping[str, Rows] = field(default_factory=dict)
    people: Mapping[str, Rows] = field(default_factory=dict)
    spoken: Marks = field(init=False)

    def __post_init__(self) -> None:
        """Finds the films of which a language is known."""
        named = [rows for code, rows in self.languages.items() if code not in _WORDLESS]
        object.__setattr__(self, "spoken", self._any_of(named))

    def passing(self, filters: Filters, *, unknown: bool = False) -> Marks:
        """Return bool (films): which ones pass.

        Args:
            filters: What a film must be.
            unknown: Whether a film of which the languages, the year or the length are unknown passes where they are asked for, and one
                without words whatever the language.

        Raises:
            ValueError: A genre or service that the model does not know.
            KeyError: A language or person that it does not know.
        """
        passing = np.ones(len(self.years), dtype=bool)
        for genre in filters.genres:
            passing &= self.in_genre[self.genres.index(genre)]
        for genre in filters.excluded_genres:
            passing &= ~self.in_genre[self.genres.index(genre)]
        if filters.services:
            passing &= self.on_service[[self.services.index(name) for name in filters.services], :].any(axis=0)
        if filters.languages:
            spoken = self._any_of([self.languages[code] for code in filters.languages])
            passing &= spoken | ~self.spoken if unknown else spoken
        if filters.people:
            passing &= self._any_of([self.people[name] for name in filters.people])
        _within(passing, self.years, filters.year_min, filters.year_max, unknown)
        _within(passing, self.runtimes, filters.runtime_min, filters.runtime_max, unknown)
        if filters.rating_min > 0:
            passing &= self.mean_ratings >= np.float32(filters.rating_min)
        return passing

    def _any_of(self, rows: Sequence[Rows]) -> Marks:
        marks = np.zeros(len(self.years), dtype=bool)
        for some in rows:
            marks[some] = True
        return marks


def _within(passing: Marks, values: Rows, least: int, most: int, unknown: bool) -> None:
    if not (least or most):
        return
    within = values >= max(least, 1)
    if most:
        within &= values <= most
    if unknown:
        within |= values == 0
    passing &= within
