"""Predicted ratings: film biases, and each person as a Gaussian process over films and moments.

How far a person's ratings lie from what a film usually gets is taken for a function of the film and the moment, with the covariance

    bias + content · (genres, era) + terms · (words) + factors · (what other people's ratings say of two films)
         + era · exp(−|t − t'| / season) + sitting · exp(−|t − t'| / half an hour)

plus noise: somebody is generous, likes a genre, an era, what is like a film they liked; and rates by mood, which two ratings of one evening
share. The prediction is the process's mean, given the history: a ridge regression in closed form, so a new rating counts at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field

from cine_recommender.interactions import Floats, History, Interactions, Ints
from cine_recommender.signals.filmtofilm import contributions
from cine_recommender.signals.signal import Contribution, FilmFacts
from cine_recommender.signals.storage import Array, read_arrays, sparse_from, sparse_parts, write_arrays
from cine_recommender.signals.weighing import within

Doubles = npt.NDArray[np.float64]
_DAY = 86_400.0
_SITTING = 1_800.0
_ROUNDS = 10
_EM_ROUNDS = 8


class GaussianOptions(BaseModel):
    """Variances, in squared stars, and how film biases are held back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    noise: float = Field(default=0.6, gt=0)
    bias: float = Field(default=0.2, ge=0)
    content: float = Field(default=0.1, ge=0, description="genres and era")
    terms: float = Field(default=0.1, ge=0, description="words, keywords, people")
    factors: float = Field(
        default=1.0, ge=0, le=4, description="what people's ratings say of how films are alike, times what was learned"
    )
    rank: int = Field(default=20, ge=1, le=100, description="dimensions of that likeness")
    people: int = Field(
        default=40_000, ge=1, description="people whose ratings that likeness is learned from, at most, drawn by lot"
    )
    spread: float = Field(default=0.03, gt=0, description="size of each dimension before anything is known, in stars")
    era: float = Field(default=0.05, ge=0, description="shared by ratings of one season of life")
    season: float = Field(default=100.0, gt=0, description="days after which a person has changed")
    sitting: float = Field(default=0.15, ge=0, description="shared by ratings given in one sitting")
    film_reg: float = Field(
        default=5.0, gt=0, description="ratings it takes to believe a film's bias against its content"
    )
    content_reg: float = Field(default=20.0, gt=0, description="ridge of what content says of film biases")
    most: int = Field(default=1500, ge=1, description="ratings of a person that count, the last ones")


