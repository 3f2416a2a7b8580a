"""How alike two films are: exact weighted cosines over terms and meaning, one film against all.

Terms go through an inverted index, so that only films that share a term are touched; meaning is one matrix-vector
product. No approximate index: at this size the exact answer takes a few milliseconds.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from cachetools import LRUCache

from cine_recommender.domain.similar import PRIOR_SHARE

_KEPT = 100
_REMEMBERED = 4096

Rows = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TermMatrix:
    """A sparse matrix: row `i` has `values[starts[i]:starts[i + 1]]` in the columns given by `columns` there."""

    starts: npt.NDArray[np.int64]
    columns: Rows
    values: Floats

    def row(self, number: int) -> tuple[Rows, Floats]:
        """Return columns and values of a row."""
        start, end = self.starts[number], self.starts[number + 1]
        return self.columns[start:end], self.values[start:end]


class Alike:
    """Some films to each other, a row worked out when it is asked for: `alike[place]` is float32 (n,), 0 to 1. Not for several threads.

    Args:
        columns: int32 (entries,), terms of the films, film by film.
        values: float32 (entries,), their weights.
        starts: int64 (n,), where each film's begin.
        meaning: float32 (n, dimensions), zeros where nothing is described.
        terms: how many terms there are.
    """

    def __init__(
        self, columns: Rows, values: Floats, starts: npt.NDArray[np.int64], meaning: Floats, terms: int
    ) -> None:
        self._columns, self._values, self._meaning = columns, values, meaning
        self._ends = np.append(starts[1:], len(columns))
        self._starts = starts
        self._weights = np.zeros(terms, dtype=np.float32)

    def __getitem__(self, place: int) -> Floats:
        mine = slice(self._starts[place], self._ends[place])
        self._weights[self._columns[mine]] = self._values[mine]
        told = np.append(self._weights[self._columns] * self._values, np.float32(0))
        self._weights[self._columns[mine]] = 0
        # a film without a term would take the next one's first
        by_terms = np.where(self._ends > self._starts, np.add.reduceat(told, self._starts), np.float32(0))
        alike: Floats = by_terms + np.maximum(self._meaning @ self._meaning[place], 0)
        return alike


class Likeness:
    """Finds similar films. Threads may share it; it takes milliseconds, so keep it off the event loop.

    Attributes:
        described: int32, rows of films that are described, ascending.
        meaning: float32 (described, dimensions), the text encoder's vectors, all of one length.
        meaning_length: that length.
        prior: float32 (films,), quality and fame, 0 to 1.
    """

    def __init__(
        self, by_film: TermMatrix, by_term: TermMatrix, described: Rows, meaning: Floats, prior: Floats
    ) -> None:
        """Use the matrices of one model; `described` are the rows of `meaning`, `prior` is 0 to 1 a film."""
        self._by_film, self._by_term = by_film, by_term
        self.described, self.meaning, self.prior = described, meaning, prior
        # all rows have one length, the root of what meaning weighs; a text without a known word has none
        self.meaning_length = float(np.linalg.norm(meaning[:64], axis=1).max(initial=0)) or 1.0
        self._remembered: LRUCache[int, tuple[Rows, Floats]] = LRUCache(_REMEMBERED)
        self._lock = threading.Lock()

    def to_all(self, row: int) -> Floats:
        """Return the likeness of a film to every film, float32 (films), 0 to 1; to itself it is 0."""
        likeness = np.zeros(len(self.prior), dtype=np.float32)
        terms, weights = self._by_film.row(row)
        for term, weight in zip(terms.tolist(), weights, strict=True):
            films, values = self._by_term.row(term)
            likeness[films] += values * weight
        place = int(np.searchsorted(self.described, row))
        if place < len(self.described) and self.described[place] == row:
            likeness[self.described] += np.maximum(self.meaning @ self.meaning[place], 0)
        likeness[row] = 0
        return np.minimum(likeness, 1, out=likeness)

    def alike(self, rows: Rows) -> Alike:
        """Return the likeness of some films to each other, for whoever asks for a few of them."""
        columns, values, starts = self._terms(rows)
        return Alike(columns, values, starts[:-1], self._meaning(rows), len(self._by_term.starts) - 1)

    def among(self, rows: Rows) -> Floats:
        """Return the likeness of some films to each other, float32 (n, n)."""
        columns, values, starts = self._terms(rows)
        terms = sp.csr_matrix((values, columns, starts), shape=(len(rows), len(self._by_term.starts) - 1))
        # sparse: most terms are of one of the films alone
        likeness: Floats = np.asarray((terms @ terms.T).toarray(), dtype=np.float32)
        meaning = self._meaning(rows)
        likeness += np.maximum(meaning @ meaning.T, 0)
        return likeness

    def _terms(self, rows: Rows) -> tuple[Rows, Floats, npt.NDArray[np.int64]]:
        starts, columns, values = self._by_film.starts, self._by_film.columns, self._by_film.values
        cut = [slice(start, end) for start, end in zip(starts[rows].tolist(), starts[rows + 1].tolist(), strict=True)]
        begins = np.cumsum([0, *(one.stop - one.start for one in cut)])
        if not cut:
            return columns[:0], values[:0], begins
        return np.concatenate([columns[one] for one in cut]), np.concatenate([values[one] for one in cut]), begins

    def _meaning(self, rows: Rows) -> Floats:
        if not len(self.described):
            return np.zeros((len(rows), 1), dtype=np.float32)
        place = np.minimum(np.searchsorted(self.described, rows), len(self.described) - 1)
        return np.where((self.described[place] == rows)[:, None], self.meaning[place], np.float32(0))

    def neighbours(self, row: int) -> tuple[Rows, Floats]:
        """Return the 100 films most like one, best first, and their likeness (0 to 1, never 0).

        The order, and the choice, let quality and fame decide between films that are about equally like it.
        """
        with self._lock:
            remembered = self._remembered.get(row)
        if remembered is not None:
            return remembered
        likeness = self.to_all(row)
        order = (1 - PRIOR_SHARE) * likeness + PRIOR_SHARE * self.prior * (likeness > 0)
        kept = min(_KEPT, len(order))
        best = np.argpartition(-order, kept - 1)[:kept].astype(np.int32)
        best = best[np.lexsort((-best, -order[best]))]
        best = best[likeness[best] > 0]
        found = best, likeness[best]
        with self._lock:
            self._remembered[row] = found
        return found
