"""What was gathered from a sentence so far, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_FIRST_YEAR: Final = 1
_NONE: Final = (0, 0)


@dataclass
class Bounds:
    """Ends of a range, as several clauses state them: spans are joined, ends narrow.

    Attributes:
        spans: first and last of what was named ("80s", "1994"); together they reach from the first to the last.
        least: lower ends ("after 2010").
        most: upper ends ("before 1980").
        soft_least: lower ends that count only when nothing else was said ("recent").
        soft_most: likewise ("old").
        places: tokens that said so, for what is left when they contradict each other.
    """

    spans: list[tuple[int, int]] = field(default_factory=list)
    least: list[int] = field(default_factory=list)
    most: list[int] = field(default_factory=list)
    soft_least: list[int] = field(default_factory=list)
    soft_most: list[int] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)

    def settled(self) -> tuple[int, int] | None:
        """Returns both ends, 0 for open; None when they contradict each other."""
        least, most = list(self.least), list(self.most)
        if self.spans:
            least.append(min(low for low, _ in self.spans))
            most.append(max(high for _, high in self.spans))
        if not least and not most:
            soft = max(self.soft_least, default=0), min(self.soft_most, default=0)
            # "old or new" is as good as nothing
            return soft if not (soft[0] and soft[1] and soft[0] > soft[1]) else _NONE
        low, high = max(least, default=0), min(most, default=0)
        if (most and high < _FIRST_YEAR) or (least and most and low > high):
            return None
        return low, high


@dataclass
class Draft:
    """What readers of clauses found.

    Attributes:
        disliked: genres that what is not wanted ("gore") is often in: not wanted either, unless they are asked for.
        left: runs of tokens, first and last (exclusive), that are kept as they are for what is left.
        firm: tokens of it that belong to a phrase, and are no noise at its ends.
    """

    genres: set[str] = field(default_factory=set)
    excluded: set[str] = field(default_factory=set)
    disliked: set[str] = field(default_factory=set)
    moods: list[str] = field(default_factory=list)
    opposite_moods: list[str] = field(default_factory=list)
    years: Bounds = field(default_factory=Bounds)
    minutes: Bounds = field(default_factory=Bounds)
    services: set[str] = field(default_factory=set)
    languages: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    films: dict[int, str] = field(default_factory=dict)
    left: list[tuple[int, int]] = field(default_factory=list)
    firm: set[int] = field(default_factory=set)

    def mood(self, known: tuple[str, ...]) -> str:
        """Returns the mood meant: the first in the vocabulary's order, what was asked for before what follows from a "not"."""
        for said in (self.moods, self.opposite_moods):
            if found := [mood for mood in known if mood in said]:
                return found[0]
        return ""
