"""The plainest rating predictor: the mean, and how far each person and film lies from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cine_recommender.interactions import Floats, Interactions, Ints
from cine_recommender.signals.signal import FilmFacts

_FILM_REG, _PERSON_REG, _EPOCHS = 10.0, 15.0, 10


class Biases:
    """Mean and biases, as Surprise's `BaselineOnly` learns them by alternating least squares, with its defaults."""

    def __init__(self, rows: Interactions) -> None:
        self._mean = float(rows.ratings.mean())
        away = rows.ratings.astype(np.float64) - self._mean
        people, films = len(rows.person_ids), len(rows.film_ids)
        self._people, self._films = np.zeros(people), np.zeros(films)
        by_person = np.bincount(rows.people, minlength=people) + _PERSON_REG
        by_film = np.bincount(rows.films, minlength=films) + _FILM_REG
        for _ in range(_EPOCHS):
            self._films = np.bincount(rows.films, away - self._people[rows.people], minlength=films) / by_film
            self._people = np.bincount(rows.people, away - self._films[rows.films], minlength=people) / by_person

    def predict(self, people: Ints, films: Ints, times: npt.NDArray[np.int64]) -> Floats:  # noqa: ARG002
        """Returns mean plus biases, float32 (n,)."""
        return (self._mean + self._people[people] + self._films[films]).astype(np.float32)


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Biases:  # noqa: ARG001
    """Learns it; there are no options."""
    return Biases(interactions)
