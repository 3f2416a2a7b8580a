"""Finding the film a row means: what is forgiven, and what is not."""

from __future__ import annotations

import csv
import os
import random
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from cine_ratings.domain.transfers.matching import Clue, Film, FilmIndex, Match
from cine_ratings.domain.transfers.titles import in_front, loose, short, strict
from cinemesh.testing.histories import history, noisy

FILMS = (
    Film(1, "The Matrix", 1999, imdb_id="tt0133093", tmdb_id=603, rating_count=80_000),
    Film(2, "The Matrix Reloaded", 2003, rating_count=30_000),
    Film(3, "Amélie", 2001, other_titles=("Le Fabuleux Destin d'Amélie Poulain",)),
    Film(4, "Home", 2015, rating_count=900),
    Film(5, "Home", 2016, rating_count=800),
    Film(6, "Home", 2009, rating_count=3),
    Film(7, "The Good, the Bad and the Ugly", 1966, other_titles=("Il buono, il brutto, il cattivo",)),
    Film(8, "Rocky II", 1979),
    Film(9, "Rocky III", 1982),
    Film(10, "WALL·E", 2008),
    Film(11, "Star Wars: Episode IV - A New Hope", 1977, other_titles=("Star Wars",), rating_count=70_000),
    Film(12, "Star Wars: Episode V - The Empire Strikes Back", 1980),
    Film(13, "Fargo", 1996),
    Film(14, "Cold War", 2018, directors=("Pawel Pawlikowski",), rating_count=300),
    Film(15, "Cold War", 2018, directors=("J. Wilder Konschak",), rating_count=250),
    Film(16, "Aladdin", 1992, rating_count=40_000),
    Film(17, "Aladdin", 1992, rating_count=12),
    Film(18, "Reservoir Dogs", 1992, rating_count=30_000),
    Film(19, "Reservoir Dogs", 1991, rating_count=4),
    Film(20, "Se7en", 1995, other_titles=("Seven",)),
    Film(21, "Kill Bill: Vol. 1", 2003),
    Film(22, "Kill Bill: Vol. 2", 2004),
    Film(23, "$", 1971),
    Film(24, "Eternal Sunshine of the Spotless Mind", 2004),
    Film(25, "Saw II", 2005),
    Film(26, "Saw III", 2006),
    Film(27, "Paths of Glory"),
    Film(28, "Blue Velvet", 1986),
    Film(29, "Crash", 1996),
    Film(30, "Crash", 2004),
)
INDEX = FilmIndex(FILMS)


def match(title: str, year: int = 0, **more: object) -> Match:
    return INDEX.match(Clue(title, year, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("title", "year", "movie_id"),
    [
        ("The Matrix", 1999, 1),
        ("the matrix", 1999, 1),
        ("Matrix, The", 1999, 1),
        ("Matrix", 1999, 1),
        ("The Matrix", 1998, 1),
        ("Amelie", 2001, 3),
        ("AME\u0301LIE", 2002, 3),
        ("Le fabuleux destin d’Amelie Poulain", 2001, 3),
        ("Fabuleux destin d'Amélie Poulain, Le", 2001, 3),
        ("Good, the Bad & the Ugly, The", 1966, 7),
        ("The Good The Bad And The Ugly", 1966, 7),
        ("Buono, il brutto, il cattivo, Il", 1966, 7),
        ("Rocky 2", 1979, 8),
        ("Rocky Part II", 1979, 8),
        ("Rocky III", 1982, 9),
        ("Wall-E", 2008, 10),
        ("WALL•E", 2008, 10),
        ("Star Wars", 1977, 11),
        ("Star Wars - Episode 4: A New Hope", 1977, 11),
        ("Seven", 1995, 20),
        ("Kill Bill Volume 1", 2003, 21),
        ("Kill Bill 2", 2004, 22),
        ("$", 1971, 23),
        ("Eternal Sunshine of a Spotless Mind", 2004, 24),
        ("Eternal Sunshine on the Spotless Mind", 2005, 24),
        ("Paths of Glory", 1957, 27),  # the catalogue does not know the year
        ("Blue Velvet", 0, 28),  # nor does the row
        ("Home", 2015, 4),
        ("Home", 2016, 5),
        ("Home", 2009, 6),
        ("Crash", 1995, 29),
        ("Crash", 2005, 30),
    ],
)
def test_spellings_of_one_title_are_one(title: str, year: int, movie_id: int) -> None:
    found = match(title, year)
    assert (found.movie_id, found.candidates) == (movie_id, ())
    assert 0.7 < found.confidence <= 1.0


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("The Matrix", 2012),  # somebody else's film of that name
        ("The Matrix Resurrections", 2021),
        ("Rocky", 1976),
        ("Rocky IV", 1985),
        ("Fargo 2", 1998),
        ("Farg", 1996),  # too short to forgive a letter
        ("Saw IV", 2007),
        ("Star Wars: The Clone Wars", 2008),
        ("Kill Bill: Vol. 3", 2004),
        ("Red Velvet", 1986),
        ("", 1999),
        ("???", 1971),
    ],
)
def test_a_film_that_is_not_there_is_not_another_one(title: str, year: int) -> None:
    assert match(title, year).movie_id == 0


def test_equal_chances_are_left_to_the_person() -> None:
    tied = match("Cold War", 2018)
    assert tied.movie_id == 0
    assert [candidate.movie_id for candidate in tied.candidates] == [14, 15]
    assert 0.9 < tied.candidates[0].confidence < 1
    assert match("Cold War", 2018, directors=("Pawel Pawlikowski",)).movie_id == 14
    assert match("Cold War", 2018, directors=("J.Wilder Konschak",)).movie_id == 15
    assert [one.movie_id for one in match("Crash").candidates] == [29, 30]
    assert match("Crash", 2000).movie_id == 0


