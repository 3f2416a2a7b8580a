"""Succession: films that people watch after one another, from the order of their histories.

Two films stand near each other when they were rated within `window` places and `hours` hours in somebody's history, the nearer the more. Of
whoever asks, the films rated last count most. It is a first-order Markov chain over a window (as in Rendle et al., 2010, without
factors): what others went on with.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field

from cine_recommender.interactions import Floats, History, Interactions, stack
from cine_recommender.signals.blocks import stacked
from cine_recommender.signals.filmtofilm import SparseWeights, contributions
from cine_recommender.signals.neighbours import nearest
from cine_recommender.signals.signal import Contribution, FilmFacts
from cine_recommender.signals.storage import read_arrays, write_arrays
from cine_recommender.signals.weighing import within

_NEUTRAL = 3.0  # a film rated lower was not liked: it never raises what others went on with


class SuccessionOptions(BaseModel):
    """What counts as after one another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: int = Field(default=10, ge=1, le=100, description="places between two films at most")
    hours: float = Field(default=6.0, gt=0, description="hours between two films at most")
    backwards: float = Field(
        default=0.5, ge=0, le=1, description="what a film says of those before it, of those after it being 1"
    )
    damp: float = Field(
        default=0.5, ge=0, le=1, description="how much films that many rate are held back, on either side"
    )
    shrink: float = Field(default=5.0, ge=0, description="ratings it takes to be believed")
    keep: int = Field(default=400, ge=1, description="films kept for each film")
    last: float = Field(default=10.0, gt=0, description="films after which a film of the history counts a third")


class Succession:
    """What is watched after the last films of a history.

    Args:
        weights: what each film says of each other one.
        options: how it was learned.
    """

    name: ClassVar[str] = "succession"

    def __init__(self, weights: SparseWeights, options: SuccessionOptions) -> None:
        self._weights = weights
        self._options = options

    @property
    def weights(self) -> SparseWeights:
        """What each film says of each other one."""
        return self._weights

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:  # noqa: ARG002
        """Returns float32 (histories, films); the moment does not matter."""
        films = self._weights.films
        known = [within(one, films) for one in histories]
        return self._weights.applied(stack(known, films, [self._read(one) for one in known]))

    def explain(self, history: History, film: int) -> list[Contribution]:
        """Returns by how much the score of a film falls without each film of the history; those before it would count a little more."""
        if not 0 <= film < self._weights.films:
            return []
        known = within(history, self._weights.films)
        said = self._weights.towards(known.films, film).astype(np.float64) * (known.ratings >= _NEUTRAL)
        counts = self._near(len(known))
        # without a film, each one before it moves up a place and counts what the next one did
        gained = (np.append(counts[1:], 0) - counts) * said
        risen = np.cumsum(gained) - gained
        return contributions(known.films, (counts * said - risen).astype(np.float32))

    def _read(self, history: History) -> Floats:
        """Returns what each film of a history counts, float32 (n,): nothing where it was disliked."""
        found: Floats = (self._near(len(history)) * (history.ratings >= _NEUTRAL)).astype(np.float32)
        return found

    def _near(self, count: int) -> npt.NDArray[np.float64]:
        """Returns how near to the end of so many films each is, float64 (count,), oldest first, 1 for the last."""
        found: npt.NDArray[np.float64] = np.exp(-np.arange(count - 1, -1, -1) / self._options.last)
        return found

    def save(self, folder: Path) -> None:
        """Writes the weights and the options."""
        write_arrays(folder, self.name, self._weights.parts(), self._options.model_dump())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote."""
        arrays, options = read_arrays(folder, cls.name)
        return cls(SparseWeights.of(arrays), SuccessionOptions(**options))


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Succession:  # noqa: ARG001
    """Counts; options are those of `SuccessionOptions`. Nothing in it is drawn by lot.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = SuccessionOptions(**options)
    films = len(interactions.film_ids)
    followed = counted(interactions, chosen)
    turned = followed.T.tocsr()
    held = held_back(np.bincount(interactions.films, minlength=films), chosen)

    def near_to(first: int, end: int) -> sp.csr_matrix:
        return nearest_of(followed[first:end] + chosen.backwards * turned[first:end], first, held, chosen)

    return Succession(SparseWeights(stacked(films, films, near_to)), chosen)


def counted(interactions: Interactions, options: SuccessionOptions) -> sp.csr_matrix:
    """Returns how often each film came after each, float32 (films, films): by row the earlier one, near ones counting more."""
    films = len(interactions.film_ids)
    found = sp.csr_matrix((films, films), dtype=np.float32)
    people, seen, times = interactions.people, interactions.films, interactions.times
    for places in range(1, min(options.window, len(interactions) - 1) + 1):
        near = people[places:] == people[:-places]
        near &= times[places:] - times[:-places] <= options.hours * 3600
        pairs = (seen[:-places][near], seen[places:][near])
        ones = np.full(len(pairs[0]), 1 / places, dtype=np.float32)
        found = found + sp.csr_matrix((ones, pairs), shape=(films, films))
    return found


def held_back(often: npt.NDArray[np.int64], options: SuccessionOptions) -> Floats:
    """Returns what counts of films rated so often are multiplied by, on either side, float32 (films,)."""
    counts = often.astype(np.float32) + np.float32(options.shrink)
    held: Floats = np.power(np.maximum(counts, 1e-6), np.float32(-options.damp))
    return held


def nearest_of(both: sp.csr_matrix, first: int, held: Floats, options: SuccessionOptions) -> sp.csr_matrix:
    """Returns what films say of each other, from some rows of the counts in both directions, the `keep` largest of each.

    Args:
        both: (n, films), the rows from number `first` on.
        first: the number of its first film.
        held: of `held_back`.
        options: how much is kept.
    """
    said = both.tocsr().astype(np.float32)
    rows = first + np.repeat(np.arange(said.shape[0]), np.diff(said.indptr))
    said.data *= held[rows] * held[said.indices]
    said.data[rows == said.indices] = 0  # a film is not a reason for itself
    said.eliminate_zeros()
    return nearest(said, options.keep)
