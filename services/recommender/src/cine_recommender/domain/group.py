"""Films for several people at once: what each of them thinks, and what comes of it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

FAIR: Final = "fair"
LEAST_MISERY: Final = "least_misery"
AVERAGE: Final = "average"
STRATEGIES: Final = (FAIR, LEAST_MISERY, AVERAGE)
_WORST: Final = 0.25
"""Share of the films, the worst for somebody, that are misery to them."""
_CHOICE: Final = 5
"""How many times more films than wanted people choose from, the best for all of them."""


def together(scores: Floats, strategy: str) -> Floats:
    """Returns how well each film suits the group, float32 (films,), 0 to 1.

    Args:
        scores: float32 (members, films), 0 to 1, how well each film suits each of them.
        strategy: `least_misery` for the least of them, else their mean.
    """
    return np.asarray(scores.min(axis=0) if strategy == LEAST_MISERY else scores.mean(axis=0), dtype=np.float32)


def order(scores: Floats, strategy: str, count: int) -> list[int]:
    """Returns the films for a group, best first: places in the arrays given, at most `count`.

    A film that is among the worst quarter for somebody comes after all that are not. By `fair`, whoever got least so far chooses next: what
    they get from a film is its score for them.

    Args:
        scores: float32 (members, films), 0 to 1.
        strategy: one of `STRATEGIES`.
        count: films wanted.
    """
    films = scores.shape[1]
    if not films:
        return []
    suits = together(scores, strategy)
    worst = np.asarray(np.quantile(scores, _WORST, axis=1, keepdims=True))
    misery: npt.NDArray[np.bool_] = np.logical_or.reduce(scores < worst, axis=0)
    best = np.lexsort((np.arange(films), -suits, misery))
    if strategy != FAIR or len(scores) == 1:
        return [int(place) for place in best[:count]]
    return _in_turns(scores, [int(place) for place in best], misery, count)


def _in_turns(scores: Floats, best: list[int], misery: npt.NDArray[np.bool_], count: int) -> list[int]:
    pool = np.array(best[: _CHOICE * count])
    left, got = np.ones(len(pool), dtype=bool), np.zeros(len(scores))
    # what each could have at most: a person who likes little is not served first for ever
    most = np.maximum(scores[:, pool].max(axis=1), 1e-9)
    wish = scores[:, pool] / most[:, None] + scores[:, pool].mean(axis=0) - np.where(misery[pool], 10, 0)
    chosen: list[int] = []
    for _ in range(min(count, len(pool))):
        turn = int(np.argmin(got))
        place = int(np.argmax(np.where(left, wish[turn], -np.inf)))
        left[place] = False
        got += scores[:, pool[place]] / most
        chosen.append(int(pool[place]))
    return chosen
