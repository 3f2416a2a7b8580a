"""What everybody watches: of all time, or of the last days before a moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from cine_recommender.interactions import Floats, History, Interactions, Ints
from cine_recommender.signals.signal import Contribution, FilmFacts
from cine_recommender.signals.storage import Array, read_arrays, write_arrays

_DAY = 86_400
_LOWEST = {"all": 0.0, "3.5": 3.5, "4": 4.0}


class PopularityOptions(BaseModel):
    """What counts as popular."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Literal["all", "3.5", "4"] = Field(
        default="all", description="ratings that count: all, or those of so many stars at least"
    )
    days: int = Field(
        default=0, ge=0, description="only ratings of so many days before the moment count; 0: of all time"
    )


class Popularity:
    """How many people rated a film, as a signal.

    With `days`, films nobody rated in the window stand behind all that somebody did, in the order of all time: their scores are below 1.

    Args:
        totals: float32 (films,), ratings of all time.
        times: int64 (n,), Unix seconds of ratings, ascending; empty without `days`.
        films: int32 (n,), the films of these ratings.
        options: what counts.
    """

    name: ClassVar[str] = "popularity"

    def __init__(self, totals: Floats, times: npt.NDArray[np.int64], films: Ints, options: PopularityOptions) -> None:
        self._totals = totals
        self._times = times
        self._films = films
        self._options = options
        self._rest = totals / (totals.max(initial=0) + 1)

    def scores(self, histories: Sequence[History], now: npt.NDArray[np.int64] | None = None) -> Floats:
        """Returns the number of ratings of each film, float32 (histories, films).

        Ratings at the moment itself or later do not count. Without a moment it is the person's last rating; for a person
        without any, that of the last rating of all.
        """
        if not self._options.days:
            return np.repeat(self._totals[None, :], len(histories), axis=0)
        last = int(self._times[-1]) + 1 if len(self._times) else 0
        moments = [int(one.times[-1]) if len(one) else last for one in histories] if now is None else now.tolist()
        found: dict[int, Floats] = {}
        for moment in moments:
            if moment not in found:
                found[moment] = self._window(moment)
        return (
            np.stack([found[moment] for moment in moments]) if moments else np.empty((0, len(self._totals)), np.float32)
        )

    def _window(self, moment: int) -> Floats:
        start, end = np.searchsorted(self._times, (moment - self._options.days * _DAY, moment))
        counts = np.bincount(self._films[start:end], minlength=len(self._totals))
        scores: Floats = counts.astype(np.float32) + self._rest
        return scores

    def explain(self, history: History, film: int) -> list[Contribution]:  # noqa: ARG002
        """Returns nothing: it does not depend on what the person watched."""
        return []

    def save(self, folder: Path) -> None:
        """Writes the counts and, with `days`, the moments."""
        arrays: dict[str, Array] = {"totals": self._totals, "times": self._times, "films": self._films}
        write_arrays(folder, self.name, arrays, self._options.model_dump())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote, mapped."""
        arrays, options = read_arrays(folder, cls.name)
        return cls(arrays["totals"], arrays["times"], arrays["films"], PopularityOptions(**options))


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Popularity:  # noqa: ARG001
    """Counts; options are those of `PopularityOptions`. Nothing in it is drawn by lot.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
    """
    chosen = PopularityOptions(**options)
    rows = np.flatnonzero(interactions.ratings >= _LOWEST[chosen.rows])
    totals = np.bincount(interactions.films[rows], minlength=len(interactions.film_ids)).astype(np.float32)
    rows = rows[np.argsort(interactions.times[rows], kind="stable")] if chosen.days else rows[:0]
    return Popularity(totals, interactions.times[rows], interactions.films[rows], chosen)
