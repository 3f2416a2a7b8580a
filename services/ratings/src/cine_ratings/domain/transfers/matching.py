"""Which film a row means.

An id decides when the catalogue has it. Else titles do, from strict to loose, together with the year: exports of different
places disagree about it by one, rarely by two. **Better no answer than a wrong one**: a row is matched only when one film is
clearly likelier than any other; a tie is left to the person, with the candidates, likeliest first.

The index is made of sorted arrays of hashes rather than a dictionary of texts: a tenth of the memory, and small enough to stay.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process

from cine_ratings.domain.transfers.titles import loose, short, strict

MOST_CANDIDATES: Final = 5
ACCEPTED: Final = 0.8
"""Confidence from which on a film is taken for the one that is meant, when no other comes near."""
_SHOWN: Final = 0.35
_CLEARLY: Final = 0.05
_NEAR: Final = 0.08
"""How far behind a far better known namesake may be and still raise a doubt: a year that differs by one is that far."""
_BY_ID: Final = 1.0
_DOMINANT: Final = 30
"""A film with this many times the ratings of its namesake is the one that is meant."""
_KNOWN: Final = 20
# how much a title in common says: by what had to be forgiven to make two titles one
_STRICT, _OTHER, _LOOSE, _OTHER_LOOSE, _SHORT = range(5)
_WORTH: Final = (1.0, 0.97, 0.96, 0.92, 0.84)
_YEARS_APART: Final = (1.0, 0.93, 0.72, 0.5)
_FAR_APART: Final = 0.4
_NO_YEAR: Final = 0.86
_SAME_DIRECTOR: Final = 1.08
_OTHER_DIRECTOR: Final = 0.75
# fuzzy: the share of characters two keys have in common, and what it is worth
_FUZZY_FROM: Final = 84.0
_FUZZY_SURE: Final = 91.0
_FUZZY_LENGTH: Final = 7
_BREATH: Final = 200


@dataclass(frozen=True, slots=True)
class Film:
    """What the index knows of a film.

    Attributes:
        movie_id: its id.
        title: as people write it.
        year: of first release; 0 when unknown.
        other_titles: in its own language, in other countries.
        imdb_id: empty when unknown.
        tmdb_id: 0 when unknown.
        directors: names.
        rating_count: how many people rated it.
    """

    movie_id: int
    title: str
    year: int = 0
    other_titles: Sequence[str] = ()
    imdb_id: str = ""
    tmdb_id: int = 0
    directors: Sequence[str] = ()
    rating_count: int = 0


@dataclass(frozen=True, slots=True)
class Clue:
    """What a row says of its film; fields as in `rows.Row`.

    Attributes:
        id_only: whether only an id may decide.
    """

    title: str
    year: int = 0
    movie_id: int = 0
    imdb_id: str = ""
    tmdb_id: int = 0
    directors: tuple[str, ...] = ()
    other_title: str = ""
    id_only: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A film that may be meant, and how likely that is, 0 to 1."""

    movie_id: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Match:
    """What was found.

    Attributes:
        movie_id: the film that is meant; 0 when that is not settled.
        confidence: how sure that is, 0 to 1.
        candidates: films that may be meant when it is not settled, likeliest first, at most five.
    """

    movie_id: int = 0
    confidence: float = 0.0
    candidates: tuple[Candidate, ...] = ()


UNSETTLED: Final = Match()


class _Keys:
    """Which films have a key: parallel arrays, sorted by the key's hash."""

    def __init__(self, hashes: list[int], owners: list[int], grades: list[int]) -> None:
        keys = np.array(hashes, dtype=np.int64)
        order = np.argsort(keys, kind="stable")
        self._keys: npt.NDArray[np.int64] = keys[order]
        self._owners: npt.NDArray[np.int32] = np.array(owners, dtype=np.int32)[order]
        self._grades: npt.NDArray[np.uint8] = np.array(grades, dtype=np.uint8)[order]

    def find(self, key: str) -> Iterator[tuple[int, int]]:
        """Yields the film and the grade of each title with this key."""
        wanted = hash(key)
        start = int(np.searchsorted(self._keys, wanted, "left"))
        while start < len(self._keys) and self._keys[start] == wanted:
            yield int(self._owners[start]), int(self._grades[start])
            start += 1


