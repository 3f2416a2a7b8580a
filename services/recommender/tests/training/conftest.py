from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import pytest

from cine_recommender.evaluation.reading import Log
from cine_recommender.training.outcome import TrainingJob

from ..conftest import write_merged
from ..evaluation.audience import FILMS, TASTES, audience

GENRES = ("Drama", "War", "Comedy")
Rating = tuple[int, int, float, int]


def write_catalogue(folder: Path, *, more: int = 0) -> Path:
    """Writes a merged catalogue of the audience's films, and of some that nobody rated."""
    rows: list[dict[str, object]] = [
        {
            "movie_id": 100 + film,
            "title": f"Film {film}",
            "year": 1990,
            "genres": GENRES[film % TASTES],
            "directors": f"Director {film % 7}",
            "keywords": f"word{film % TASTES}|thing{film % 5}",
            "overview": f"A {GENRES[film % TASTES].lower()} about thing {film % 5}.",
            "average_rating": 3.5,
            "rating_count": 10,
        }
        for film in range(FILMS + more)
    ]
    return write_merged(folder / "data" / "movies_merged.csv", rows)


def ratings_of(log: Log) -> list[Rating]:
    known = log.interactions
    return [
        (int(known.person_ids[person]) + 1, int(known.film_ids[film]), float(stars), int(at))
        for person, film, stars, at in zip(known.people, known.films, known.ratings, known.times, strict=True)
    ]


def write_ratings(folder: Path, rows: Iterable[Rating]) -> Path:
    """Writes a folder in MovieLens format."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "movies.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ("movieId", "title", "genres"),
                *((100 + film, f"Film {film} (1990)", GENRES[film % TASTES]) for film in range(FILMS)),
            ]
        )
    with (folder / "ratings.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("userId", "movieId", "rating", "timestamp"), *rows])
    return folder


@pytest.fixture
def job(tmp_path: Path) -> TrainingJob:
    """A job on a small catalogue and an audience of which it is known what they like; serves at once."""
    merged = write_catalogue(tmp_path)
    folder = write_ratings(tmp_path / "ratings", ratings_of(audience(80)))
    return TrainingJob(merged_csv=merged, var_dir=tmp_path / "var", folder=folder, activate=True)