class GaussianRatings:
    """Predicted ratings, for people it learned (`predict`) and for any history (`scores`).

    Args:
        mean: of all ratings.
        biases: float64 (films,).
        shapes: float64 (films, n), what the covariance of content and factors is the product of.
        terms: float32 csr (films, terms), likewise, for the words.
        rows: what it learned from, for `predict`; None for one that is only asked for histories.
        options: how it was learned.
    """

    name: ClassVar[str] = "ratings"

    def __init__(
        self,
        mean: float,
        biases: Doubles,
        shapes: Doubles,
        terms: sp.csr_matrix,
        rows: Interactions | None,
        options: GaussianOptions,
    ) -> None:
        self._mean = mean
        self._biases = biases
        self._shapes = shapes
        self._terms = terms
        self._rows = rows
        self._options = options

    def predict(self, people: Ints, films: Ints, times: npt.NDArray[np.int64]) -> Floats:
        """Returns the rating each person would give a film at a moment, float32 (n,), 0.5 to 5.

        Args:
            people: int32 (n,), of the interactions it learned from.
            films: int32 (n,), likewise.
            times: int64 (n,), Unix seconds.

        Raises:
            ValueError: It was read from a file: what it learned from is not kept there.
        """
        if self._rows is None:
            raise ValueError("a saved model predicts for histories (rated), not for the people it learned from")
        told = np.empty(len(people), dtype=np.float32)
        order = np.argsort(people, kind="stable")
        for places in np.split(order, np.flatnonzero(np.diff(people[order])) + 1):
            if len(places):
                told[places] = self.rated(self._rows.history(int(people[places[0]])), films[places], times[places])
        return told

    def rated(self, history: History, films: Ints, times: npt.NDArray[np.int64] | None = None) -> Floats:
        """Returns the rating a person would give films, float32 (n,), 0.5 to 5.

        Args:
            history: what the person rated.
            films: int32 (n,).
            times: int64 (n,), Unix seconds; None for no moment in particular.
        """
        known = self._known(history)
        told = self._mean + self._biases[films]
        if len(known):
            told = told + self._between(films, times, known.films, known.times) @ self._solved(known)
        return np.clip(told, 0.5, 5).astype(np.float32)

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:
        """Returns by how much each predicted rating is above the mean of all, float32 (histories, films); zeros without a history.

        Args:
            histories: whose.
            now: the moment of each; None for no moment in particular.
        """
        every = np.arange(len(self._biases), dtype=np.int32)
        out = np.zeros((len(histories), len(every)), dtype=np.float32)
        for place, history in enumerate(histories):
            known = self._known(history)
            if len(known):
                alpha = self._solved(known)
                told = (
                    self._biases
                    + self._shapes @ (self._shapes[known.films].T @ alpha)
                    + self._options.bias * alpha.sum()
                )
                told += self._terms @ (self._terms[known.films].T @ alpha)
                if now is not None:  # one moment for all films
                    told += self._in_time(now[place : place + 1], known.times)[0] @ alpha
                out[place] = told
        return out

    def explain(self, history: History, film: int) -> list[Contribution]:
        """Returns by how much the predicted rating falls without each film of the history, largest first.

        For a history of one film that is what makes the difference to the film's mean.
        """
        known = self._known(history)
        if not 0 <= film < len(self._biases) or not len(known):
            return []
        inverse = np.linalg.inv(self._covariance(known))
        alpha = inverse @ self._left(known)
        towards = inverse @ self._between(np.array([film], dtype=np.int32), None, known.films, known.times)[0]
        # the mean of the process without one of its points, by the inverse of a matrix less one row and column
        amounts = alpha * towards / np.diag(inverse)
        if len(known) == 1:
            amounts = amounts + self._biases[film]  # without a history the score is 0, the film's bias with it
        return contributions(known.films, amounts.astype(np.float32))

    def save(self, folder: Path) -> None:
        """Writes what predictions for histories need; not what people rated."""
        arrays: dict[str, Array] = {"mean": np.array([self._mean]), "biases": self._biases, "shapes": self._shapes}
        arrays |= {**sparse_parts("terms", self._terms), "terms_wide": np.array([self._terms.shape[1]])}
        write_arrays(folder, self.name, arrays, self._options.model_dump())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote, mapped."""
        arrays, options = read_arrays(folder, cls.name)
        return cls._of(arrays, GaussianOptions(**options))

    @classmethod
    def _of(cls, arrays: Mapping[str, Array], options: GaussianOptions) -> Self:
        terms = sparse_from("terms", arrays, int(arrays["terms_wide"][0]))
        return cls(float(arrays["mean"][0]), arrays["biases"], arrays["shapes"], terms, None, options)

    def _known(self, history: History) -> History:
        known = within(history, len(self._biases))
        last = slice(max(0, len(known) - self._options.most), None)
        return History(known.films[last], known.ratings[last], known.times[last])

    def _left(self, known: History) -> Doubles:
        left: Doubles = known.ratings - self._mean - self._biases[known.films]
        return left

    def _solved(self, known: History) -> Doubles:
        factor = scipy.linalg.cho_factor(self._covariance(known), lower=True, overwrite_a=True, check_finite=False)
        solved: Doubles = scipy.linalg.cho_solve(factor, self._left(known), check_finite=False)
        return solved

    def _covariance(self, known: History) -> Doubles:
        found = self._between(known.films, known.times, known.films, known.times)
        found[np.diag_indices(len(known))] += self._options.noise
        return found

    def _between(
        self, films: Ints, times: npt.NDArray[np.int64] | None, others: Ints, moments: npt.NDArray[np.int64]
    ) -> Doubles:
        found: Doubles = self._options.bias + self._shapes[films] @ self._shapes[others].T
        found += (self._terms[films] @ self._terms[others].T).toarray()
        if times is not None:
            found += self._in_time(times, moments)
        return found

    def _in_time(self, times: npt.NDArray[np.int64], moments: npt.NDArray[np.int64]) -> Doubles:
        apart = np.abs(times[:, None] - moments[None, :]).astype(np.float64)
        near: Doubles = self._options.era * np.exp(apart / (-_DAY * self._options.season))
        near += self._options.sitting * np.exp(apart / -_SITTING)
        return near


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> GaussianRatings:
    """Learns it; options are those of `GaussianOptions`. The seed draws the factors it starts from.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = GaussianOptions(**options)
    films = len(interactions.film_ids)
    content = _content(facts) if facts is not None else np.zeros((films, 0))
    mean = float(interactions.ratings.mean()) if len(interactions) else 0.0
    biases, left = _biases(interactions, content, mean, chosen)
    shapes = np.hstack(
        [np.sqrt(chosen.content) * content, np.sqrt(chosen.factors) * _factors(interactions, left, chosen, seed)]
    )
    terms = facts.terms if facts is not None else sp.csr_matrix((films, 0), dtype=np.float32)
    return GaussianRatings(
        mean, biases, shapes, (terms * np.float32(np.sqrt(chosen.terms))).tocsr(), interactions, chosen
    )