class FilmIndex:
    """Films, found by ids and titles. Read-only once made, so threads may share it.

    Args:
        films: the catalogue.
        breathe: whether to let other threads run now and then while it is made.
    """

    def __init__(self, films: Iterable[Film], *, breathe: bool = False) -> None:
        self._ids: list[int] = []
        years: list[int] = []
        counts: list[int] = []
        self._directors: dict[int, frozenset[str]] = {}
        self._imdb: dict[str, int] = {}
        self._tmdb: dict[int, int] = {}
        self._titles: list[str] = []
        self._place: dict[int, int] = {}
        hashes: list[int] = []
        owners: list[int] = []
        grades: list[int] = []
        names: list[str] = []
        named: list[int] = []
        for place, film in enumerate(films):
            if breathe and place % _BREATH == 0:
                time.sleep(0)  # gives the interpreter to whoever waits for it
            self._ids.append(film.movie_id)
            self._place[film.movie_id] = place
            years.append(film.year)
            counts.append(film.rating_count)
            self._titles.append(strict(film.title))
            if film.imdb_id:
                self._imdb.setdefault(film.imdb_id, place)
            if film.tmdb_id:
                self._tmdb.setdefault(film.tmdb_id, place)
            if film.directors:
                self._directors[place] = _people(film.directors)
            seen: dict[str, int] = {}
            for rank, title in enumerate((film.title, *film.other_titles)):
                key = strict(title)
                if not rank or key not in seen:
                    names.append(key)
                    named.append(place)
                seen.setdefault(key, _OTHER if rank else _STRICT)
                seen.setdefault("~" + loose(key), _OTHER_LOOSE if rank else _LOOSE)
                head = short(title)
                if head:
                    seen.setdefault("~" + loose(head), _SHORT)
            for key, grade in seen.items():
                hashes.append(hash(key))
                owners.append(place)
                grades.append(grade)
        self._keys = _Keys(hashes, owners, grades)
        self._years = np.array(years, dtype=np.int16)
        self._counts = np.array(counts, dtype=np.int32)
        # names by year, for the search that forgives misspellings
        order = np.argsort(self._years[np.array(named, dtype=np.int32)], kind="stable") if named else np.array([], int)
        self._named = np.array(named, dtype=np.int32)[order]
        self._named_years = self._years[self._named]
        self._names = [names[place] for place in order.tolist()]

    def __len__(self) -> int:
        """Number of films."""
        return len(self._ids)

    def match(self, clue: Clue) -> Match:
        """Returns the film a row means, or those it may mean."""
        place = self._by_id(clue)
        if place is not None:
            return Match(self._ids[place], _BY_ID)
        if clue.id_only:
            return Match()
        scores = self._by_title(clue)
        if not scores or max(scores.values()) < ACCEPTED:
            for place, score in self._fuzzy(clue).items():
                scores[place] = max(score, scores.get(place, 0.0))
        return self._decided(scores)

    def _by_id(self, clue: Clue) -> int | None:
        if clue.imdb_id and clue.imdb_id in self._imdb:
            return self._imdb[clue.imdb_id]
        if clue.tmdb_id and clue.tmdb_id in self._tmdb:
            return self._tmdb[clue.tmdb_id]
        place = self._place.get(clue.movie_id)
        # an id of ours may be that of another installation: it counts where the title is that film's, too
        if place is not None and (not clue.title or strict(clue.title) == self._titles[place]):
            return place
        return None

    def _by_title(self, clue: Clue) -> dict[int, float]:
        """Returns films that share a key with the row, and how likely each is."""
        scores: dict[int, float] = {}
        people = _people(clue.directors)
        for title, forgiven in ((clue.title, 0), (clue.other_title, 0), (clue.title, 1)):
            if not title:
                continue
            if forgiven:
                head = short(title)
                keys = ["~" + loose(head)] if head else []
            else:
                key = strict(title)
                keys = [key, "~" + loose(key)]
            for key in keys:
                for place, grade in self._keys.find(key):
                    if forgiven and grade == _SHORT:
                        continue  # two titles cut to the same words: series are full of them
                    worth = _WORTH[_SHORT if forgiven else grade]
                    score = worth * self._year_agrees(clue.year, place) * self._people_agree(people, place)
                    scores[place] = max(min(score, 0.99), scores.get(place, 0.0))
        return scores

    def _year_agrees(self, year: int, place: int) -> float:
        known = int(self._years[place])
        if not year or not known:
            return _NO_YEAR
        apart = abs(year - known)
        return _YEARS_APART[apart] if apart < len(_YEARS_APART) else _FAR_APART

    def _people_agree(self, people: frozenset[str], place: int) -> float:
        known = self._directors.get(place)
        if not people or not known:
            return 1.0
        return _SAME_DIRECTOR if people & known else _OTHER_DIRECTOR

    def _fuzzy(self, clue: Clue) -> dict[int, float]:
        """Returns films of about that year whose titles are spelled nearly alike."""
        wanted = strict(clue.title)
        if len(wanted) < _FUZZY_LENGTH or not clue.year:
            return {}
        start = int(np.searchsorted(self._named_years, clue.year - 1, "left"))
        end = int(np.searchsorted(self._named_years, clue.year + 1, "right"))
        found = process.extract(
            wanted,
            self._names[start:end],
            scorer=fuzz.ratio,
            processor=None,
            score_cutoff=_FUZZY_FROM,
            limit=MOST_CANDIDATES,
        )
        people = _people(clue.directors)
        scores: dict[int, float] = {}
        for name, likeness, offset in found:
            place = int(self._named[start + offset])
            worth = _spelling(wanted, name, likeness)
            score = worth * self._year_agrees(clue.year, place) * self._people_agree(people, place)
            scores[place] = max(min(score, 0.97), scores.get(place, 0.0))
        return scores

    def _decided(self, scores: dict[int, float]) -> Match:
        ranked = sorted(scores, key=lambda place: (-scores[place], -int(self._counts[place]), self._ids[place]))
        ranked = [place for place in ranked if scores[place] >= _SHOWN][: MOST_CANDIDATES * 2]
        if not ranked:
            return Match()
        best = ranked[0]
        if scores[best] >= ACCEPTED:
            near = [place for place in ranked[1:] if scores[best] - scores[place] < _NEAR]
            tied = [place for place in near if scores[best] - scores[place] < _CLEARLY]
            known = max((best, *near), key=lambda place: int(self._counts[place]))
            dwarfed = self._dwarfs(known, [place for place in (best, *tied) if place != known])
            if not tied and (known == best or not dwarfed):
                return Match(self._ids[best], round(scores[best], 3))
            if dwarfed and (known == best or known in tied):
                return Match(self._ids[known], round(scores[known] * 0.95, 3))
        shown = ranked[:MOST_CANDIDATES]
        return Match(candidates=tuple(Candidate(self._ids[place], round(scores[place], 3)) for place in shown))

    def _dwarfs(self, place: int, others: Sequence[int]) -> bool:
        count = int(self._counts[place])
        return count >= _KNOWN and all(count >= _DOMINANT * max(int(self._counts[other]), 1) for other in others)


def _spelling(wanted: str, name: str, likeness: float) -> float:
    """Returns what nearly the same spelling is worth, 0 to 1.

    Numbers that differ make another film ("Saw 2", "Saw 3"), and so does a word more ("Alien", "Aliens" is told by its length).
    """
    if [word for word in wanted.split() if word.isdigit()] != [word for word in name.split() if word.isdigit()]:
        return 0.5
    if likeness < _FUZZY_SURE:
        return 0.7
    return 0.84 + (likeness - _FUZZY_SURE) / (100.0 - _FUZZY_SURE) * 0.08


def _people(names: Iterable[str]) -> frozenset[str]:
    # initials are spaced at will ("D.W." and "D. W."), so spaces do not count
    return frozenset(strict(name).replace(" ", "") for name in names)
