"""Ranks films by the meaning of a description: similarity of the static text encoder, fused with BM25."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cine_catalog.domain.film import Film
from cinemesh.textencoder import StaticTextEncoder

#: Weights of the fusion, chosen on `tot-dev` (`make relevance` prints them beside BM25 alone).
BM25_WEIGHT, SIMILARITY_WEIGHT, PRIOR_WEIGHT = 1.0, 1.0, 0.25
DEPTH = 200


def film_text(film: Film) -> str:
    """Returns what the encoder reads of a film: what it is about, then what it is called."""
    about = ", ".join((*film.keywords[:12], *film.genres))
    return f"{film.overview} {about}. {film.title}".strip()


class Meaning:
    """Embeddings of all films and the encoder that made them.

    Args:
        encoder: gives unit vectors.
        vectors: (n, d) float16 or float32, unit rows, memory-mapped; zero rows for films without text.
    """

    def __init__(self, encoder: StaticTextEncoder, vectors: np.ndarray) -> None:
        self._encoder = encoder
        self._vectors = vectors

    def similarity(self, text: str) -> np.ndarray:
        """Returns (n,) cosine similarity of every film to a text."""
        wanted = self._encoder.encode([text])[0].astype(self._vectors.dtype)
        similarity: np.ndarray = (self._vectors @ wanted).astype(np.float32)
        return similarity

    def fuse(
        self, text: str, bm25: Sequence[tuple[int, float]], prior: np.ndarray, allowed: np.ndarray | None
    ) -> list[int]:
        """Returns ordinals, best first: both scores standardised over the candidates of either side, then summed.

        Args:
            text: the description.
            bm25: (ordinal, score) pairs of the lexical side.
            prior: (n,) popularity prior, 0 to 1.
            allowed: ordinals the filters leave; None for all.
        """
        similarity = self.similarity(text)
        pool = similarity if allowed is None else similarity[allowed]
        depth = min(DEPTH, len(pool))
        nearest = np.argpartition(-pool, depth - 1)[:depth] if depth else np.empty(0, dtype=np.int64)
        if allowed is not None:
            nearest = allowed[nearest]
        lexical = dict(bm25)
        candidates = np.array(sorted({*lexical, *nearest.tolist()}), dtype=np.int64)
        if not len(candidates):
            return []
        best = max(lexical.values(), default=1.0) or 1.0
        words = np.array([lexical.get(int(o), 0.0) / best for o in candidates], dtype=np.float32)
        near = similarity[candidates]
        near = (near - near.min()) / (float(np.ptp(near)) or 1.0)
        score = BM25_WEIGHT * words + SIMILARITY_WEIGHT * near + PRIOR_WEIGHT * prior[candidates]
        return [int(o) for o in candidates[np.argsort(-score, kind="stable")]]
