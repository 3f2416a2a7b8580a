from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cine_starter import DEFAULT_SEED, Audience, StarterFilm, load_films, synthesise, write_movielens
from cine_starter.audience import END, FEATURES, START, film_vectors
from cine_starter.folder import movielens_title


@pytest.fixture(scope="module")
def films() -> list[StarterFilm]:
    return load_films()


@pytest.fixture(scope="module")
def audience(films: list[StarterFilm]) -> Audience:
    return synthesise(films, DEFAULT_SEED)


def test_ratings_look_like_ratings(films: list[StarterFilm], audience: Audience) -> None:
    assert audience.user.min() == 1
    assert audience.user.max() == 600
    assert set(np.unique(audience.rating)) <= set(np.arange(0.5, 5.01, 0.5))
    assert 3.2 < audience.rating.mean() < 3.9
    per_user = np.bincount(audience.user)[1:]
    assert per_user.min() == 20
    assert per_user.max() <= len(films) // 2
    pairs = audience.user * 10_000 + audience.film
    assert len(np.unique(pairs)) == len(pairs), "nobody rates a film twice"
    whole = [np.all(audience.rating[audience.user == user] % 1 == 0) for user in range(1, 601)]
    assert 0.1 < np.mean(whole) < 0.3


def test_popularity_has_a_long_tail(films: list[StarterFilm], audience: Audience) -> None:
    counts = np.sort(np.bincount(audience.film, minlength=len(films)))[::-1]
    top = counts[: len(films) // 10].sum() / counts.sum()
    assert 0.2 < top < 0.6
    assert counts[-1] < counts[0] / 8


def test_times_lie_in_ten_years_and_after_the_release(films: list[StarterFilm], audience: Audience) -> None:
    assert audience.timestamp.min() >= START
    assert audience.timestamp.max() < END
    years = np.array([film.year for film in films])[audience.film]
    rated = 1970 + audience.timestamp / (365.2425 * 86_400)
    assert np.all((rated >= years) | (years >= 2024))
    for user in (1, 77, 600):
        assert np.all(np.diff(audience.timestamp[audience.user == user]) >= 0)


def test_the_seed_decides_everything(films: list[StarterFilm], audience: Audience) -> None:
    again, other = synthesise(films, DEFAULT_SEED), synthesise(films, DEFAULT_SEED + 1)
    assert np.array_equal(again.rating, audience.rating)
    assert np.array_equal(again.timestamp, audience.timestamp)
    assert again.tags == audience.tags
    assert not np.array_equal(other.film[:500], audience.film[:500])


def test_a_collaborative_model_learns_what_to_show(films: list[StarterFilm], audience: Audience) -> None:
    """EASE on four fifths of each person's films beats popularity on the rest clearly."""
    people, random = int(audience.user.max()), np.random.default_rng(0)
    seen = np.zeros((people, len(films)))
    hidden = np.zeros((people, len(films)), dtype=bool)
    held_out = random.random(len(audience.user)) < 0.2
    seen[audience.user[~held_out] - 1, audience.film[~held_out]] = 1
    hidden[audience.user[held_out] - 1, audience.film[held_out]] = True
    inverse = np.linalg.inv(seen.T @ seen + 100 * np.eye(len(films)))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)

    def recall(scores: Any) -> float:
        ranked = np.argsort(-np.where(seen > 0, -np.inf, scores), axis=1)[:, :10]
        hits = np.take_along_axis(hidden, ranked, axis=1).sum(axis=1)
        return float(np.mean(hits / np.maximum(1, np.minimum(10, hidden.sum(axis=1)))))

    popular = recall(np.tile(seen.sum(axis=0), (people, 1)))
    assert recall(seen @ weights) > popular * 1.15
    assert popular > 2 * recall(random.random((people, len(films))))


def test_ratings_follow_taste_and_not_only_the_film(films: list[StarterFilm], audience: Audience) -> None:
    """Two people who agree on half of their common films agree on the other half more than strangers do."""
    matrix = np.full((600, len(films)), np.nan)
    matrix[audience.user - 1, audience.film] = audience.rating
    residual = matrix - np.nanmean(matrix, axis=1, keepdims=True) - (np.nanmean(matrix, axis=0) - np.nanmean(matrix))
    filled = np.nan_to_num(residual)
    even, odd = filled[:, ::2] @ filled[:, ::2].T, filled[:, 1::2] @ filled[:, 1::2].T
    upper = np.triu_indices(600, 1)
    assert np.corrcoef(even[upper], odd[upper])[0, 1] > 0.25


def test_film_vectors_are_finite_and_distinguish_looks(films: list[StarterFilm]) -> None:
    vectors = film_vectors(films)
    assert vectors.shape == (len(films), len(FEATURES))
    assert np.isfinite(vectors).all()
    column = FEATURES.index("black-and-white")
    assert {bool(value) for value in vectors[:, column]} == {True, False}


def test_the_folder_is_movielens_format_labelled_and_reproducible(films: list[StarterFilm], tmp_path: Path) -> None:
    assert write_movielens(tmp_path / "a") == len(films)
    write_movielens(tmp_path / "b")
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    manifest = json.loads((tmp_path / "a/manifest.json").read_text())
    assert manifest["synthetic_audience"] is True
    assert manifest["films"] == len(films)
    assert "SYNTHETIC" in (tmp_path / "a/README.txt").read_text()
    with (tmp_path / "a/movies.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["movieId"]) for row in rows] == [film.id for film in films]
    assert all(row["title"].endswith(f"({film.year})") for row, film in zip(rows, films, strict=True))
    lines = (tmp_path / "a/ratings.csv").read_text().splitlines()
    assert lines[0] == "userId,movieId,rating,timestamp"
    assert len(lines) == manifest["ratings"] + 1
    assert not list((tmp_path / "a").glob(".*.tmp"))


def test_english_articles_go_behind_as_movielens_writes_them(films: list[StarterFilm]) -> None:
    third_man = next(film for film in films if film.title == "The Third Man")
    assert movielens_title(third_man) == "Third Man, The (1949)"
