"""Lists that everyone knows: which films they name, and which films of the catalogue those are."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LIST = frozenset({"id", "order", "name", "description", "films"})
_FILM = frozenset({"title", "year", "note", "also", "movie_id"})
_YEARS = range(1870, 2101)
UNDATED = 0
"""Year of a film whose year the catalogue does not know."""


@dataclass(frozen=True, slots=True)
class CanonEntry:
    """A film on a list.

    Attributes:
        position: place on the list, from 1.
        title: as people know it.
        year: of its first release.
        note: what earned it the place, such as "1961".
        also: further titles that a catalogue may have it under.
        movie_id: MovieLens id, where films share title and year; 0 elsewhere.
    """

    position: int
    title: str
    year: int
    note: str
    also: tuple[str, ...] = ()
    movie_id: int = 0

    @property
    def titles(self) -> tuple[str, ...]:
        """All its titles."""
        return (self.title, *self.also)


@dataclass(frozen=True, slots=True)
class CanonList:
    """A list.

    Attributes:
        canon_id: its name in paths: lower-case words with hyphens.
        order: place among the lists.
        name: its name for people.
        description: what it is.
        entries: its films, in order.
    """

    canon_id: str
    order: int
    name: str
    description: str
    entries: tuple[CanonEntry, ...]


@dataclass(frozen=True, slots=True)
class Namesake:
    """A film of the catalogue that has one of the titles of an entry.

    Attributes:
        movie_id: the film.
        year: its year; `UNDATED` when unknown.
    """

    movie_id: int
    year: int


def resolve(entry: CanonEntry, namesakes: Collection[Namesake]) -> int:
    """Returns the id of the film that an entry means; 0 when the catalogue lacks it, or cannot tell it from others.

    A film of the very year comes before those of a year beside it (premiere and release differ), and these before films without a year.
    Of several that are equally near, the one with the entry's own id is meant, or else none is.
    """
    for near in (
        {one.movie_id for one in namesakes if one.year == entry.year},
        {one.movie_id for one in namesakes if one.year != UNDATED and abs(one.year - entry.year) == 1},
        {one.movie_id for one in namesakes if one.year == UNDATED},
    ):
        if entry.movie_id in near:
            return entry.movie_id
        if near:
            return near.pop() if len(near) == 1 else 0
    return 0


def canon_list(document: Any) -> CanonList:
    """Returns the list that a document holds.

    Raises:
        ValueError: it holds none; says what is wrong.
    """
    _require(isinstance(document, Mapping) and set(document) == _LIST, f"a list has {', '.join(sorted(_LIST))}")
    canon_id, order = document["id"], document["order"]
    _require(isinstance(canon_id, str) and len(canon_id) <= 64 and _ID.fullmatch(canon_id) is not None, "id is no name")
    _require(isinstance(order, int) and order > 0, "order is no place")
    for name in ("name", "description"):
        _require(_is_text(document[name]), f"{name} is no text")
    films = document["films"]
    _require(isinstance(films, list) and bool(films), "films are missing")
    entries = tuple(_entry(position, film) for position, film in enumerate(films, 1))
    once = {(entry.title, entry.year) for entry in entries}
    _require(len(once) == len(entries), "a film stands twice")
    return CanonList(canon_id, order, document["name"], document["description"], entries)


def _entry(position: int, film: Any) -> CanonEntry:
    where = f"film {position}"
    _require(isinstance(film, Mapping) and {"title", "year", "note"} <= set(film) <= _FILM, f"{where} has other fields")
    also, movie_id = film.get("also", []), film.get("movie_id", 0)
    _require(_is_text(film["title"]), f"{where}: title is no text")
    _require(_is_text(film["note"]), f"{where}: note is no text: put it in quotes")
    _require(isinstance(film["year"], int) and film["year"] in _YEARS, f"{where}: year is none")
    _require(isinstance(also, list) and all(_is_text(title) for title in also), f"{where}: also is no list of titles")
    _require(isinstance(movie_id, int) and movie_id >= 0, f"{where}: movie_id is none")
    return CanonEntry(position, film["title"], film["year"], film["note"], tuple(also), movie_id)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and value == value.strip()


def _require(good: bool, problem: str) -> None:
    if not good:
        raise ValueError(problem)