def _content(facts: FilmFacts) -> Doubles:
    """Returns genres, with the weight of one whatever their number, and the era, float64 (films, n)."""
    genres = facts.genres / np.sqrt(np.maximum(facts.genres.sum(axis=1, keepdims=True), 1))
    known = facts.years > 0
    middle = float(np.median(facts.years[known])) if known.any() else 0.0
    late = np.where(known, (facts.years - middle) / 20, 0)
    return np.column_stack([genres, late, np.minimum(late, 0)]).astype(np.float64)


def _biases(rows: Interactions, content: Doubles, mean: float, options: GaussianOptions) -> tuple[Doubles, Doubles]:
    """Returns film biases, and what mean and biases leave of each rating."""
    above = rows.ratings.astype(np.float64) - mean
    films, people = len(rows.film_ids), len(rows.person_ids)
    film_counts, person_counts = np.bincount(rows.films, minlength=films), np.bincount(rows.people, minlength=people)
    trust = film_counts / (film_counts + 10.0)
    system = content.T @ (content * trust[:, None]) + options.content_reg * np.eye(content.shape[1])
    of_films, of_people, expected = np.zeros(films), np.zeros(people), np.zeros(films)
    held = options.noise / max(options.bias, 1e-6)
    for _ in range(_ROUNDS):
        summed = np.bincount(rows.films, above - of_people[rows.people], minlength=films)
        of_films = (summed + options.film_reg * expected) / (film_counts + options.film_reg)
        expected = content @ np.linalg.solve(system, content.T @ (of_films * trust)) if content.shape[1] else expected
        of_people = np.bincount(rows.people, above - of_films[rows.films], minlength=people) / (person_counts + held)
    return of_films, above - of_people[rows.people] - of_films[rows.films]


def _factors(rows: Interactions, left: Doubles, options: GaussianOptions, seed: int) -> Doubles:
    """Returns what people's ratings say of how films are alike, float64 (films, rank): the covariance is the product of two rows.

    Probabilistic principal components by expectation and maximisation: people are not known but for a Gaussian, whose width counts.
    With points instead of Gaussians each person's own noise would come back as a likeness of films.
    """
    rank, films = options.rank, len(rows.film_ids)
    draw = np.random.default_rng(seed)
    found = draw.standard_normal((films, rank)) * options.spread
    rated, values = rows.matrix(np.ones(len(rows))).astype(np.float64), rows.matrix(left).astype(np.float64)
    if len(rows.person_ids) > options.people:
        drawn = np.sort(draw.choice(len(rows.person_ids), options.people, replace=False))
        rated, values = rated[drawn], values[drawn]
    rated_by, values_by = rated.T.tocsr(), values.T.tocsr()
    among = np.eye(rank)
    for _ in range(_EM_ROUNDS):
        squares = (found[:, :, None] * found[:, None, :]).reshape(films, -1)
        widths = np.linalg.inv((rated @ squares).reshape(-1, rank, rank) / options.noise + among)
        people = (widths @ (values @ found)[..., None])[..., 0] / options.noise
        spreads = (widths + people[:, :, None] * people[:, None, :]).reshape(len(people), -1)
        systems = (rated_by @ spreads).reshape(films, rank, rank) + options.noise / options.spread**2 * among
        found = np.linalg.solve(systems, (values_by @ people)[..., None])[..., 0]
    return found
