"""How large a generated log is: MovieLens 32M's numbers, or a share of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PEOPLE: Final = 200_948
RATINGS: Final = 32_000_204
FILMS: Final = 87_585
LONGEST: Final = 33_332
FEWEST: Final = 20
"""Ratings that everybody has at least, as in MovieLens."""
_FILMS_GROW = 0.4  # MovieLens small has 0.3 % of the people of 32M and 11 % of its films


@dataclass(frozen=True)
class Shape:
    """Sizes of a log.

    Attributes:
        people: who rate, at least 1.
        ratings: in all, at least `FEWEST` for each of them.
        films: there are; the rarest of them may have no rating.
        longest: ratings of the person who has most.
    """

    people: int
    ratings: int
    films: int
    longest: int


def shape_of(share: float) -> Shape:
    """Returns a share of MovieLens 32M: people and ratings in proportion, films as they grow with them.

    Args:
        share: above 0, up to 1 for all of it.

    Raises:
        ValueError: The share is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, not {share}")
    grown = share**_FILMS_GROW
    people = max(20, round(PEOPLE * share))
    return Shape(
        people=people,
        ratings=max(round(RATINGS * share), 2 * FEWEST * people),
        films=max(1000, round(FILMS * grown)),
        longest=max(250, round(LONGEST * grown)),
    )
