"""What films say of each other in every signal, side by side in one matrix: all signals of a history are read in one go.

A row is a film, a column another film as one signal sees it. Most signals know only films that somebody rated, so their columns are few:
what is summed over a history then fits into the processor's cache, and the films worth a look are sought among few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cine_recommender.interactions import Floats, Ints
from cine_recommender.signals.storage import Array, sparse_from, sparse_parts


@dataclass(frozen=True)
class Stacked:
    """Film-to-film weights of several signals.

    Attributes:
        signals: their names.
        matrix: float32 csr (films, columns).
        films: int32 (columns,), which film each column is of, ascending within a signal.
        bounds: int32 (signals + 1,), where the columns of each signal begin.
    """

    signals: tuple[str, ...]
    matrix: sp.csr_matrix
    films: Ints
    bounds: Ints

    @classmethod
    def of(cls, matrices: Mapping[str, sp.csr_matrix]) -> Self:
        """Puts matrices side by side, float32 csr (films, films) by signal."""
        narrow, films = [], []
        for matrix in matrices.values():
            used = np.zeros(matrix.shape[1], dtype=np.bool_)
            used[matrix.indices] = True
            mine = np.flatnonzero(used).astype(np.int32)
            column = np.cumsum(used, dtype=np.int32) - np.int32(1)
            parts = (matrix.data, column[matrix.indices], matrix.indptr)
            narrow.append(sp.csr_matrix(parts, shape=(matrix.shape[0], len(mine)), copy=False))
            films.append(mine)
        bounds = np.cumsum([0, *map(len, films)], dtype=np.int32)
        return cls(tuple(matrices), sp.hstack(narrow, format="csr", dtype=np.float32), np.concatenate(films), bounds)

    @cached_property
    def places(self) -> npt.NDArray[np.int32]:
        """int32 (signals, films): the column of each film as each signal sees it, -1 for none."""
        found = np.full((len(self.signals), self.matrix.shape[0]), -1, dtype=np.int32)
        for signal, (start, end) in enumerate(zip(self.bounds[:-1], self.bounds[1:], strict=True)):
            found[signal, self.films[start:end]] = np.arange(start, end, dtype=np.int32)
        return found

    def columns(self, signal: str) -> slice:
        """Returns the columns of a signal."""
        at = self.signals.index(signal)
        return slice(int(self.bounds[at]), int(self.bounds[at + 1]))

    def weights(self, signal: str) -> sp.csr_matrix:
        """Returns the matrix of one signal, float32 csr (films, films)."""
        mine, shape = self.columns(signal), (self.matrix.shape[0], self.matrix.shape[0])
        narrow = self.matrix[:, mine]
        return sp.csr_matrix((narrow.data, self.films[mine][narrow.indices], narrow.indptr), shape=shape)

    def summed(self, films: Ints, weights: Floats) -> Floats:
        """Returns what a history says of every film, float32 (columns, m).

        Args:
            films: int32 (n,), of the history.
            weights: float32 (n, m), how much each of them counts, in m ways.
        """
        return np.asarray(self.matrix[films].T @ weights)

    def between(self, films: Ints, rows: Ints) -> dict[str, Floats]:
        """Returns what films say of some others, float32 (films, rows) by signal."""
        mine = self.matrix[films]
        width = len(rows) * len(self.signals)
        wanted = self.places[:, rows].ravel()
        position = np.full(len(self.films), -1, dtype=np.int32)
        known = wanted >= 0
        position[wanted[known]] = np.flatnonzero(known)
        at = position[mine.indices]
        hits = np.flatnonzero(at >= 0)
        found = np.zeros((len(films), width), dtype=np.float32)
        found[np.searchsorted(mine.indptr, hits, side="right") - 1, at[hits]] = mine.data[hits]
        return {signal: found[:, one * len(rows) : (one + 1) * len(rows)] for one, signal in enumerate(self.signals)}

    def parts(self) -> dict[str, Array]:
        """Returns it as arrays, for `write_arrays`."""
        return {**sparse_parts("weights", self.matrix), "films": self.films, "bounds": self.bounds}

    @classmethod
    def from_parts(cls, signals: tuple[str, ...], arrays: Mapping[str, Array]) -> Self:
        """Returns what `parts` made, over the same memory."""
        films = arrays["films"]
        return cls(signals, sparse_from("weights", arrays, len(films)), films, arrays["bounds"])
