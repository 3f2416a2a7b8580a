"""SVD: ratings as mean, biases and the product of two vectors, learned by stochastic gradient descent (Funk, 2006; Surprise's `SVD`).

The algorithm and its defaults are Surprise's: one rating after the other, each updating its person and its film. Steps that share neither
do not touch each other, so they are taken together: a rating's step comes right after the last one of its person and of its film, and
the result is that of the loop. Only the loop's order is drawn by lot instead of one person after the other: that way far more
are apart.

It predicts ratings. Ranked by what it predicts, films are recommended poorly: people choose what they rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from cine_recommender.interactions import Floats, History, Interactions, Ints
from cine_recommender.signals.signal import Contribution, FilmFacts
from cine_recommender.signals.storage import Array, read_arrays, write_arrays
from cine_recommender.signals.weighing import within

Doubles = npt.NDArray[np.float64]


class SvdOptions(BaseModel):
    """How it is learned; the defaults are Surprise's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factors: int = Field(default=100, ge=1, le=1024)
    epochs: int = Field(default=20, ge=1)
    rate: float = Field(default=0.005, gt=0, description="length of a step")
    reg: float = Field(default=0.02, ge=0)
    spread: float = Field(default=0.1, gt=0, description="standard deviation of the vectors it starts from")
    folded: float = Field(default=5.0, gt=0, description="ridge when a history is folded in")


class Svd:
    """Predicted ratings, for people it learned (`predict`) and for any history (`scores`).

    Args:
        mean: of all ratings.
        people: float64 (people, factors + 1): bias, then vector.
        films: float64 (films, factors + 1).
        options: how it was learned.
    """

    name: ClassVar[str] = "svd"

    def __init__(self, mean: float, people: Doubles, films: Doubles, options: SvdOptions) -> None:
        self._mean = mean
        self._people = people
        self._films = films
        self._options = options

    def predict(self, people: Ints, films: Ints, times: npt.NDArray[np.int64] | None = None) -> Floats:  # noqa: ARG002
        """Returns the rating each person would give a film, float32 (n,), 0.5 to 5.

        Args:
            people: int32 (n,), of the interactions it learned from.
            films: int32 (n,).
            times: does not matter.
        """
        one, other = self._people[people], self._films[films]
        told = self._mean + one[:, 0] + other[:, 0] + np.einsum("nk,nk->n", one[:, 1:], other[:, 1:])
        stars: Floats = np.clip(told, 0.5, 5).astype(np.float32)
        return stars

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:  # noqa: ARG002
        """Returns by how much each predicted rating is above the mean of all, float32 (histories, films); zeros without a history.

        A person's bias and vector are those that fit the history best, by ridge regression.
        """
        people = (
            np.vstack([self._folded(one) for one in histories]) if histories else np.empty((0, self._films.shape[1]))
        )
        known = np.array([len(one) > 0 for one in histories], dtype=bool)
        told = people[:, :1] + self._films[:, 0] + people[:, 1:] @ self._films[:, 1:].T
        told[~known] = 0
        return told.astype(np.float32)

    def _folded(self, history: History) -> Doubles:
        known = within(history, len(self._films))
        learned = np.column_stack([np.ones(len(known)), self._films[known.films, 1:]])
        left = known.ratings - self._mean - self._films[known.films, 0]
        system = learned.T @ learned + self._options.folded * np.eye(learned.shape[1])
        found: Doubles = np.linalg.solve(system, learned.T @ left)
        return found

    def explain(self, history: History, film: int) -> list[Contribution]:  # noqa: ARG002
        """Returns nothing: what a rating says here hangs on all others of the person."""
        return []

    def save(self, folder: Path) -> None:
        """Writes biases and vectors."""
        arrays: dict[str, Array] = {"mean": np.array([self._mean]), "people": self._people, "films": self._films}
        write_arrays(folder, self.name, arrays, self._options.model_dump())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote, mapped."""
        arrays, options = read_arrays(folder, cls.name)
        return cls(float(arrays["mean"][0]), arrays["people"], arrays["films"], SvdOptions(**options))


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Svd:  # noqa: ARG001
    """Learns it; options are those of `SvdOptions`. The seed draws the vectors it starts from.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = SvdOptions(**options)
    draw = np.random.default_rng(seed)
    sizes = (len(interactions.person_ids), len(interactions.film_ids))
    people, films = (np.column_stack([np.zeros(n), draw.normal(0, chosen.spread, (n, chosen.factors))]) for n in sizes)
    # who has no rating is predicted from the mean alone
    people[np.bincount(interactions.people, minlength=sizes[0]) == 0] = 0
    films[np.bincount(interactions.films, minlength=sizes[1]) == 0] = 0
    mean = float(interactions.ratings.mean()) if len(interactions) else 0.0
    order = draw.permutation(len(interactions))
    steps = [order[rows] for rows in apart(interactions.people[order], interactions.films[order])]
    stars = interactions.ratings.astype(np.float64)
    for _ in range(chosen.epochs):
        for rows in steps:
            _step(people, films, interactions.people[rows], interactions.films[rows], stars[rows] - mean, chosen)
    return Svd(mean, people, films, chosen)


def _step(people: Doubles, films: Doubles, who: Ints, what: Ints, above: Doubles, options: SvdOptions) -> None:
    one, other = people[who], films[what]
    wrong = above - one[:, 0] - other[:, 0] - np.einsum("nk,nk->n", one[:, 1:], other[:, 1:])
    towards, back = other * wrong[:, None], one * wrong[:, None]
    towards[:, 0] = back[:, 0] = wrong
    people[who] = one + options.rate * (towards - options.reg * one)
    films[what] = other + options.rate * (back - options.reg * other)


def apart(people: Ints, films: Ints) -> Iterator[npt.NDArray[np.int64]]:
    """Yields rows in groups in which no person and no film occurs twice, each person's and each film's rows in their order."""
    free_people: dict[int, int] = {}
    free_films: dict[int, int] = {}
    turn = np.empty(len(people), dtype=np.int64)
    for row, (person, film) in enumerate(zip(people.tolist(), films.tolist(), strict=True)):
        at = max(free_people.get(person, 0), free_films.get(film, 0))
        turn[row] = at
        free_people[person] = free_films[film] = at + 1
    order = np.argsort(turn, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(turn[order])) + 1) if len(order) else ()
