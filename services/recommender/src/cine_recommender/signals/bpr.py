"""BPR: what somebody liked is to stand before what they did not (Rendle et al., 2009), with people as the sum of what they liked.

A person's vector is the sum of vectors of the films they liked (as in FISM; Kabbur et al., 2013), not one of its own: so new ratings and
new people count without learning anew, and what each film adds is exact. Triples (person, liked film, other film) are drawn by lot under a
seed; the liked film itself is left out of the sum while it is asked for. Steps are Adam's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from cine_recommender.interactions import Floats, Interactions
from cine_recommender.signals.filmtofilm import FilmToFilm, FilmWeights, VectorWeights
from cine_recommender.signals.signal import FilmFacts
from cine_recommender.signals.storage import Array
from cine_recommender.signals.weighing import Weighing

_PEOPLE = 256  # in a batch
_EACH = 16  # triples of each


class BprOptions(Weighing):
    """How it is learned."""

    factors: int = Field(default=64, ge=1, le=1024)
    epochs: int = Field(
        default=30, ge=1, description="times that as many triples are drawn as there are ratings that count"
    )
    rate: float = Field(default=0.005, gt=0, description="length of Adam's steps")
    reg: float = Field(default=0.2, ge=0)
    spread: float = Field(default=0.1, gt=0, description="size of the vectors it starts from")


class Bpr(FilmToFilm):
    """BPR as a signal."""

    name: ClassVar[str] = "bpr"
    options: ClassVar[type[Weighing]] = BprOptions

    @classmethod
    def weights_of(cls, arrays: Mapping[str, Array]) -> FilmWeights:
        """Returns the weights that were saved."""
        return VectorWeights.of(arrays)


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Bpr:  # noqa: ARG001
    """Learns it; options are those of `BprOptions`. The seed draws vectors and triples.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = BprOptions(**options)
    liked = interactions.matrix(chosen.learned(interactions.ratings))
    films = liked.shape[1]
    draw = np.random.default_rng(seed)
    sides = draw.standard_normal((2, films, chosen.factors), dtype=np.float32) * np.float32(
        chosen.spread / np.sqrt(chosen.factors)
    )
    counts = np.diff(liked.indptr)
    rated = np.flatnonzero(np.bincount(liked.indices, minlength=films))
    sides[:, np.setdiff1d(np.arange(films), rated)] = 0
    several = np.flatnonzero(counts > 1)  # with one film there is nothing to tell it by
    if len(several) and len(rated) > 1:
        descent = _Adam(sides, chosen.rate)
        for _ in range(max(1, chosen.epochs * liked.nnz // (_PEOPLE * _EACH))):
            # who rated much is drawn more often, but not as much more
            chance = np.sqrt(counts[several])
            people = draw.choice(several, size=min(_PEOPLE, len(several)), p=chance / chance.sum(), replace=False)
            descent.step(_gradient(sides, liked[np.sort(people)], rated, draw, chosen.reg))
    return Bpr(VectorWeights(sides[0], sides[1]), chosen)


def _gradient(
    sides: Floats, mine: sp.csr_matrix, rated: npt.NDArray[Any], draw: np.random.Generator, reg: float
) -> Floats:
    """Returns which way vectors are to go, float32 (2, films, factors), by triples drawn for some people's likes."""
    saying, said = sides
    counts = np.diff(mine.indptr)
    rows = np.repeat(np.arange(len(counts)), _EACH)
    places = mine.indptr[rows] + (draw.random(len(rows)) * counts[rows]).astype(np.int64)
    better, weight = mine.indices[places], mine.data[places]
    other = rated[draw.integers(0, len(rated), len(rows))]
    missed = np.asarray(mine[rows, other]).ravel() == 0  # one that was liked, too, teaches nothing
    size = (1 / np.sqrt(counts[rows])).astype(np.float32)[:, None]
    person = ((mine @ saying)[rows] - weight[:, None] * saying[better]) * size
    apart = said[better] - said[other]
    slope = (missed / (1 + np.exp(np.einsum("nk,nk->n", person, apart)))).astype(np.float32)[:, None]
    towards = slope * person
    from_person = slope * apart * size
    found = np.zeros_like(sides)
    films = sides.shape[1]
    found[1] += _summed(better, towards, films) - _summed(other, towards, films)
    found[0] += mine.T @ _summed(rows, from_person, len(counts)) - _summed(better, from_person * weight[:, None], films)
    touched = np.zeros((2, films, 1), dtype=np.float32)
    touched[0, mine.indices] = touched[1, better] = touched[1, other] = 1
    return found - np.float32(reg) * touched * sides


def _summed(places: npt.NDArray[Any], values: Floats, size: int) -> Floats:
    """Returns values added up by place, float32 (size, n)."""
    gather = sp.csr_matrix(
        (np.ones(len(places), np.float32), (places, np.arange(len(places)))), shape=(size, len(places))
    )
    summed: Floats = gather @ values
    return summed


class _Adam:
    """Kingma and Ba's steps (2015), uphill, altering the vectors in place."""

    def __init__(self, values: Floats, rate: float) -> None:
        self._values = values
        self._rate = rate
        self._mean = np.zeros_like(values)
        self._square = np.zeros_like(values)
        self._steps = 0

    def step(self, slope: Floats) -> None:
        self._steps += 1
        self._mean += np.float32(0.1) * (slope - self._mean)
        self._square += np.float32(0.001) * (slope * slope - self._square)
        rate = self._rate * np.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps)
        self._values += np.float32(rate) * self._mean / (np.sqrt(self._square) + np.float32(1e-7))
