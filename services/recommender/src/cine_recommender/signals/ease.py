"""EASE: the film-to-film matrix that best gives back what people liked, in closed form (Steck, 2019).

With X (people, films) and G = XᵀX + reg·I, the weights are B = I − P·diag(1/diag P), P = G⁻¹. Three forms, all of the same B:

- few people (fewer than films): P = (I − Xᵀ(XXᵀ + reg·I)⁻¹X) / reg, so a matrix (people, people) is all that is inverted, and B is
  never written out. Exact.
- many people: G is inverted for the films with at least `min_ratings`, the `most_films` most rated ones. Exact for those; the others say
  nothing and get nothing.
- `keep` above 0: the entries of largest magnitude of each row of B, sparse, for serving; what that costs is in the README.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp
from pydantic import Field

from cine_recommender.interactions import Floats, Interactions, Ints
from cine_recommender.signals.blocks import stacked
from cine_recommender.signals.filmtofilm import FilmToFilm, FilmWeights, SparseWeights, strongest
from cine_recommender.signals.gram import gram
from cine_recommender.signals.signal import FilmFacts
from cine_recommender.signals.storage import Array, sparse_from, sparse_parts
from cine_recommender.signals.weighing import Weighing

_BLOCK = 1024  # rows of B that are written out at a time


class EaseOptions(Weighing):
    """How EASE is learned."""

    reg: float = Field(default=100.0, gt=0, description="ridge; grows with the number of people")
    min_ratings: int = Field(default=1, ge=1, description="films with fewer ratings that count take no part")
    most_films: int = Field(
        default=12_000,
        ge=0,
        description="of more people than that, and more films, only so many films take part, the most rated; 0: all. Memory grows "
        "with its square, time with its cube",
    )
    keep: int = Field(default=0, ge=0, description="entries to keep in each row; 0: all")


class DenseWeights:
    """All weights among some of the films.

    Args:
        chosen: int32 (n,), the films that take part, ascending.
        among: float32 (n, n).
        films: how many films there are.
    """

    def __init__(self, chosen: Ints, among: Floats, films: int) -> None:
        self._chosen = chosen
        self._among = among
        self.films = films
        self._place = np.full(films, -1, dtype=np.int32)
        self._place[chosen] = np.arange(len(chosen), dtype=np.int32)

    def applied(self, profiles: sp.csr_matrix) -> Floats:
        """Returns profiles times the matrix."""
        out = np.zeros((profiles.shape[0], self.films), dtype=np.float32)
        out[:, self._chosen] = profiles[:, self._chosen] @ self._among
        return out

    def towards(self, rows: Ints, film: int) -> Floats:
        """Returns what the films of `rows` say of a film."""
        places, place = self._place[rows], self._place[film]
        if place < 0:
            return np.zeros(len(rows), dtype=np.float32)
        return np.where(places >= 0, self._among[places, place], np.float32(0))

    def parts(self) -> dict[str, Array]:
        """Returns the matrix and which films it is of."""
        return {"chosen": self._chosen, "among": self._among, "films": np.array([self.films])}

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        """Returns the weights of `parts`."""
        return cls(arrays["chosen"], arrays["among"], int(arrays["films"][0]))


class DualWeights:
    """All weights, never written out: for fewer people than films.

    Args:
        liked: float32 csr X (people, films).
        inverse: float32 (people, people), (XXᵀ + reg·I)⁻¹.
        reg: the ridge.
    """

    def __init__(self, liked: sp.csr_matrix, inverse: Floats, reg: float) -> None:
        self._liked = liked
        self._by_film = liked.T.tocsr()
        self._inverse = inverse
        self._reg = reg
        self.films: int = liked.shape[1]
        through = np.asarray(inverse @ liked, dtype=np.float64)
        # diag P times reg: 1 − xⱼᵀ K xⱼ for each film's column xⱼ
        self._diagonal = 1 - np.asarray(liked.multiply(through).sum(axis=0)).ravel()

    def applied(self, profiles: sp.csr_matrix) -> Floats:
        """Returns profiles times the matrix."""
        near = np.asarray((profiles @ self._by_film).toarray(), dtype=np.float32) @ self._inverse
        # B has an empty diagonal: what the film itself would say, 1 − 1 + (its own part of x P), falls away
        spread = np.asarray(near @ self._liked, dtype=np.float32)
        own = profiles.multiply((1 - self._diagonal)[None, :]).toarray()
        scores: Floats = ((spread - own) / self._diagonal).astype(np.float32)
        return scores

    def towards(self, rows: Ints, film: int) -> Floats:
        """Returns what the films of `rows` say of a film."""
        through = self._inverse @ self._by_film[film].toarray().ravel()
        said = np.asarray(self._by_film[rows] @ through) / self._diagonal[film]
        return np.where(rows == film, 0, said).astype(np.float32)

    def rows(self, first: int, end: int) -> Floats:
        """Returns some rows of B, float32 (end - first, films)."""
        rows = np.asarray((self._by_film[first:end] @ self._inverse) @ self._liked, dtype=np.float32)
        rows /= self._diagonal.astype(np.float32)
        return rows

    def parts(self) -> dict[str, Array]:
        """Returns X, the inverse and the ridge."""
        return {
            **sparse_parts("liked", self._liked),
            "inverse": self._inverse,
            "shape": np.array([self.films]),
            "reg": np.array([self._reg]),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        """Returns the weights of `parts`."""
        return cls(sparse_from("liked", arrays, int(arrays["shape"][0])), arrays["inverse"], float(arrays["reg"][0]))


class Ease(FilmToFilm):
    """EASE as a signal."""

    name: ClassVar[str] = "ease"
    options: ClassVar[type[Weighing]] = EaseOptions

    @classmethod
    def weights_of(cls, arrays: Mapping[str, Array]) -> FilmWeights:
        """Returns the weights that were saved, in the form they were saved in."""
        if "inverse" in arrays:
            return DualWeights.of(arrays)
        return DenseWeights.of(arrays) if "among" in arrays else SparseWeights.of(arrays)


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Ease:  # noqa: ARG001
    """Learns EASE; options are those of `EaseOptions`. Nothing in it is drawn by lot.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = EaseOptions(**options)
    liked = interactions.matrix(chosen.learned(interactions.ratings))
    counts = np.bincount(liked.indices, minlength=liked.shape[1])
    films = np.flatnonzero(counts >= chosen.min_ratings).astype(np.int32)
    if chosen.min_ratings > 1:
        liked = (liked @ sp.diags((counts >= chosen.min_ratings).astype(np.float32))).tocsr()
        liked.eliminate_zeros()
    few = np.count_nonzero(np.diff(liked.indptr)) < min(len(films), chosen.most_films or len(films))
    if few and not chosen.keep:
        return Ease(_dual(liked, chosen.reg), chosen)
    if few:
        # films nobody rated have empty rows: they are not worth the time
        cut = _cut(_dual(liked[:, films], chosen.reg), chosen.keep)
        return Ease(SparseWeights(_spread(cut, films, liked.shape[1])), chosen)
    films = taking_part(counts, chosen)
    return among_films(_primal(liked[:, films], chosen.reg), films, liked.shape[1], chosen)


