"""What is counted of a film: how many gave each number of half stars in each dimension, and what follows from that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cine_ratings.domain.rating import DIMENSIONS, HALVES, Score

DAMPING: Final = 50.0
"""Ratings' worth of the mean of all films that every film starts with, as in the catalogue's own order of the best."""

Cell = tuple[int, int, int]
"""Film, position of the dimension in `DIMENSIONS`, half stars."""


def deltas(changes: Iterable[tuple[int, Score | None, Score | None]]) -> dict[Cell, int]:
    """Returns by how much each count changes, without those that do not, in the order of the cells.

    The order is the same for everybody, so that two transactions that change the same counts never wait for each other in a circle.

    Args:
        changes: film, score before and score after; None where there was or is none.
    """
    counted: Counter[Cell] = Counter()
    for movie_id, before, after in changes:
        for sign, score in ((-1, before), (1, after)):
            if score is None:
                continue
            for dimension, halves in enumerate(score.values.values()):
                if halves is not None:
                    counted[movie_id, dimension, halves] += sign
    return {cell: change for cell, change in sorted(counted.items()) if change}


@dataclass(frozen=True, slots=True)
class Histogram:
    """Ratings of one dimension.

    Attributes:
        counts: number of ratings of 0, 1, … 10 half stars.
    """

    counts: tuple[int, ...] = (0,) * HALVES

    @property
    def count(self) -> int:
        """Number of ratings."""
        return sum(self.counts)

    @property
    def halves(self) -> int:
        """Sum of all ratings, in half stars."""
        return sum(halves * count for halves, count in enumerate(self.counts))

    @property
    def mean(self) -> float:
        """Mean in stars, 0 to 5; 0 without ratings."""
        return self.halves / 2 / self.count if self.count else 0.0


def histogram(halves: Iterable[int]) -> Histogram:
    """Returns the histogram of ratings given in half stars."""
    counted = Counter(halves)
    return Histogram(tuple(counted[value] for value in range(HALVES)))


@dataclass(frozen=True, slots=True)
class FilmCounts:
    """Everything that is counted of a film.

    Attributes:
        movie_id: the film.
        dimensions: a histogram for each of `DIMENSIONS`, in their order.
        review_count: reviews shown.
        watch_count: diary entries.
    """

    movie_id: int
    dimensions: Sequence[Histogram] = field(default_factory=lambda: (Histogram(),) * len(DIMENSIONS))
    review_count: int = 0
    watch_count: int = 0

    @property
    def overall(self) -> Histogram:
        """The histogram of the film as a whole."""
        return self.dimensions[0]

    @property
    def empty(self) -> bool:
        """Whether nothing is known of the film."""
        return not (self.review_count or self.watch_count or any(one.count for one in self.dimensions))

    def damped_mean(self, overall_mean: float, damping: float = DAMPING) -> float:
        """Returns the mean drawn towards that of all films, 0 to 5.

        Args:
            overall_mean: mean of all ratings of all films, 0 to 5.
            damping: how many ratings' worth it has.
        """
        return (self.overall.halves / 2 + damping * overall_mean) / (self.overall.count + damping)


def film_counts(movie_id: int, cells: Mapping[tuple[int, int], int], review_count: int, watch_count: int) -> FilmCounts:
    """Returns the counts of a film.

    Args:
        movie_id: the film.
        cells: count by position of the dimension and half stars; missing ones are 0.
        review_count: reviews shown.
        watch_count: diary entries.
    """
    dimensions = tuple(
        Histogram(tuple(cells.get((dimension, halves), 0) for halves in range(HALVES)))
        for dimension in range(len(DIMENSIONS))
    )
    return FilmCounts(movie_id, dimensions, review_count, watch_count)
