"""Places in an order that people arrange by hand.

Every item has a place, an integer; the order is that of the places. They are far apart, so that an item moves by changing its own
place alone. Where two neighbours have come so near that nothing fits between them any more (after 32 moves into the same gap at the
soonest), all items of the order get new places, far apart again, in a range that none of the old ones is in: so no two ever share a
place, not even while they are being written.
"""

from __future__ import annotations

GAP = 2**32
"""Distance of items that are added one after another."""


def first(lowest: int | None) -> int:
    """Returns a place before all others.

    Args:
        lowest: the lowest there is; None without items.
    """
    return 0 if lowest is None else lowest - GAP


def last(highest: int | None) -> int:
    """Returns a place after all others.

    Args:
        highest: the highest there is; None without items.
    """
    return 0 if highest is None else highest + GAP


def between(lower: int | None, upper: int | None) -> int | None:
    """Returns a place between two others; None when nothing fits.

    Args:
        lower: the one before; None for the top.
        upper: the one after; None for the end.
    """
    if lower is None:
        return first(upper)
    if upper is None:
        return last(lower)
    middle = (lower + upper) // 2
    return middle if middle > lower else None


def fresh_start(lowest: int, highest: int, count: int) -> int:
    """Returns where `count` new places, `GAP` apart, begin, so that none of them is among the old ones.

    The range lies on the other side of zero from where most of the old one does, so places stay small however often this is done.

    Args:
        lowest: lowest place now.
        highest: highest place now.
        count: number of items.
    """
    return highest + GAP if highest <= 0 else lowest - count * GAP
