"""iALS: people and films as vectors whose product is near 1 where somebody liked a film and near 0 elsewhere (Hu, Koren, Volinsky, 2008).

With the loss and the regularisation of Rendle et al. (2022): Σ w·(xᵤ·yᵢ − 1)² over what was liked, plus `unseen` · Σ (xᵤ·yᵢ)² over all
pairs, plus reg · (n + unseen · N)^`frequency` for each vector, where n is the number of its ratings and N that of the other side's vectors.
Each half of an epoch is exact: one system (factors, factors) for each person, then for each film.

A person is not stored: one such system folds a history in. A score is then yᵢᵀ A⁻¹ Σ wⱼ yⱼ, a sum over the history (Hu et al., section 5),
but A itself holds the history: without a film the others count a little more. `explain` says by how much the score falls without a
film, all told, by solving the system once more without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from cine_recommender.interactions import Floats, History, Interactions
from cine_recommender.signals.filmtofilm import contributions
from cine_recommender.signals.signal import Contribution, FilmFacts
from cine_recommender.signals.storage import read_arrays, write_arrays
from cine_recommender.signals.weighing import Weighing, within

_BATCH = 4_000_000  # numbers a batch of systems may hold


class IalsOptions(Weighing):
    """How iALS is learned."""

    factors: int = Field(default=64, ge=1, le=1024)
    reg: float = Field(default=0.004, gt=0, description="ridge of each vector, times its frequency")
    frequency: float = Field(
        default=1.0, ge=0, le=1, description="how much vectors with many ratings are held back more"
    )
    unseen: float = Field(default=1.0, gt=0, description="weight of a pair that was not rated")
    epochs: int = Field(default=8, ge=1)
    spread: float = Field(default=0.1, gt=0, description="size of the vectors it starts from")


class Ials:
    """iALS as a signal.

    Args:
        films: float32 (films, factors), zeros for films it did not learn.
        options: how it was learned; fold-in needs the same.
    """

    name: ClassVar[str] = "ials"

    def __init__(self, films: Floats, options: IalsOptions) -> None:
        self._films = films
        self._options = options
        self._all_pairs = options.unseen * (films.T @ films)
        self._learned = learned(films)
        # a copy, film by film: rows are gathered from it, and columns are walked for the product
        self._by_factor = np.ascontiguousarray(films.T)

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:  # noqa: ARG002
        """Returns float32 (histories, films), about 0 to 1; the moment does not matter."""
        return self.vectors(histories) @ self._by_factor

    def vectors(self, histories: Sequence[History]) -> Floats:
        """Returns the people of histories as vectors, float32 (histories, factors)."""
        profiles = self._options.profiles(histories, len(self._films))
        # only liking is folded in: "disliked" has no place in a model of what was seen and liked
        return solved(self._films, profiles.maximum(0).tocsr(), self._all_pairs, self._options, self._learned)

    def explain(self, history: History, film: int) -> list[Contribution]:
        """Returns by how much the score of a film falls without each film of the history, largest first."""
        if not 0 <= film < len(self._films):
            return []
        known = within(history, len(self._films))
        weights = np.maximum(self._options.read(known.ratings), 0)
        liked = known.films[weights > 0]
        weights = weights[weights > 0]
        if not len(liked):
            return []
        vectors = self._films[liked].astype(np.float64)
        towards = self._films[film].astype(np.float64)
        whole = self._all_pairs + (vectors.T * weights) @ vectors
        right = vectors.T @ weights
        ridge = [ridges(np.array([count]), self._learned, self._options)[0] for count in (len(liked), len(liked) - 1)]
        among = np.eye(len(towards))
        score = towards @ np.linalg.solve(whole + ridge[0] * among, right)
        amounts = np.empty(len(liked))
        step = max(1, _BATCH // len(towards) ** 2)
        for at in range(0, len(liked), step):
            one, weight = vectors[at : at + step], weights[at : at + step]
            systems = whole - weight[:, None, None] * one[:, :, None] * one[:, None, :] + ridge[1] * among
            rights = right - weight[:, None] * one
            amounts[at : at + step] = score - np.linalg.solve(systems, rights[..., None])[..., 0] @ towards
        return contributions(liked, amounts.astype(np.float32))

    def save(self, folder: Path) -> None:
        """Writes the films' vectors and the options."""
        write_arrays(folder, self.name, {"films": self._films}, self._options.model_dump())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote."""
        arrays, options = read_arrays(folder, cls.name)
        return cls(arrays["films"], IalsOptions(**options))


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Ials:  # noqa: ARG001
    """Learns iALS; options are those of `IalsOptions`. The seed draws the vectors it starts from.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = IalsOptions(**options)
    liked = interactions.matrix(chosen.learned(interactions.ratings))
    by_film = liked.T.tocsr()
    draw = np.random.default_rng(seed)
    films = draw.standard_normal((liked.shape[1], chosen.factors), dtype=np.float32)
    films *= np.float32(chosen.spread / np.sqrt(chosen.factors))
    films[np.diff(by_film.indptr) == 0] = 0
    for _ in range(chosen.epochs):
        people = solved(films, liked, chosen.unseen * (films.T @ films), chosen)
        films = solved(people, by_film, chosen.unseen * (people.T @ people), chosen)
    return Ials(films, chosen)


