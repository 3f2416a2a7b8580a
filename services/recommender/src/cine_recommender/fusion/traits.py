"""What is known of films whoever asks: how often they are watched and when, how they are liked, how old they are, what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cine_recommender.interactions import Floats, Interactions, Ints
from cine_recommender.signals.signal import FilmFacts
from cine_recommender.signals.storage import Array, sparse_from, sparse_parts

DAY = 86_400
_WEEK = 7 * DAY
_BELIEVED = 5.0
"""Ratings it takes until a film's own mean counts for half."""
_REACH = 4
"""Widths after which a kernel is over."""
_LIKED = 4.0
_PLAIN = ("counts", "liked", "means", "shares", "places", "years", "genres")  # the dense arrays of `Traits`


@dataclass(frozen=True)
class Traits:
    """Films as everybody sees them, in the order of `Interactions.film_ids`.

    Attributes:
        counts: float32 (films,): ratings.
        liked: float32 (films,): ratings of four stars and more.
        means: float32 (films,): mean rating in stars, drawn towards that of all.
        shares: float32 (films,): share of ratings of four stars and more, likewise.
        places: float32 (films,): where in people's histories it stands, 0 first to 1 last, drawn towards the middle.
        years: int32 (films,): of release, 0 for unknown.
        genres: float32 (films, genres): equal shares that sum to 1, zeros where there is none.
        weeks: float32 csr (weeks, films): ratings of each week.
        first_week: number of the first of them, in weeks since 1970.
    """

    counts: Floats
    liked: Floats
    means: Floats
    shares: Floats
    places: Floats
    years: Ints
    genres: Floats
    weeks: sp.csr_matrix
    first_week: int

    def watched_before(self, moment: int, days: float) -> Floats:
        """Returns how much of what was watched until a moment is each film, float32 (films,): log(1 + per mille).

        Args:
            moment: Unix seconds; after the last rating it is that one, for of later times nothing is known.
            days: width of the half of a normal kernel by which weeks count. Later ones count nothing: who is answered now is answered
                without them, and curves must be learned from what will be known.
        """
        rows = self.weeks.shape[0]
        if not rows:
            return np.zeros(len(self.counts), dtype=np.float32)
        middle = min(moment / _WEEK - self.first_week, rows - 0.5)
        width = days / 7
        start = max(0, int(middle - _REACH * width))
        end = min(rows, int(middle) + 1)
        if start >= end:
            return np.zeros(len(self.counts), dtype=np.float32)
        near = np.exp(-0.5 * ((np.arange(start, end) + 0.5 - middle) / width) ** 2).astype(np.float32)
        bounds = self.weeks.indptr[start : end + 1]
        rated = slice(bounds[0], bounds[-1])
        weights = self.weeks.data[rated] * np.repeat(near, np.diff(bounds))
        summed = np.bincount(self.weeks.indices[rated], weights, minlength=len(self.counts))
        found: Floats = np.log1p(1000 * summed / max(summed.sum(), 1e-9)).astype(np.float32)
        return found

    @cached_property
    def often(self) -> Floats:
        """float32 (films,): log(1 + ratings)."""
        return np.log1p(self.counts)

    @cached_property
    def liked_often(self) -> Floats:
        """float32 (films,): log(1 + ratings of four stars and more)."""
        return np.log1p(self.liked)

    def parts(self) -> dict[str, Array]:
        """Returns its arrays, for `write_arrays`."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            **sparse_parts("weeks", self.weeks),
            "first_week": np.array([self.first_week]),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        """Returns the traits of `parts`."""
        return cls(
            **{name: arrays[name] for name in _PLAIN},
            weeks=sparse_from("weeks", arrays, len(arrays["counts"])),
            first_week=int(arrays["first_week"][0]),
        )


@dataclass(frozen=True)
class Sums:
    """What traits are made of, summed over ratings: of parts of a log they add up.

    Attributes:
        rated: float64 (films,), ratings.
        liked: float64 (films,), ratings of four stars and more.
        stars: float64 (films,), sum of stars.
        places: float64 (films,), sum of places in people's histories, 0 first to 1 last.
        weeks: float32 csr (weeks, films): ratings of each week, from `first_week` on.
        first_week: in weeks since 1970.
    """

    rated: npt.NDArray[np.float64]
    liked: npt.NDArray[np.float64]
    stars: npt.NDArray[np.float64]
    places: npt.NDArray[np.float64]
    weeks: sp.csr_matrix
    first_week: int


def sums_of(interactions: Interactions, first_week: int | None = None) -> Sums:
    """Sums up.

    Args:
        interactions: of whole people.
        first_week: from which on weeks are counted; by default that of the first rating.
    """
    films = len(interactions.film_ids)
    rated, stars = interactions.films, interactions.ratings
    long = np.diff(interactions.starts)
    place = (np.arange(len(rated)) - interactions.starts[interactions.people]) / np.maximum(
        long[interactions.people] - 1, 1
    )
    weeks = interactions.times // _WEEK
    first = (int(weeks.min()) if len(weeks) else 0) if first_week is None else first_week
    shape = (int(weeks.max()) - first + 1 if len(weeks) else 0, films)
    return Sums(
        rated=np.bincount(rated, minlength=films).astype(np.float64),
        liked=np.bincount(rated[stars >= _LIKED], minlength=films).astype(np.float64),
        stars=np.bincount(rated, stars, minlength=films).astype(np.float64),
        places=np.bincount(rated, place, minlength=films).astype(np.float64),
        weeks=sp.csr_matrix((np.ones(len(rated), np.float32), (weeks - first, rated)), shape=shape),
        first_week=first,
    )


def traits_of(interactions: Interactions, facts: FilmFacts) -> Traits:
    """Counts."""
    return traits_of_sums(sums_of(interactions), facts)


def traits_of_sums(sums: Sums, facts: FilmFacts) -> Traits:
    """Returns traits by what was summed up."""
    counts = sums.rated
    total = max(1.0, counts.sum())

    def drawn(summed: npt.NDArray[Any], towards: float) -> Floats:
        mean: Floats = ((summed + _BELIEVED * towards) / (counts + _BELIEVED)).astype(np.float32)
        return mean

    return Traits(
        counts=counts.astype(np.float32),
        liked=sums.liked.astype(np.float32),
        means=drawn(sums.stars, float(sums.stars.sum()) / total),
        shares=drawn(sums.liked, float(sums.liked.sum()) / total),
        places=drawn(sums.places, 0.5),
        years=facts.years,
        genres=(facts.genres / np.maximum(facts.genres.sum(axis=1, keepdims=True), 1)).astype(np.float32),
        weeks=sums.weeks,
        first_week=sums.first_week,
    )
