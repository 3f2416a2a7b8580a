"""Signals that are a sum over the films of a history: each film of it says something of every other film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cine_recommender.interactions import Floats, History, Ints
from cine_recommender.signals.signal import Contribution
from cine_recommender.signals.storage import Array, read_arrays, sparse_from, sparse_parts, write_arrays
from cine_recommender.signals.weighing import Weighing, within

_SAMPLED = 16
_FEW = 4  # histories up to which rows are gathered one person at a time: below it that is faster than a sparse product


class FilmWeights(Protocol):
    """What each film says of each other one: a matrix (films, films) with an empty diagonal, in whatever form."""

    films: int

    def applied(self, profiles: sp.csr_matrix) -> Floats:
        """Returns profiles, float32 (n, films), times the matrix: float32 (n, films)."""
        ...

    def towards(self, rows: Ints, film: int) -> Floats:
        """Returns what the films of `rows` say of a film, float32 (len(rows),)."""
        ...

    def parts(self) -> dict[str, Array]:
        """Returns the arrays it consists of."""
        ...


class SparseWeights:
    """A matrix of which only the entries that matter are kept.

    Args:
        matrix: float32 csr (films, films), columns ascending within each row.
    """

    def __init__(self, matrix: sp.csr_matrix) -> None:
        self._matrix = matrix
        self.films: int = matrix.shape[1]

    @property
    def matrix(self) -> sp.csr_matrix:
        """The matrix: float32 csr (films, films)."""
        return self._matrix

    def applied(self, profiles: sp.csr_matrix) -> Floats:
        """Returns profiles times the matrix."""
        if profiles.shape[0] > _FEW:
            product: Floats = (profiles @ self._matrix).toarray()
            return product
        out = np.zeros((profiles.shape[0], self.films), dtype=np.float32)
        for place in range(profiles.shape[0]):
            mine = slice(profiles.indptr[place], profiles.indptr[place + 1])
            out[place] = self._sum(profiles.indices[mine], profiles.data[mine])
        return out

    def _sum(self, rows: Ints, weights: Floats) -> npt.NDArray[np.float64]:
        matrix = self._matrix
        cut = [slice(matrix.indptr[row], matrix.indptr[row + 1]) for row in rows]
        if not cut:
            return np.zeros(self.films)
        columns = np.concatenate([matrix.indices[one] for one in cut])
        values = np.concatenate([matrix.data[one] * weight for one, weight in zip(cut, weights, strict=True)])
        summed: npt.NDArray[np.float64] = np.bincount(columns, values, minlength=self.films).astype(
            np.float64, copy=False
        )
        return summed

    def towards(self, rows: Ints, film: int) -> Floats:
        """Returns what the films of `rows` say of a film."""
        found = np.zeros(len(rows), dtype=np.float32)
        for place, row in enumerate(rows):
            start, end = self._matrix.indptr[row], self._matrix.indptr[row + 1]
            at = start + np.searchsorted(self._matrix.indices[start:end], film)
            if at < end and self._matrix.indices[at] == film:
                found[place] = self._matrix.data[at]
        return found

    def parts(self) -> dict[str, Array]:
        """Returns the three arrays of the matrix."""
        return sparse_parts("weights", self._matrix)

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        """Returns the weights of `parts`."""
        return cls(sparse_from("weights", arrays, len(arrays["weights_starts"]) - 1))


class VectorWeights:
    """What each film says of each other as the product of two vectors: what it says, and what is said of it.

    Args:
        saying: float32 (films, n).
        said: float32 (films, n).
    """

    def __init__(self, saying: Floats, said: Floats) -> None:
        self._saying = saying
        self._said = said
        self._own = np.einsum("fn,fn->f", saying, said)
        self._by_factor = np.ascontiguousarray(said.T)
        self.films: int = len(said)

    def applied(self, profiles: sp.csr_matrix) -> Floats:
        """Returns profiles times the matrix."""
        out = np.asarray(profiles @ self._saying, dtype=np.float32) @ self._by_factor
        # a film is not a reason for itself
        rows = np.repeat(np.arange(profiles.shape[0]), np.diff(profiles.indptr))
        out[rows, profiles.indices] -= profiles.data * self._own[profiles.indices]
        return out

    def towards(self, rows: Ints, film: int) -> Floats:
        """Returns what the films of `rows` say of a film."""
        return np.where(rows == film, 0, self._saying[rows] @ self._said[film]).astype(np.float32)

    def parts(self) -> dict[str, Array]:
        """Returns both sides."""
        return {"saying": self._saying, "said": self._said}

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        """Returns the weights of `parts`."""
        return cls(arrays["saying"], arrays["said"])


class FilmToFilm:
    """A signal that is profile times weights.

    Args:
        weights: what each film says of each other.
        weighing: what each rating of a history counts.
    """

    name: ClassVar[str]
    options: ClassVar[type[Weighing]] = Weighing

    def __init__(self, weights: FilmWeights, weighing: Weighing) -> None:
        self._weights = weights
        self._weighing = weighing

    @property
    def weights(self) -> FilmWeights:
        """What each film says of each other one."""
        return self._weights

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:  # noqa: ARG002
        """Returns float32 (histories, films); the moment does not matter."""
        return self._weights.applied(self._weighing.profiles(histories, self._weights.films))

    def explain(self, history: History, film: int) -> list[Contribution]:
        """Returns what each film of the history adds to the score of a film, largest first; films that add nothing are left out."""
        if not 0 <= film < self._weights.films:
            return []
        known = within(history, self._weights.films)
        return contributions(known.films, self._weighing.read(known.ratings) * self._weights.towards(known.films, film))

    def save(self, folder: Path) -> None:
        """Writes the weights and the options."""
        write_arrays(folder, self.name, self._weights.parts(), self._weighing.model_dump())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote, mapped."""
        arrays, options = read_arrays(folder, cls.name)
        return cls(cls.weights_of(arrays), cls.options(**options))

    @classmethod
    def weights_of(cls, arrays: Mapping[str, Array]) -> FilmWeights:
        """Returns the weights that were saved; signals with other forms of weights override it."""
        return SparseWeights.of(arrays)


