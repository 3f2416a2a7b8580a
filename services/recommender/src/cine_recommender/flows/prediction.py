"""What somebody would rate a film."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

import numpy as np

from cine_recommender.domain.taste import Predicted
from cine_recommender.flows.asking import Asking
from cine_recommender.flows.pipeline import Models
from cinemesh import telemetry
from cinemesh.errors import NotFound, Reason

_DAMPING: Final = 10.0
"""Ratings of the usual kind that a film's own are mixed with."""
_SPREAD: Final = 1.0
"""Usual deviation of a rating from the mean of its film, in stars."""
_FOUR_OF_FIVE: Final = 1.2816
"""Deviations from the middle within which four normal values of five are."""
_LOWEST, _HIGHEST = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """A rating expected.

    Attributes:
        predicted: stars, and the interval that holds four of five.
        rating_count: films of the person's history behind it.
        model: model that answered.
        reason: what was missing; empty when nothing was.
    """

    predicted: Predicted
    rating_count: int
    model: str
    reason: str


class Predicting:
    """Predicts ratings.

    Args:
        asking: who asks, and the models of the moment.
        executor: threads for the work of models.
    """

    def __init__(self, asking: Asking, executor: Executor) -> None:
        self._asking, self._executor = asking, executor
        self._log = telemetry.logger("recommender")

    async def predict(self, user_id: str, movie_id: int) -> Prediction:
        """Returns what somebody would rate a film; without the hybrid model or a history it is the film's own mean, damped.

        Raises:
            NotFound: there is no such film.
            Unavailable: there is no model at all.
        """
        caller = await self._asking.caller(user_id)
        models, _, stale = await self._asking.models()
        row = int(models.numbering.rows(np.array([movie_id], dtype=np.int32))[0])
        if row < 0:
            raise NotFound(f"there is no film {movie_id}", reason=Reason.MOVIE_NOT_FOUND)
        reasons, known = [*caller.reasons, *stale], caller.known
        theirs = int(models.taste_rows[row])
        if models.taste is not None and theirs >= 0:
            taste = models.taste
            history = taste.history(known.movie_ids, known.ratings, known.times)

            def work() -> Predicted:
                return taste.predict(history.without(theirs), np.array([theirs], dtype=np.int32))[0]

            try:
                found = await asyncio.get_running_loop().run_in_executor(self._executor, work)
                return Prediction(found, len(history.without(theirs)), taste.name, "; ".join(reasons))
            except Exception:
                self._log.exception("the hybrid model failed", model=taste.name)
                reasons.append("the hybrid model failed to answer")
        else:
            reasons.append(
                "there is no hybrid model yet" if models.taste is None else "the hybrid model does not know the film"
            )
        return Prediction(_of_film(models, row), 0, models.content.name, "; ".join(reasons))


def _of_film(models: Models, row: int) -> Predicted:
    """The film's mean, damped towards that of all films."""
    content = models.content
    counts = content.rating_counts
    means = content.filters.mean_ratings
    total = float(counts.sum())
    usual = float((means * counts).sum()) / total if total else (_LOWEST + _HIGHEST) / 2
    count = float(counts[row])
    stars = (count * float(means[row]) + _DAMPING * usual) / (count + _DAMPING)
    margin = _FOUR_OF_FIVE * _SPREAD * math.sqrt(1 + 1 / (count + _DAMPING))
    return Predicted(min(max(stars, _LOWEST), _HIGHEST), max(stars - margin, _LOWEST), min(stars + margin, _HIGHEST))
