"""What people here did with films, joined with what the data says: means, counts, and interest that fades.

The data's audience ends on the day it was gathered; people who use this installation go on from there. Ratings of both count alike.
Interest is a sum of 2^(-age / half-life): two years for "popular", two weeks for "trending", so that each rating fades smoothly
instead of leaving a window at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

#: Half-life of the interest behind "popular", in days; the pipeline uses the same for the ratings of the data.
POPULARITY_HALF_LIFE = 730.0
#: Half-life of the interest behind "trending", in days.
TREND_HALF_LIFE = 14.0
#: A film watched and entered in a diary is worth this much of a rating.
WATCH_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Day:
    """What happened to one film on one day.

    Attributes:
        day: days since 1970-01-01, UTC.
        ratings: ratings last changed on that day.
        halves: their sum, in half stars.
        watches: diary entries of that day.
    """

    day: int
    ratings: int
    halves: int
    watches: int

    @property
    def weight(self) -> float:
        """Interest of that day, in ratings."""
        return self.ratings + WATCH_WEIGHT * self.watches


@dataclass(frozen=True)
class Figures:
    """Numbers of every film, by ordinal: (n,) float64 each.

    Attributes:
        count: ratings ≥ 0.
        rating: their mean, 0 to 5.
        recent: interest of late, in ratings; may be a fraction.
        popularity: recency-weighted interest ≥ 0.
    """

    count: np.ndarray
    rating: np.ndarray
    recent: np.ndarray
    popularity: np.ndarray


def faded(weight: np.ndarray, age_days: np.ndarray | float, half_life: float) -> np.ndarray:
    """Returns what is left of interest after some days; what lies in the future has not begun to fade."""
    left: np.ndarray = weight * np.exp2(-np.maximum(age_days, 0.0) / half_life)
    return left


def joined(data: Figures, data_age_days: float, live: Mapping[int, Sequence[Day]], today: int) -> Figures:
    """Returns the figures of data and people here together.

    Args:
        data: figures of the data alone.
        data_age_days: days since the data was taken over: what was recent then has faded since.
        live: ordinal → its days, in any order.
        today: days since 1970-01-01, UTC.
    """
    ordinals = np.fromiter((o for o, days in live.items() for _ in days), dtype=np.int64)
    rows = [(d.day, d.ratings, d.halves, d.weight) for days in live.values() for d in days]
    day, ratings, halves, weight = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    size = len(data.count)

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(ordinals, weights=values, minlength=size)

    count = data.count + total(ratings)
    rated = total(ratings) > 0
    stars = data.rating * data.count + total(halves) / 2.0
    age = today - day
    return Figures(
        count=count,
        # the data's own mean to the last bit where nobody here rated
        rating=np.divide(stars, count, out=data.rating.copy(), where=rated),
        recent=faded(data.recent, data_age_days, TREND_HALF_LIFE) + total(faded(weight, age, TREND_HALF_LIFE)),
        popularity=data.popularity + total(faded(weight, age, POPULARITY_HALF_LIFE)),
    )
