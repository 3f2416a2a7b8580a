"""Content: films that are told in the same words and by the same people as those that somebody liked.

Two films are as alike as the content model says: the product of their terms (genres, directors, cast, keywords, words) plus that of
their meanings. A film's score is the sum of its likeness to the films of the history; with `keep` only to those they are most like: a
sparse matrix and far quicker for tens of thousands of films.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from cine_recommender.interactions import Floats, Interactions, Ints
from cine_recommender.signals.blocks import stacked
from cine_recommender.signals.filmtofilm import FilmToFilm, FilmWeights, SparseWeights, strongest
from cine_recommender.signals.signal import FilmFacts
from cine_recommender.signals.storage import Array, sparse_from, sparse_parts
from cine_recommender.signals.weighing import Weighing

_BLOCK = 512


class ContentOptions(Weighing):
    """What is compared."""

    keep: int = Field(default=0, ge=0, description="films that each film says something of, the most alike; 0: all")
    rated: bool = Field(
        default=False, description="with `keep`: only films that somebody rated say something of others"
    )
    genres: float = Field(default=0.0, ge=0, description="weight of genres beside the terms, which may hold them too")
    meaning: float = Field(default=1.0, ge=0, description="weight of the sentence embeddings")


class LikenessWeights:
    """Likeness as it is computed, never written out: films (films, n) times their mirror.

    Args:
        terms: float32 csr (films, terms).
        meaning: float32 (films, dimensions).
    """

    def __init__(self, terms: sp.csr_matrix, meaning: Floats) -> None:
        self._terms = terms
        self._by_term = terms.T.tocsr()
        self._meaning = meaning
        self._own = np.asarray(terms.multiply(terms).sum(axis=1)).ravel() + np.square(meaning).sum(axis=1)
        self.films: int = terms.shape[0]

    def applied(self, profiles: sp.csr_matrix) -> Floats:
        """Returns profiles times likeness."""
        out = np.asarray(((profiles @ self._terms) @ self._by_term).toarray(), dtype=np.float32)
        if self._meaning.shape[1]:
            out += (profiles @ self._meaning) @ self._meaning.T
        # a film is not a reason for itself
        rows = np.repeat(np.arange(profiles.shape[0]), np.diff(profiles.indptr))
        out[rows, profiles.indices] -= profiles.data * self._own[profiles.indices]
        return out

    def towards(self, rows: Ints, film: int) -> Floats:
        """Returns how alike the films of `rows` are to a film."""
        alike = (
            np.asarray((self._terms[rows] @ self._terms[film].T).toarray()).ravel()
            + self._meaning[rows] @ self._meaning[film]
        )
        return np.where(rows == film, 0, alike).astype(np.float32)

    def kept(self, keep: int, films: Ints | None = None) -> sp.csr_matrix:
        """Returns the `keep` most alike of each film, sparse (films, films).

        Args:
            keep: how many.
            films: those that say something of others, ascending; None for all. The rows of the others are empty.
        """
        chosen = np.arange(self.films, dtype=np.int32) if films is None else films

        def most_alike(first: int, end: int) -> sp.csr_matrix:
            mine = chosen[first:end]
            alike = np.asarray((self._terms[mine] @ self._by_term).toarray(), dtype=np.float32)
            alike += self._meaning[mine] @ self._meaning.T
            alike[np.arange(len(mine)), mine] = 0
            return strongest(alike, keep, self.films)

        found = stacked(len(chosen), self.films, most_alike, _BLOCK)
        lengths = np.zeros(self.films, dtype=np.int64)
        lengths[chosen] = np.diff(found.indptr)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return sp.csr_matrix((found.data, found.indices, starts), shape=(self.films, self.films))

    def parts(self) -> dict[str, Array]:
        """Returns terms and meanings."""
        return {
            **sparse_parts("terms", self._terms),
            "terms_wide": np.array([self._terms.shape[1]]),
            "meaning": self._meaning,
        }

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        """Returns the weights of `parts`."""
        return cls(sparse_from("terms", arrays, int(arrays["terms_wide"][0])), arrays["meaning"])


class Content(FilmToFilm):
    """Likeness to the films of the history."""

    name: ClassVar[str] = "content"
    options: ClassVar[type[Weighing]] = ContentOptions

    @classmethod
    def weights_of(cls, arrays: Mapping[str, Array]) -> FilmWeights:
        """Returns the weights that were saved, in the form they were saved in."""
        return LikenessWeights.of(arrays) if "meaning" in arrays else SparseWeights.of(arrays)


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Content:  # noqa: ARG001
    """Takes the films' vectors; options are those of `ContentOptions`. Nothing in it is drawn by lot.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
        ValueError: Nothing is told of the films.
    """
    chosen = ContentOptions(**options)
    if facts is None:
        raise ValueError("the content signal needs facts of the films")
    lengths = np.maximum(np.linalg.norm(facts.genres, axis=1, keepdims=True), 1)
    genres = sp.csr_matrix(facts.genres / lengths * np.float32(np.sqrt(chosen.genres)))
    genres.eliminate_zeros()
    terms = sp.hstack([facts.terms, genres], format="csr", dtype=np.float32)
    meaning = (facts.meaning * np.float32(np.sqrt(chosen.meaning))).astype(np.float32)
    weights = LikenessWeights(terms, meaning)
    if not chosen.keep:
        return Content(weights, chosen)
    rated = np.unique(interactions.films).astype(np.int32) if chosen.rated else None
    return Content(SparseWeights(weights.kept(chosen.keep, rated)), chosen)
