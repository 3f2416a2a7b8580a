"""Logs of ratings for the tests of signals."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from cine_recommender.interactions import History, Interactions
from cine_recommender.signals.signal import FilmFacts

PEOPLE, FILMS = 60, 45
UNRATED = FILMS - 1
"""A film that nobody rated: signals know its number and nothing else."""


def ratings_log(seed: int = 1, people: int = PEOPLE, films: int = FILMS) -> Interactions:
    """People of three tastes; each rates films of its own taste higher, and each has a few of the others'. The last film has no rating."""
    draw = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        taste = person % 3
        count = int(draw.integers(5, films // 2))
        likely = np.where(np.arange(films - 1) % 3 == taste, 4.0, 1.0)
        seen = draw.choice(films - 1, size=count, replace=False, p=likely / likely.sum())
        stars = np.where(
            seen % 3 == taste, draw.choice([4, 4.5, 5], count), draw.choice([0.5, 1.5, 2.5, 3, 3.5], count)
        )
        times = np.sort(draw.integers(1_000_000_000, 1_020_000_000, count))
        rows += [
            (person, int(film), float(star), int(time)) for film, star, time in zip(seen, stars, times, strict=True)
        ]
    people_, films_, stars_, times_ = (np.array(column) for column in zip(*rows, strict=True))
    return Interactions(
        people_.astype(np.int32), films_.astype(np.int32), stars_.astype(np.float32), times_.astype(np.int64),
        np.arange(people, dtype=np.int64) + 100, np.arange(films, dtype=np.int32) + 1000,
    )  # fmt: skip


def history(*rated: tuple[int, float]) -> History:
    """Films with stars, a day between one and the next."""
    films, stars = ([one[0] for one in rated], [one[1] for one in rated])
    times = 1_010_000_000 + 86_400 * np.arange(len(rated), dtype=np.int64)
    return History(np.array(films, dtype=np.int32), np.array(stars, dtype=np.float32), times)


def film_facts(films: int = FILMS, seed: int = 5) -> FilmFacts:
    """Films whose words, genres and makers go with the three tastes, some with none."""
    draw = np.random.default_rng(seed)
    taste = np.arange(films) % 3
    words = (draw.random((films, 12)) < np.where(np.arange(12) % 3 == taste[:, None], 0.6, 0.1)).astype(np.float32)
    words[::11] = 0
    meaning = draw.standard_normal((films, 8)).astype(np.float32) + 2 * np.eye(8, dtype=np.float32)[taste]
    meaning[4::13] = 0
    return FilmFacts(
        years=(1990 + draw.integers(0, 30, films)).astype(np.int32),
        genres=np.eye(4, dtype=np.float32)[taste],
        terms=sp.csr_matrix(words / np.maximum(np.linalg.norm(words, axis=1, keepdims=True), 1)),
        people=sp.csr_matrix((draw.random((films, 10)) < 0.2).astype(np.float32)),
        keywords=sp.csr_matrix(words[:, :6]),
        meaning=meaning / np.maximum(np.linalg.norm(meaning, axis=1, keepdims=True), 1e-9),
        runtimes=draw.integers(80, 180, films).astype(np.int32),
    )


@pytest.fixture(scope="session")
def log() -> Interactions:
    return ratings_log()