def taking_part(counts: npt.NDArray[np.int64], options: EaseOptions) -> Ints:
    """Returns the films that take part where people are many, int32, ascending.

    Args:
        counts: int64 (films,), ratings that count.
        options: how many at most, and how many ratings each has at least.
    """
    films = np.flatnonzero(counts >= options.min_ratings)
    most = options.most_films or len(films)
    return np.sort(films[np.argsort(-counts[films], kind="stable")[:most]]).astype(np.int32)


def among_films(among: Floats, films: Ints, total: int, options: EaseOptions) -> Ease:
    """Returns EASE with these weights.

    Args:
        among: float32 (n, n), B; altered.
        films: int32 (n,), of which films, ascending.
        total: how many films there are.
        options: what is kept.
    """
    if not options.keep:
        return Ease(DenseWeights(films, among, total), options)
    cut = stacked(len(films), len(films), lambda first, end: strongest(among[first:end], options.keep, first))
    return Ease(SparseWeights(_spread(cut, films, total)), options)


def _dual(liked: sp.csr_matrix, reg: float) -> DualWeights:
    people = liked[np.flatnonzero(np.diff(liked.indptr))]
    common = np.asarray((people @ people.T).toarray(), dtype=np.float64)
    common[np.diag_indices_from(common)] += reg
    return DualWeights(people, scipy.linalg.inv(common, overwrite_a=True).astype(np.float32), reg)


def _cut(dual: DualWeights, keep: int) -> sp.csr_matrix:
    return stacked(dual.films, dual.films, lambda first, end: strongest(dual.rows(first, end), keep, first))


def _primal(liked: sp.csr_matrix, reg: float) -> Floats:
    """Returns B among the films of `liked`, float32 (films, films)."""
    counted, order = gram(liked)
    among = solved(counted, reg)
    place = np.argsort(order)
    return among[np.ix_(place, place)]


def solved(counted: npt.NDArray[np.float64], reg: float) -> Floats:
    """Returns B of XᵀX, float32 (films, films).

    Args:
        counted: float64 (films, films) in Fortran's order, of which the upper triangle counts. Overwritten: there is no room for two.
            Not float32, in which the inverse loses what rare films say.
        reg: the ridge.
    """
    films = len(counted)
    counted[np.diag_indices(films)] += reg
    factor, _ = scipy.linalg.lapack.dpotrf(counted, lower=0, overwrite_a=1, clean=0)
    inverse, _ = scipy.linalg.lapack.dpotri(factor, lower=0, overwrite_c=1)
    among = np.empty((films, films), dtype=np.float32)
    diagonal = np.diag(inverse).copy()
    for at in range(0, films, _BLOCK):  # the lower half is not written by LAPACK: it is the upper one's mirror
        end = min(at + _BLOCK, films)
        block = -inverse[at:end, at:]
        corner = np.triu(block[:, : end - at])
        block[:, : end - at] = corner + np.triu(corner, 1).T
        among[at:end, at:] = block
        among[at:, at:end] = block.T
    among /= diagonal.astype(np.float32)
    among[np.diag_indices(films)] = 0
    return among


def _spread(among: sp.csr_matrix, films: Ints, total: int) -> sp.csr_matrix:
    found = among.tocoo()
    return sp.csr_matrix((found.data, (films[found.row], films[found.col])), shape=(total, total))
