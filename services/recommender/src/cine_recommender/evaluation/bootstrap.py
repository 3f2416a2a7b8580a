"""How sure a figure is: percentile bootstrap over people, with the same resamples for every model, so that differences are paired."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

RESAMPLES = 5000
# people × resamples drawn at a time: 64 MB of counts
_AT_ONCE = 8_000_000


@dataclass(frozen=True)
class Estimate:
    """A mean, and where it lies with 95 % confidence."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Bootstrap:
    """Draws people with replacement; what is drawn depends on nothing but these three.

    Attributes:
        people: how many there are, at least 1.
        resamples: how often so many are drawn.
        seed: of the draws.
    """

    people: int
    resamples: int = RESAMPLES
    seed: int = 0

    def means(self, sums: Values, counts: Values | None = None) -> Values:
        """Returns the mean of each column in each resample, float64 (resamples, columns).

        Args:
            sums: float64 (people, columns): a person's value, or the sum of several.
            counts: float64 (people,): of how many values each sum is; None for one each. A person drawn brings all of theirs.
        """
        parts = np.ones((self.people, 1)) if counts is None else counts[:, None]
        both = np.hstack([sums, parts])
        lots = np.random.default_rng(self.seed)
        found = np.empty((self.resamples, both.shape[1]))
        step = max(1, _AT_ONCE // self.people)
        for first in range(0, self.resamples, step):
            rows = min(step, self.resamples - first)
            drawn = lots.integers(self.people, size=(rows, self.people))
            drawn += np.arange(rows)[:, None] * self.people
            times = np.bincount(drawn.ravel(), minlength=rows * self.people).reshape(rows, self.people)
            found[first : first + rows] = times.astype(np.float64) @ both
        # a resample of nobody but people without values has no mean
        with np.errstate(invalid="ignore", divide="ignore"):
            return found[:, :-1] / found[:, -1:]


def estimate(mean: float, resampled: Values) -> Estimate:
    """Returns the 95 % percentile interval around a mean, from that mean in each resample (resamples,)."""
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return Estimate(float(mean), float(low), float(high))
