"""The hybrid's list as people see it: by score, then arranged by the same steps as an answer, for variety and for their own genre mix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.preprocessing import normalize

from cine_recommender.domain.calibration import genre_shares, mix_of_liked
from cine_recommender.domain.reranking import Reranking, rerank
from cine_recommender.domain.taste import Ranked
from cine_recommender.flows.pipeline import HEAD
from cine_recommender.fusion.hybrid import Hybrid
from cine_recommender.interactions import Floats, History, Ints
from cine_recommender.signals.signal import FilmFacts


@dataclass(frozen=True)
class Shown:
    """Judges what is shown.

    Attributes:
        hybrid: ranks.
        genres: float32 (films, genres), of `genre_shares`.
        content: float32 csr (films, terms), rows of length 1: by what films are alike.
        how: what else than the score decides the order.
    """

    name: ClassVar[str] = "shown"

    hybrid: Hybrid
    genres: Floats
    content: sp.csr_matrix
    how: Reranking

    @classmethod
    def of(cls, hybrid: Hybrid, facts: FilmFacts, how: Reranking | None = None) -> Shown:
        """Returns the list of a hybrid as the service arranges it, unless told otherwise.

        Directors and series are not in a log: what is said of them in `how` has no effect.
        """
        told = sp.hstack([normalize(sp.csr_matrix(facts.genres)), facts.terms], format="csr")
        return cls(hybrid, genre_shares(facts.genres.T > 0), normalize(told).astype(np.float32), how or Reranking())

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:
        """Returns float32 (histories, films): by place, as `Hybrid.scores` does."""
        return self.hybrid.scores(histories, now, arranged=self._arranged)

    def _arranged(self, history: History, ranked: Ranked) -> Ints:
        head = ranked.rows[:HEAD]
        mine = self.content[head]
        order = rerank(
            ranked.scores[:HEAD],
            self.how,
            likeness=(mine @ mine.T).toarray(),
            shares=self.genres[head],
            wanted=mix_of_liked(self.genres[history.films], history.ratings),
        )
        return np.concatenate([head[order], ranked.rows[HEAD:]])
