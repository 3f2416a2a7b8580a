"""Every film that a list of everyone's names and the catalogue's data knows is found there, as exactly one film."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from cine_catalog.pipeline.titles import parse_title
from cine_starter.films import load_films
from cine_watchlist.canon import canon_lists
from cine_watchlist.domain.canon import CanonEntry, Namesake, resolve
from cinemesh.projections.titles import sort_title

MOVIES = Path(os.environ.get("CINE_DATA_DIR", "")) / "ml-32m" / "movies.csv"
# what MovieLens' 87,585 films lack, a list; a film that is missed for another spelling would be one more
LACKING = {
    "best-picture": 1,
    "palme-dor": 2,
    "golden-lion": 4,
    "golden-bear": 13,
    "international-feature": 2,
    "animated-feature": 1,
    "film-registry-1989-1993": 3,
}


class Shelf:
    """Films by title, as the watchlist service sees those of the catalogue; other titles aside."""

    def __init__(self, films: Iterable[tuple[int, str, int, Iterable[str]]]) -> None:
        self.titles: dict[int, str] = {}
        self.years: dict[int, int] = {}
        self.named: dict[str, list[Namesake]] = defaultdict(list)
        self.also: dict[str, list[Namesake]] = defaultdict(list)
        for movie_id, title, year, others in films:
            self.titles[movie_id], self.years[movie_id] = title, year
            self.named[sort_title(title)].append(Namesake(movie_id, year))
            for other in others:
                self.also[sort_title(other)].append(Namesake(movie_id, year))

    def find(self, entry: CanonEntry) -> int:
        return resolve(entry, [film for title in entry.titles for film in self.named[sort_title(title)]])

    def near(self, entry: CanonEntry) -> list[str]:
        """Returns films of about the year that have one of its titles in any way."""
        keys = [sort_title(title) for title in entry.titles]
        films = [film for key in keys for film in (*self.named[key], *self.also[key])]
        return [self.titles[film.movie_id] for film in films if abs(film.year - entry.year) <= 1]


@pytest.fixture(scope="module")
def movielens() -> Shelf:
    if not (os.environ.get("CINE_DATA_DIR") and MOVIES.is_file()):
        pytest.skip("CINE_DATA_DIR is unset or has no ml-32m: the lists were not compared with it")
    with MOVIES.open(encoding="utf-8", newline="") as file:
        parsed = [(int(row["movieId"]), parse_title(row["title"])) for row in csv.DictReader(file)]
    return Shelf((movie_id, film.title, film.year or 0, film.alternatives) for movie_id, film in parsed)


@pytest.fixture(scope="module")
def starter() -> Shelf:
    return Shelf((film.id, film.title, film.year, ()) for film in load_films())


def check(shelf: Shelf) -> dict[str, int]:
    """Checks what is found, and returns how many films of each list are not."""
    lacking = {}
    for canon in canon_lists():
        found = {entry: shelf.find(entry) for entry in canon.entries}
        present = [movie_id for movie_id in found.values() if movie_id]
        assert len(set(present)) == len(present), f"{canon.canon_id} means a film twice"
        for entry, movie_id in found.items():
            if movie_id:
                assert sort_title(shelf.titles[movie_id]) in {sort_title(title) for title in entry.titles}
                assert shelf.years[movie_id] == 0 or abs(shelf.years[movie_id] - entry.year) <= 1
            else:
                assert shelf.near(entry) == [], f"{canon.canon_id} misses {entry.title} ({entry.year})"
        lacking[canon.canon_id] = len(found) - len(present)
    return lacking


def test_in_the_data_of_movielens(movielens: Shelf) -> None:
    assert check(movielens) == LACKING


def test_in_the_starter_catalogue(starter: Shelf) -> None:
    lacking = check(starter)
    sizes = {canon.canon_id: len(canon.entries) for canon in canon_lists()}
    assert all(lacking[canon_id] < size for canon_id, size in sizes.items())
    assert sizes["best-picture"] - lacking["best-picture"] >= 20
