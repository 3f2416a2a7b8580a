"""Rankings without the hybrid model: by likeness of content to what was liked, and by how well known films are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from cine_recommender.domain.similar import PRIOR_SHARE
from cine_recommender.domain.taste import COMPONENTS, Ranked

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Marks = npt.NDArray[np.bool_]

Neighbours = Callable[[int], tuple[Ints, Floats]]
"""From a row to the rows most like it and how like they are, 0 to 1."""

_CONTENT, _POPULARITY = COMPONENTS.index("content"), COMPONENTS.index("popularity")
_LIKED_STARS = 3.5
_MOST_LIKED = 50
"""Liked films that are looked at, the latest ones: each may take milliseconds when nobody asked about it before."""


def liked_rows(rows: Ints, ratings: Floats) -> tuple[Ints, Floats]:
    """Returns the films of a history that were liked, the latest ones, and how much each counts, 0 to 1.

    Args:
        rows: int32 (n,), oldest first.
        ratings: float32 (n,), stars.
    """
    liked = np.flatnonzero(ratings >= _LIKED_STARS)[-_MOST_LIKED:]
    return rows[liked], (ratings[liked] / np.float32(5)).astype(np.float32)


def rank_by_likeness(
    liked: Ints, weights: Floats, neighbours: Neighbours, prior: Floats, allowed: Marks, depth: int
) -> Ranked:
    """Returns films like any of those that were liked.

    A film is wanted unless every liked film fails to speak for it: content is 1 - Π(1 - weight · likeness), so what the score loses without
    one liked film is known exactly.

    Args:
        liked: int32 (n,), rows.
        weights: float32 (n,), 0 to 1.
        neighbours: finds films like one.
        prior: float32 (films,), quality and fame, 0 to 1.
        allowed: bool (films,).
        depth: most films returned.
    """
    remaining = np.ones(len(prior), dtype=np.float32)
    for row, weight in zip(liked.tolist(), weights.tolist(), strict=True):
        rows, likeness = neighbours(row)
        remaining[rows] *= 1 - np.float32(weight) * likeness
    shares = np.zeros((len(prior), len(COMPONENTS)), dtype=np.float32)
    shares[:, _CONTENT] = (1 - PRIOR_SHARE) * (1 - remaining)
    shares[:, _POPULARITY] = PRIOR_SHARE * prior
    return _best(shares, allowed, depth)


def likeness_reasons(
    liked: Ints, weights: Floats, neighbours: Neighbours, films: Ints, most: int = 3
) -> list[list[tuple[int, float]]]:
    """Returns for each film the liked ones without which its score would be lower, and by how much, most first."""
    said = np.zeros((len(films), len(liked)), dtype=np.float64)
    place_of = {row: place for place, row in enumerate(films.tolist())}
    for column, (row, weight) in enumerate(zip(liked.tolist(), weights.tolist(), strict=True)):
        for near, likeness in zip(*(part.tolist() for part in neighbours(row)), strict=True):
            place = place_of.get(near)
            if place is not None:
                said[place, column] = weight * likeness
    with np.errstate(divide="ignore", invalid="ignore"):
        others = np.where(said < 1, np.prod(1 - said, axis=1, keepdims=True) / (1 - said), 0)
    lost = (1 - PRIOR_SHARE) * said * others
    order = np.argsort(-lost, axis=1, kind="stable")[:, :most]
    return [
        [(int(liked[column]), float(lost[place, column])) for column in columns if lost[place, column] > 0]
        for place, columns in enumerate(order)
    ]


def rank_by_popularity(scores: Floats, genres: Sequence[int], allowed: Marks, depth: int) -> Ranked:
    """Returns well-known films, of some genres where these are known.

    Args:
        scores: float32 (genres + 1, films), how good an example of each genre a film is; the last row is for no genre.
        genres: rows of `scores`; none for any.
        allowed: bool (films,).
        depth: most films returned.
    """
    shares = np.zeros((scores.shape[1], len(COMPONENTS)), dtype=np.float32)
    # the best of the genres preferred: a comedy need not be a horror film as well
    shares[:, _POPULARITY] = scores[list(genres)].max(axis=0) if genres else scores[-1]
    return _best(shares, allowed, depth)


def _best(shares: Floats, allowed: Marks, depth: int) -> Ranked:
    rows = np.flatnonzero(allowed).astype(np.int32)
    scores = shares[rows].sum(axis=1, dtype=np.float32)
    if len(rows) > depth:
        kept = np.argpartition(-scores, depth - 1)[:depth]
        rows, scores = rows[kept], scores[kept]
    order = np.lexsort((rows, -scores))
    return Ranked(rows[order], scores[order], shares[rows[order]])