def contributions(films: Ints, amounts: Floats) -> list[Contribution]:
    """Returns the amounts that are not 0, largest first, equal ones by film."""
    order = np.lexsort((films, -amounts))
    return [Contribution(int(films[at]), float(amounts[at])) for at in order if amounts[at] != 0]


def strongest(rows: Floats, keep: int, first: int = 0) -> sp.csr_matrix:
    """Returns the `keep` entries of largest magnitude of each row, as a sparse matrix of the same shape.

    Args:
        rows: float32 (n, films), some rows of a matrix (films, films); altered: its diagonal is emptied.
        keep: entries to keep in each row, at least 1; of equal ones those of lower number.
        first: which row of that matrix the first one is, so that its diagonal is known; `films` when it is emptied already.
    """
    count, films = rows.shape
    own = first + np.arange(count)
    rows[np.arange(count)[own < films], own[own < films]] = 0
    if keep >= films:
        return sp.csr_matrix(rows)
    columns, values, starts = [], [], [0]
    for row in rows:
        sizes = np.abs(row)
        least = _placed(sizes, keep)
        there = np.flatnonzero(sizes >= least)
        over, level = there[sizes[there] > least], there[sizes[there] == least]
        # of those that tie for the last places as many as there is room for: which ones must not hang on the sort's mood
        level = level[: keep - len(over)] if least else over[:0]
        best = np.sort(np.concatenate([over, level]))
        columns.append(best)
        values.append(row[best])
        starts.append(starts[-1] + len(best))
    parts = (np.concatenate(values), np.concatenate(columns), starts)
    return sp.csr_matrix(parts, shape=rows.shape, dtype=np.float32)


def _placed(sizes: Floats, place: int) -> np.float32:
    """Returns the largest but `place - 1` of many values, (n,)."""
    few = sizes[::_SAMPLED]
    guess = min(len(few), 2 * (place // _SAMPLED) + _SAMPLED)
    # a sample says about where it lies: then only what is above that is looked at
    above = sizes[sizes >= np.partition(few, len(few) - guess)[len(few) - guess]]
    among = above if len(above) >= place else sizes
    found: np.float32 = np.partition(among, len(among) - place)[len(among) - place]
    return found
