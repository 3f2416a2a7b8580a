"""The genre mix of an answer follows that of the history (Steck, "Calibrated recommendations", 2018).

p(g|u) is the mix of what somebody likes, q(g|u) that of a list. A list is the better calibrated the smaller the divergence of q from p.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_SMOOTHING = 0.01
"""Share of p mixed into q, so that a genre the list lacks counts much and not endlessly (alpha of the paper)."""


def genre_shares(in_genre: npt.NDArray[np.bool_]) -> Floats:
    """Returns p(g|film), float32 (films, genres): the genres of each film in equal parts; zeros for a film without any.

    Args:
        in_genre: bool (genres, films).
    """
    marks = in_genre.T.astype(np.float32)
    return marks / np.maximum(marks.sum(axis=1, keepdims=True), 1)


def genre_mix(shares: Floats, weights: Floats) -> Floats:
    """Returns p(g|u), float32 (genres,), summing to 1; zeros when nothing is known.

    Args:
        shares: float32 (n, genres), of `genre_shares`, for each film somebody likes.
        weights: float32 (n,), how much each of them counts, 0 or more.
    """
    mix = weights @ shares
    total = mix.sum()
    return np.asarray(mix / total if total > 0 else mix, dtype=np.float32)


def divergence(wanted: Floats, mixes: Floats) -> Floats:
    """Returns the Kullback-Leibler divergence of each mix from the wanted one, smoothed, float32 (n,), 0 or more.

    Args:
        wanted: float32 (genres,), of `genre_mix`.
        mixes: float32 (n, genres), rows summing to at most 1.
    """
    there = wanted > 0
    p = wanted[there]
    q = (1 - _SMOOTHING) * mixes[..., there] + _SMOOTHING * p
    return np.asarray(np.maximum((p * np.log(p)).sum() - np.log(q) @ p, 0), dtype=np.float32)
