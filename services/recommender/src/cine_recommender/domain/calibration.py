"""The genre mix of an answer follows that of the history (Steck, "Calibrated recommendations", 2018).

p(g|u) is the mix of what somebody likes, q(g|u) that of a list. A list is the better calibrated the smaller the divergence of q from p.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_LIKED_STARS = 3.5
_SMOOTHING = 0.01
"""Share of p mixed into q, so that a genre the list lacks counts much and not endlessly (alpha of the paper)."""


def genre_shares(in_genre: npt.NDArray[np.bool_]) -> Floats:
    """Returns p(g|film), float32 (films, genres): the genres of each film in equal parts; zeros for a film without any.

    Args:
        in_genre: bool (genres, films).
    """
    marks = in_genre.T.astype(np.float32)
    return np.asarray(marks / np.maximum(marks.sum(axis=1, keepdims=True), 1), dtype=np.float32)


def genre_mix(shares: Floats, weights: Floats) -> Floats:
    """Returns p(g|u), float32 (genres,), summing to 1; zeros when nothing is known.

    Args:
        shares: float32 (n, genres), of `genre_shares`, for each film somebody likes.
        weights: float32 (n,), how much each of them counts, 0 or more.
    """
    mix = weights @ shares
    total = mix.sum()
    return np.asarray(mix / total if total > 0 else mix, dtype=np.float32)


def mix_of_liked(shares: Floats, stars: Floats) -> Floats:
    """Returns p(g|u) of the films of a history that were liked, float32 (genres,); zeros when none was.

    Args:
        shares: float32 (n, genres), of `genre_shares`, of the films rated.
        stars: float32 (n,), how.
    """
    liked = stars >= _LIKED_STARS
    return genre_mix(shares[liked], stars[liked])


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


class Mix:
    """The genre mix of a list that grows.

    Args:
        wanted: float32 (genres,), of `genre_mix`; something is wanted.
        shares: float32 (n, genres), of `genre_shares`, of the films that may be taken.
    """

    def __init__(self, wanted: Floats, shares: Floats) -> None:
        there = wanted > 0
        self._wanted = wanted[there]
        self._shares = np.asarray((1 - _SMOOTHING) * shares[:, there], dtype=np.float32)
        self._smoothing = np.asarray(_SMOOTHING * self._wanted, dtype=np.float32)
        self._least = np.float32((self._wanted * np.log(self._wanted)).sum())
        self._sum = np.zeros(len(self._wanted), dtype=np.float32)
        self._taken = 0

    def divergence_with_each(self) -> Floats:
        """Returns the divergence of the mix with each film added to the list, float32 (n,), 0 or more."""
        mixes = (self._sum + self._shares) / np.float32(self._taken + 1) + self._smoothing
        return np.asarray(np.maximum(self._least - np.log(mixes) @ self._wanted, 0), dtype=np.float32)

    def take(self, place: int) -> None:
        """Adds a film to the list."""
        self._sum += self._shares[place]
        self._taken += 1
