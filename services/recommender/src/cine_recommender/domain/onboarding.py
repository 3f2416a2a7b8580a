"""Which films to ask somebody new about: whose rating would say most."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

POOL = 300
"""Films among which the most telling ones are picked."""
RATINGS_WANTED = 10
"""Ratings from which on an answer is fully personal."""
_SCALE = (0.5, 5.0)
_COVERAGE = 0.5
"""Share of the gain that is how much of the catalogue a film speaks for; the rest is what its own rating would say."""


def information(counts: npt.NDArray[np.int32], means: Floats) -> Floats:
    """Returns how much the rating of each film would say, float32 (films,), 0 to 1.

    It is how likely the person knows the film, by the logarithm of its ratings, times how little the rating is known beforehand: the
    entropy of a coin that falls on "liked" as often as the mean stands on the scale. A film that everybody loves says nothing of anybody.

    Args:
        counts: int32 (films,), ratings of each.
        means: float32 (films,), their mean, 0 for none.
    """
    known = np.log1p(np.maximum(counts, 0)) / max(float(np.log1p(counts.max(initial=0))), 1e-9)
    liked = np.clip((means - _SCALE[0]) / (_SCALE[1] - _SCALE[0]), 1e-6, 1 - 1e-6)
    entropy = -(liked * np.log2(liked) + (1 - liked) * np.log2(1 - liked))
    return np.where(counts > 0, known * entropy, 0).astype(np.float32)


def most_telling(told: Floats, likeness: Floats, count: int) -> list[int]:
    """Returns the films to ask about, most telling first: places in the arrays given.

    Each next film is the one that adds most: what its own rating says, unless films like it are asked about already, and how much of the
    others it speaks for that nothing asked about speaks for yet (the facility-location gain).

    Args:
        told: float32 (n,), of `information`.
        likeness: float32 (n, n), 0 to 1, films to each other.
        count: films wanted.
    """
    films = len(told)
    near = np.clip(likeness, 0, 1)
    np.fill_diagonal(near, 1)
    covered = np.zeros(films, dtype=np.float32)
    weights = told / max(float(told.sum()), 1e-9)
    left = np.ones(films, dtype=bool)
    chosen: list[int] = []
    for _ in range(min(count, films)):
        covers = np.maximum(near - covered, 0) @ weights
        gain = (1 - _COVERAGE) * told * (1 - covered) + _COVERAGE * covers
        best = int(np.argmax(np.where(left, gain, -1)))
        left[best] = False
        chosen.append(best)
        covered = np.maximum(covered, near[best])
    return chosen