def test_everybodys_film_is_meant_rather_than_its_unknown_namesake() -> None:
    famous = match("Aladdin", 1992)
    assert famous.movie_id == 16 and famous.confidence < 0.96
    # a year that is right by chance raises a doubt, no more
    doubtful = match("Reservoir Dogs", 1991)
    assert doubtful.movie_id == 0
    assert {candidate.movie_id for candidate in doubtful.candidates} == {18, 19}
    assert match("Reservoir Dogs", 1992).movie_id == 18


def test_an_id_decides_whatever_the_title_says() -> None:
    assert match("Matriks", 2007, imdb_id="tt0133093") == Match(1, 1.0)
    assert match("Matriks", 2007, tmdb_id=603).movie_id == 1
    assert match("The Matrix", 1999, imdb_id="tt7777777").movie_id == 1, "an id that is not known says nothing"
    assert match("Fargo", 1996, id_only=True) == Match()
    assert match("Fargo", 2014, imdb_id="tt0133093", id_only=True).movie_id == 1


def test_an_id_of_ours_counts_where_the_title_agrees() -> None:
    assert match("Home", 2015, movie_id=5).movie_id == 5
    assert match("", 0, movie_id=5).movie_id == 5
    assert match("The Matrix", 1999, movie_id=5).movie_id == 1, "another installation numbers films otherwise"


def test_candidates_are_at_most_five_and_likeliest_first() -> None:
    crowd = FilmIndex(Film(number, "Home", 2000 + number % 3) for number in range(1, 20))
    found = crowd.match(Clue("Home", 2001))
    assert found.movie_id == 0 and len(found.candidates) == 5
    chances = [candidate.confidence for candidate in found.candidates]
    assert chances == sorted(chances, reverse=True)


def test_keys() -> None:
    assert strict("Les Misérables") == strict("les miserables") == "les miserables"
    assert strict("Æon Flux") == "aeon flux" and strict("Straße") == "strasse"
    assert strict("You & Me") == strict("You and Me") and strict("8½") == strict("8 1/2")
    assert loose(strict("The Lord of the Rings")) == loose(strict("Lord of the Rings"))
    assert loose(strict("V for Vendetta")) == "vforvendetta" and loose(strict("Rocky V")) == "rocky5"
    assert loose(strict("X")) == "x" and loose(strict("The The")) != ""
    assert short("Star Wars: Episode IV - A New Hope") == "star wars"
    assert short("The Thing (1982)") == "the thing" and short("Alien") == "" and short("Up: X") == ""
    assert in_front("Thing, The (1982 cut)") == "The Thing (1982 cut)" and in_front("Atalante, L'") == "L'Atalante"


def test_noise_makes_other_texts_of_the_same_titles() -> None:
    rng = random.Random(1)
    made = [noisy("The Good, the Bad and the Ugly: Café", 1966, rng) for _ in range(300)]
    titles = {title for title, _ in made}
    assert len(titles) > 12
    assert {"Good, the Bad and the Ugly: Café, The", "The Good, the Bad & the Ugly: Café"} <= titles
    assert 15 < sum(year != 1966 for _, year in made) < 50


def _real_films() -> list[Film]:
    folder = os.environ.get("CINE_DATA_DIR")
    path = Path(folder) / "ml-32m" / "movies.csv" if folder else Path("nowhere")
    if not path.exists():
        pytest.skip("needs ml-32m/movies.csv under CINE_DATA_DIR")
    ratings = path.parent.parent / "ml-latest-2023-slice" / "ratings.csv"
    with ratings.open() as lines:
        counts = Counter(line.split(",", 2)[1] for line in lines)
    films = []
    with path.open(encoding="utf-8") as lines:
        for movie_id, written, _ in list(csv.reader(lines))[1:]:
            found = re.fullmatch(r"(.*?)((?: \([^()]*\))*) \((\d{4})\)\s*", written)
            title, others, year = (found[1], found[2], int(found[3])) if found else (written, "", 0)
            names = tuple(in_front(name) for name in re.findall(r"\(([^()]*)\)", others))
            films.append(Film(int(movie_id), in_front(title), year, names, rating_count=counts[movie_id]))
    return films


@pytest.mark.slow
@pytest.mark.parametrize("first_year", [0, 1980])
def test_real_titles_with_the_differences_of_real_exports_are_matched(first_year: int) -> None:
    rng = random.Random(42)
    films = [film for film in _real_films() if film.year >= first_year]
    assert len(films) > 60_000
    absent = set(rng.sample(range(len(films)), len(films) // 50))
    index = FilmIndex(film for place, film in enumerate(films) if place not in absent)
    known = [(film.movie_id, film.title, film.year) for place, film in enumerate(films) if place not in absent]
    rows = history(known, [(films[place].title, films[place].year) for place in absent], 5_000, rng)
    started = time.perf_counter()
    found = [index.match(Clue(row.title, row.year)).movie_id for row in rows]
    seconds = time.perf_counter() - started
    there = sum(1 for row in rows if row.movie_id)
    right = sum(1 for row, movie_id in zip(rows, found, strict=True) if movie_id and movie_id == row.movie_id)
    wrong = sum(1 for row, movie_id in zip(rows, found, strict=True) if movie_id not in (0, row.movie_id))
    assert right / there >= 0.97, f"{right} of {there}"
    assert wrong / len(rows) <= 0.005, f"{wrong} of {len(rows)}"
    assert seconds < 5
