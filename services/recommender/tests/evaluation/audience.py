"""A synthetic audience of which it is known what a good model does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from cine_recommender.evaluation.reading import Log
from cine_recommender.interactions import Floats, History, Interactions, stack
from cine_recommender.signals.signal import Contribution, FilmFacts

from .logs import Row, log_of

FILMS, TASTES = 90, 3


def audience(people: int = 60, seed: int = 0) -> Log:
    """Everybody has one of three tastes and rates films of it 4 to 5, others 1 to 2; one in five films is of another taste."""
    lots = np.random.default_rng(seed)
    rows: list[Row] = []
    for person in range(people):
        own = np.flatnonzero(np.arange(FILMS) % TASTES == person % TASTES)
        other = np.flatnonzero(np.arange(FILMS) % TASTES != person % TASTES)
        films = np.concatenate([lots.choice(own, 16, replace=False), lots.choice(other, 4, replace=False)])
        began = int(lots.integers(0, 1_000_000))
        for at, film in enumerate(lots.permutation(films)):
            liked = film % TASTES == person % TASTES
            rows.append(
                (person, int(film), float(lots.choice([4.0, 5.0] if liked else [1.0, 2.0])), began + 20_000 * at)
            )
    films_table = pl.DataFrame(
        {
            "movie_id": np.arange(100, 100 + FILMS, dtype=np.int32),
            "title": [f"Film {film}" for film in range(FILMS)],
            "year": np.full(FILMS, 1990, np.int32),
            "genres": [["Drama", "War", "Comedy"][film % TASTES : film % TASTES + 1] for film in range(FILMS)],
        }
    )
    tags = pl.DataFrame(schema={"person_id": pl.Int64, "movie_id": pl.Int32, "tag": pl.String, "timestamp": pl.Int64})
    return Log("audience", log_of(rows, people, FILMS), films_table, tags, "of the audience")


@dataclass
class Table:
    """A signal that says what its matrix (films, films) says of the films of a history, times `sign`."""

    weights: Floats
    sign: float = 1.0
    name: ClassVar[str] = "table"

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:
        assert now is not None and len(now) == len(histories)
        liked = stack(histories, len(self.weights), [(one.ratings - 3).astype(np.float32) for one in histories])
        return np.asarray(self.sign * (liked @ self.weights), dtype=np.float32)

    def explain(self, history: History, film: int) -> list[Contribution]:
        return []

    def save(self, folder: Path) -> None:
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Self:
        raise NotImplementedError


def fit_taste(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Table:
    """Knows which films are of one taste from their genres: the best there can be, or with `sign` -1 the worst."""
    assert facts is not None
    return Table((facts.genres @ facts.genres.T).astype(np.float32), options.get("sign", 1.0))


def fit_lots(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Table:
    """Knows nothing."""
    return Table(np.random.default_rng(seed).normal(size=(FILMS, FILMS)).astype(np.float32))


def fit_half(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Table:
    """Knows tastes, but not well."""
    assert facts is not None
    weights = facts.genres @ facts.genres.T + 4 * np.random.default_rng(seed).normal(size=(FILMS, FILMS))
    return Table(weights.astype(np.float32))
