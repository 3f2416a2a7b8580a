"""Neighbours: films that were liked by the same people, and people who liked the same films.

Both compare by cosine, |i and j| / (‖i‖·‖j‖ + shrink): with few in common the shrinkage keeps a likeness small. Films: a film's
score is the sum of its likeness to the films of the history, so what each of them adds is exact. People: the score is what the nearest
people liked, by their likeness; a film less in the history changes who is near, so `explain` asks once more without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from cine_recommender.interactions import Floats, History, Interactions
from cine_recommender.signals.blocks import stacked
from cine_recommender.signals.filmtofilm import FilmToFilm, SparseWeights, contributions
from cine_recommender.signals.signal import Contribution, FilmFacts
from cine_recommender.signals.storage import read_arrays, sparse_from, sparse_parts, write_arrays
from cine_recommender.signals.weighing import Weighing, within

_BLOCK = 1024


class NeighbourOptions(Weighing):
    """How neighbours are found."""

    keep: int = Field(default=200, ge=1, description="nearest films of each film, or nearest people of each person")
    shrink: float = Field(default=3.0, ge=0, description="how many in common it takes to be believed")
    damp: float = Field(
        default=0.5, ge=0, le=1, description="0.5: cosine; lower: popular films or active people count more"
    )
    busy: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="films: what somebody who liked n of them says of each counts n to minus this",
    )
    sharpen: float = Field(default=1.5, gt=0, le=8, description="power of a likeness: above 1 the nearest count more")


class ItemNeighbours(FilmToFilm):
    """Films near those of the history."""

    name: ClassVar[str] = "item-knn"
    options: ClassVar[type[Weighing]] = NeighbourOptions


class PersonNeighbours:
    """What people near to somebody liked.

    Args:
        liked: float32 csr (people, films).
        options: how they are compared.
    """

    name: ClassVar[str] = "user-knn"

    def __init__(self, liked: sp.csr_matrix, options: NeighbourOptions, by_film: sp.csr_matrix | None = None) -> None:
        self._liked = liked
        self._by_film = liked.T.tocsr() if by_film is None else by_film
        self._options = options
        self._sizes = _damped(liked, options.damp)

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:  # noqa: ARG002
        """Returns float32 (histories, films); the moment does not matter."""
        films = self._liked.shape[1]
        out = np.empty((len(histories), films), dtype=np.float32)
        for at in range(0, len(histories), _BLOCK):
            profiles = self._options.profiles(histories[at : at + _BLOCK], films)
            out[at : at + _BLOCK] = (self._near(profiles) @ self._liked).toarray()
        return out

    def explain(self, history: History, film: int) -> list[Contribution]:
        """Returns by how much the score of a film falls without each film of the history, largest first."""
        films = self._liked.shape[1]
        if not 0 <= film < films:
            return []
        known = within(history, films)
        counted = known.films[self._options.read(known.ratings) != 0]
        if not len(counted):
            return []
        profiles = self._options.profiles([known, *(known.without(int(one)) for one in counted)], films)
        found = (self._near(profiles) @ self._by_film[film].T).toarray().ravel()
        return contributions(counted, (found[0] - found[1:]).astype(np.float32))

    def _near(self, profiles: sp.csr_matrix) -> sp.csr_matrix:
        """Returns the likeness of profiles to their nearest people, float32 csr (n, people)."""
        common = (profiles @ self._by_film).tocsr()
        sizes = _damped(profiles, self._options.damp)
        mine = np.repeat(sizes, np.diff(common.indptr))
        common.data /= mine * self._sizes[common.indices] + np.float32(self._options.shrink)
        common.data = np.sign(common.data) * np.abs(common.data) ** np.float32(self._options.sharpen)
        return nearest(common, self._options.keep)

    def save(self, folder: Path) -> None:
        """Writes what people liked, by person and by film, and the options."""
        arrays = {**sparse_parts("people", self._liked), **sparse_parts("films", self._by_film)}
        write_arrays(folder, self.name, arrays, self._options.model_dump())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote, mapped."""
        arrays, options = read_arrays(folder, cls.name)
        people, films = len(arrays["people_starts"]) - 1, len(arrays["films_starts"]) - 1
        return cls(
            sparse_from("people", arrays, films), NeighbourOptions(**options), sparse_from("films", arrays, people)
        )


