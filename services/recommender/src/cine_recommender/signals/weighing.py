"""What a rating says: how much it counts when a signal is learned, and how much when a person's history is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field

from cine_recommender.interactions import Floats, History, stack

_NEUTRAL = 3.0  # a film rated lower was not liked: it never raises what resembles it
_LOWEST = {"all": 0.0, "3.5": 3.5, "4": 4.0}


class Weighing(BaseModel):
    """Options that every signal of likes has; each signal adds its own.

    Each rating counts for itself, whatever else the person rated: so a score is a sum over the films of the history and says exactly
    what each of them gave.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Literal["all", "3.5", "4"] = Field(
        default="4", description="ratings that count: all, or those of so many stars at least"
    )
    grade: float = Field(
        default=1.0, ge=0, le=4, description="0: all that count are equal; above: (stars / 5) to this power"
    )
    dislike: float = Field(
        default=0.0, ge=0, le=1, description="how much a rating below 3 stars lowers what resembles the film"
    )

    def learned(self, ratings: Floats) -> Floats:
        """Returns the weight of each rating in training, float32 (n,), 0 to 1."""
        return np.where(ratings >= _LOWEST[self.rows], self._graded(ratings), np.float32(0))

    def read(self, ratings: Floats) -> Floats:
        """Returns the weight of each rating of somebody's history, float32 (n,), -1 to 1: never above 0 below three stars."""
        counted = np.where(ratings >= max(_LOWEST[self.rows], _NEUTRAL), self._graded(ratings), np.float32(0))
        return np.where(ratings < _NEUTRAL, np.float32(-self.dislike), counted)

    def profiles(self, histories: Sequence[History], films: int) -> sp.csr_matrix:
        """Returns the histories' weights, float32 (histories, films); films with a number the signal does not know are left out."""
        known = [within(one, films) for one in histories]
        return stack(known, films, [self.read(one.ratings) for one in known])

    def _graded(self, ratings: Floats) -> Floats:
        return np.power(ratings / np.float32(5), np.float32(self.grade)) if self.grade else np.ones_like(ratings)


def within(history: History, films: int) -> History:
    """Returns a history without films that came after the signal was learned, those numbered `films` and above."""
    if not len(history) or int(history.films.max()) < films:
        return history
    kept = history.films < films
    return History(history.films[kept], history.ratings[kept], history.times[kept])
