"""Which part of a line from 0 to 1 belongs to which variant, and how that changes with the shares.

A change of shares moves no more of the line than the change itself: what loses gives up what it got last, what grows takes
what is free. No rule that looks at the present shares alone can do that for three variants and more, so the shares of before
are part of what is declared. The last variant grows from 1 downwards, the others from 0 upwards, so that two variants hold
the same parts with and without their past.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from typing import Final

UNITS: Final = 1_000_000_000
"""Parts the line is divided into: whole numbers, so that shares such as 0.1 add up."""

_Part = tuple[int, int]  # from, up to and without


class Allocation:
    """Who holds which part of the line.

    Args:
        shares: for each name every share it ever had, 0 to 1, the present one last; all equally many. Shares of one time sum to
            at most 1, give or take a millionth.
    """

    def __init__(self, shares: Mapping[str, Sequence[float]]) -> None:
        held: dict[str, list[_Part]] = {name: [] for name in shares}
        free: list[_Part] = [(0, UNITS)]
        last = list(shares)[-1] if len(shares) > 1 else None
        for step in zip(*shares.values(), strict=True):
            change = {
                name: round(share * UNITS) - _length(held[name]) for name, share in zip(shares, step, strict=True)
            }
            for name, grown in change.items():
                if grown < 0:
                    free += _give_up(held[name], -grown, from_below=name == last)
            free = _joined(free)
            for name, grown in change.items():
                if grown > 0:
                    held[name] += _take(free, grown, from_above=name == last)
        parts = sorted((start, end, name) for name, mine in held.items() for start, end in mine)
        self._starts = [start for start, _, _ in parts]
        self._parts = parts

    def holder(self, point: float) -> str | None:
        """Returns who holds a point in [0, 1); None where nobody does."""
        place = int(point * UNITS)
        found = bisect.bisect_right(self._starts, place) - 1
        if found < 0:
            return None
        _, end, name = self._parts[found]
        return name if place < end else None


def _length(parts: Sequence[_Part]) -> int:
    return sum(end - start for start, end in parts)


def _give_up(held: list[_Part], units: int, *, from_below: bool) -> list[_Part]:
    """Takes units off the end of `held` that grew last, and returns them."""
    given = []
    while units > 0:
        start, end = held.pop()
        if end - start > units:
            cut = start + units if from_below else end - units
            held.append((cut, end) if from_below else (start, cut))
            start, end = (start, cut) if from_below else (cut, end)
        given.append((start, end))
        units -= end - start
    return given


def _take(free: list[_Part], units: int, *, from_above: bool) -> list[_Part]:
    """Takes units off `free`, which is sorted, or all there is."""
    taken = []
    while units > 0 and free:
        start, end = free.pop() if from_above else free.pop(0)
        if end - start > units:
            cut = end - units if from_above else start + units
            if from_above:
                free.append((start, cut))
                start = cut
            else:
                free.insert(0, (cut, end))
                end = cut
        taken.append((start, end))
        units -= end - start
    return taken


def _joined(parts: list[_Part]) -> list[_Part]:
    joined: list[_Part] = []
    for start, end in sorted(parts):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
