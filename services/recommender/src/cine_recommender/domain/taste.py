"""What a model of taste answers: how well films suit somebody, what each signal gave, and which films of theirs say so.

This is the seam between models and what serves or judges them: the pipeline of `flows` ranks by it, and `evaluation` scores by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from cine_recommender.interactions import Floats, History, Ints, Mask
from cine_recommender.signals.context import Situation
from cine_recommender.signals.signal import Contribution

COMPONENTS: Final = ("collaborative", "content", "graph", "sentiment", "popularity", "context")
"""What a score is made of, in the order of the columns of `Ranked.shares`: the fields of `recommendation.proto`."""


Views = npt.NDArray[np.float16]


@dataclass(frozen=True)
class Ranked:
    """Films for somebody, best first.

    Attributes:
        rows: int32 (n,), films as the model numbers them.
        scores: float32 (n,), 0 to 1, descending: the probability that the person would like the film, were it watched next.
        shares: float32 (n, 6), each component's share of the score; a row sums to its score. A share may be below zero.
        views: float16 (n, s), what each of `signals` makes of the film by itself, 0 to 1; None where there are no signals.
        signals: behind the scores, in the order of the columns of `views`.
    """

    rows: Ints
    scores: Floats
    shares: Floats
    views: Views | None = None
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True)
class Signal:
    """One of the signals that a score is made of, for `ExplainRecommendations`.

    Attributes:
        name: such as "ease".
        component: which of `COMPONENTS` it counts for.
        weight: its weight in the profile, 0 to 1.
        learner: the model it is read from, such as "ease"; empty for facts and rules.
    """

    name: str
    component: str
    weight: float
    learner: str = ""


@dataclass(frozen=True)
class Predicted:
    """A rating expected, in stars; `low` to `high` holds four of five."""

    stars: float
    low: float
    high: float


class TasteModel(Protocol):
    """A trained hybrid, read-only and shared by threads."""

    @property
    def name(self) -> str:
        """Kind and version, such as "hybrid/20261127T004300"."""
        ...

    @property
    def film_ids(self) -> Ints:
        """int32 (films,), id in the catalogue of each film it numbers."""
        ...

    @property
    def profiles(self) -> tuple[str, ...]:
        """Weights it can rank by; the first is the one that won the evaluation."""
        ...

    def history(self, movie_ids: Ints, ratings: Floats, times: npt.NDArray[np.int64]) -> History:
        """Returns what somebody rated with films numbered as here, oldest first; films it does not know are left out.

        Args:
            movie_ids: int32 (n,), ids of the catalogue, no film twice.
            ratings: float32 (n,), 0.5 to 5 stars.
            times: int64 (n,), Unix seconds.
        """
        ...

    def rank(
        self,
        history: History,
        *,
        now: int,
        profile: str = "",
        situation: Situation | None = None,
        allowed: Mask | None = None,
        depth: int = 500,
    ) -> Ranked:
        """Returns the best films for somebody, at most `depth`; films of the history are ranked like any other.

        Args:
            history: of `history`; may be empty: then it is what everybody watches, and context.
            now: Unix seconds.
            profile: one of `profiles`; empty for the first.
            situation: when, where and in what mood it will be watched; None for unknown.
            allowed: bool (films,): the only ones to rank; None for all.
            depth: most films returned.

        Raises:
            ValueError: The profile is unknown.
        """
        ...

    def reasons(
        self,
        history: History,
        rows: Ints,
        *,
        now: int,
        profile: str = "",
        situation: Situation | None = None,
        most: int = 3,
    ) -> list[Sequence[Contribution]]:
        """Returns for each film of `rows` the films of the history without which its score would be lower, most first.

        Amounts are exact: `rank` without that film in the history gives a score lower by the amount.
        """
        ...

    def predict(self, history: History, rows: Ints) -> list[Predicted]:
        """Returns the ratings the person would give, one for each film of `rows`."""
        ...