def fit_items(
    interactions: Interactions,
    facts: FilmFacts | None,  # noqa: ARG001
    options: dict[str, Any],
    seed: int,  # noqa: ARG001
) -> ItemNeighbours:
    """Finds the films near to each film; options are those of `NeighbourOptions`. Nothing in it is drawn by lot.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = NeighbourOptions(**options)
    liked = interactions.matrix(chosen.learned(interactions.ratings))
    by_film = busy_less(liked, liked.nnz, sum_of_busy(liked, chosen), chosen).T.tocsr()
    sizes = _damped(by_film, chosen.damp)
    by_person = by_film.T.tocsr()

    def near(first: int, end: int) -> sp.csr_matrix:
        return alike(by_film[first:end] @ by_person, first, sizes, chosen)

    return ItemNeighbours(SparseWeights(stacked(by_film.shape[0], by_film.shape[0], near)), chosen)


def sum_of_busy(liked: sp.csr_matrix, options: NeighbourOptions) -> float:
    """Returns what `busy_less` has to make up for: the sum over ratings of what is left of each."""
    counts = np.diff(liked.indptr)
    often = np.maximum(counts, 1).astype(np.float32) ** np.float32(-options.busy / 2)
    return float((counts * often**2).sum())


def busy_less(liked: sp.csr_matrix, ratings: int, busy: float, options: NeighbourOptions) -> sp.csr_matrix:
    """Returns what people liked, of whoever liked much less of each; some people of a log, or all.

    Args:
        liked: float32 csr (people, films).
        ratings: of the whole log.
        busy: `sum_of_busy` of the whole log.
        options: how much less.
    """
    often = np.maximum(np.diff(liked.indptr), 1).astype(np.float32) ** np.float32(-options.busy / 2)
    # in the mean a film's length stays what it was, so that the shrinkage means the same
    often *= np.sqrt(ratings / max(busy, 1e-9)).astype(np.float32)
    return (sp.diags(often) @ liked).tocsr()


def alike(common: sp.csr_matrix, first: int, sizes: Floats, options: NeighbourOptions) -> sp.csr_matrix:
    """Returns the nearest films of some films.

    Args:
        common: (n, films), what films have in common, the rows from number `first` on.
        first: the number of its first film.
        sizes: float32 (films,), of all films.
        options: how they are compared.
    """
    found = common.tocsr()
    rows = first + np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    found.data /= sizes[rows] * sizes[found.indices] + np.float32(options.shrink)
    found.data **= np.float32(options.sharpen)
    found.data[rows == found.indices] = 0
    found.eliminate_zeros()
    return nearest(found, options.keep)


def fit_people(
    interactions: Interactions,
    facts: FilmFacts | None,  # noqa: ARG001
    options: dict[str, Any],
    seed: int,  # noqa: ARG001
) -> PersonNeighbours:
    """Keeps what people liked, to find those near to somebody; options are those of `NeighbourOptions`.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = NeighbourOptions(**options)
    liked = interactions.matrix(chosen.learned(interactions.ratings))
    return PersonNeighbours(liked[np.flatnonzero(np.diff(liked.indptr))], chosen)


def nearest(likeness: sp.csr_matrix, keep: int) -> sp.csr_matrix:
    """Returns the `keep` largest entries of each row, columns ascending; of equal ones those of lower column."""
    starts, columns, values = [0], [], []
    for row in range(likeness.shape[0]):
        mine = slice(likeness.indptr[row], likeness.indptr[row + 1])
        found, films = likeness.data[mine], likeness.indices[mine]
        if len(found) > keep:
            # most entries of most rows are left out: they are not sorted
            least = np.partition(found, len(found) - keep)[len(found) - keep]
            over, level = np.flatnonzero(found > least), np.flatnonzero(found == least)
            level = level[np.argsort(films[level])[: keep - len(over)]]
            best = np.concatenate([over, level])
            found, films = found[best], films[best]
        order = np.argsort(films)
        columns.append(films[order])
        values.append(found[order])
        starts.append(starts[-1] + len(order))
    nothing = np.empty(0, dtype=np.int32)
    parts = (np.concatenate([*values, nothing.astype(np.float32)]), np.concatenate([*columns, nothing]), starts)
    return sp.csr_matrix(parts, shape=likeness.shape)


def _damped(matrix: sp.csr_matrix, power: float) -> Floats:
    """Returns the size of each row: the sum of its squares to a power, 0.5 being its length."""
    squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    sizes: Floats = np.power(squares, power).astype(np.float32)
    return sizes