def learned(vectors: Floats) -> int:
    """Returns how many vectors are not zeros: those of whoever has a rating that counts."""
    return int(np.count_nonzero(vectors[:, 0]))


def ridges(counts: npt.NDArray[Any], others: int, options: IalsOptions) -> Floats:
    """Returns the ridge of vectors with so many ratings each, facing so many vectors, float32 (n,)."""
    found: Floats = (options.reg * (counts + options.unseen * others) ** options.frequency).astype(np.float32)
    return found


def solved(
    others: Floats, weights: sp.csr_matrix, all_pairs: Floats, options: IalsOptions, facing: int | None = None
) -> Floats:
    """Returns the best vectors of one side, given those of the other.

    Args:
        others: float32 (m, factors).
        weights: float32 csr (n, m), of what each one liked.
        all_pairs: (factors, factors), what pairs that were not rated ask of everybody.
        options: how it is learned.
        facing: how many of the others are not zeros; None to count them.

    Returns:
        float32 (n, factors); zeros for whoever liked nothing.
    """
    factors = others.shape[1]
    out = np.zeros((weights.shape[0], factors), dtype=np.float32)
    counts = np.diff(weights.indptr)
    ridge = ridges(counts, learned(others) if facing is None else facing, options)
    among = np.eye(factors, dtype=np.float32)
    for rows in _batches(counts, factors):
        longest, shortest = int(counts[rows[-1]]), int(counts[rows[0]])
        places = weights.indptr[rows][:, None] + np.arange(longest)
        missing = np.arange(longest) >= counts[rows][:, None]
        places = np.where(missing, 0, places)
        weight = np.where(missing, np.float32(0), weights.data[places])
        found = others[weights.indices[places]]
        if longest == shortest < factors:
            # (A + ZᵀWZ)⁻¹ Zᵀ W 1 = A⁻¹ Zᵀ (W⁻¹ + Z A⁻¹ Zᵀ)⁻¹ 1: with few ratings a far smaller system, and A is shared by the batch
            through = found @ np.linalg.inv(all_pairs + ridge[rows[0]] * among)
            small = np.matmul(through, found.transpose(0, 2, 1))
            small[:, np.arange(longest), np.arange(longest)] += 1 / weight
            shares = np.linalg.solve(small, np.ones((len(rows), longest, 1), dtype=np.float32))
            out[rows] = np.matmul(shares.transpose(0, 2, 1), through)[:, 0]
        else:
            weighed = found * weight[..., None]
            systems = np.matmul(weighed.transpose(0, 2, 1), found) + all_pairs + ridge[rows][:, None, None] * among
            out[rows] = np.linalg.solve(systems, weighed.sum(axis=1)[..., None])[..., 0]
    return out


def _batches(counts: npt.NDArray[Any], factors: int) -> Iterator[npt.NDArray[Any]]:
    """Yields rows that have ratings in groups of about the same length, none larger than a batch may be.

    Those with fewer ratings than factors are in groups of exactly the same length.
    """
    rows = np.argsort(counts, kind="stable")
    ordered = counts[rows]
    end = len(rows)
    while end and ordered[end - 1]:
        # the longest rows come first: the longest one says how many of them fit
        longest = int(ordered[end - 1])
        start = max(0, end - max(1, _BATCH // (factors * max(longest, factors))))
        floor = longest if longest < factors else factors
        start = max(start, int(np.searchsorted(ordered, floor)))
        yield rows[start:end]
        end = start
