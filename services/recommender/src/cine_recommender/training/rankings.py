"""Rankings that are known in advance: the best films of every small set of genres on every streaming service.

They only make answers quick, never different: `domain.ranking` proves for each request that nothing better exists, and
looks at all films when it cannot.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

MOST_GENRES = 20
"""Sets of two and three are only made of the most common genres: 20 give 1,350 sets, 40 would give 10,700."""


def genre_sets(sizes: npt.NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Return the sets of genres that get a ranking, each sorted: none, every single one, and common pairs and triples.

    Args:
        sizes: Number of films of each genre.
    """
    common = sorted(np.argsort(-sizes, kind="stable")[:MOST_GENRES].tolist())
    singles: list[tuple[int, ...]] = [(), *((genre,) for genre in range(len(sizes)))]
    return singles + [group for size in (2, 3) for group in combinations(common, size)]


def build_rankings(
    scores: npt.NDArray[np.float32],
    services: list[npt.NDArray[np.int32]],
    sets: list[tuple[int, ...]],
    depth: int,
) -> npt.NDArray[np.int32]:
    """Return the best films, int32 (sets, services + 1, depth), best first, padded with -1.

    The last "service" is all films. Equal scores are ordered by row, the later (newer) first.

    Args:
        scores: (genres + 1, films) as `scores.genre_scores` makes them.
        services: Rows of each service's films, ascending.
        sets: Genre sets of `genre_sets`; () stands for the last row of `scores`.
        depth: Films to rank.
    """
    films = scores.shape[1]
    rankings = np.full((len(sets), len(services) + 1, depth), -1, dtype=np.int32)
    everything = np.arange(films, dtype=np.int32)
    for number, group in enumerate(sets):
        total = scores[list(group) or [-1]].sum(axis=0)
        # The films of a service that are among the best of all need no search of their own.
        best = _best(total, everything, min(films, depth * 12))
        rankings[number, -1, : min(depth, films)] = best[:depth]
        within = np.zeros(films, dtype=bool)
        for place, rows in enumerate(services):
            within[rows] = True
            top = best[within[best]][:depth]
            within[rows] = False
            if len(top) < min(depth, len(rows)):
                top = _best(total[rows], rows, depth)
            rankings[number, place, : len(top)] = top
    return rankings


def _best(scores: npt.NDArray[np.float32], rows: npt.NDArray[np.int32], depth: int) -> npt.NDArray[np.int32]:
    if len(rows) > depth:
        least = np.partition(scores, len(scores) - depth)[len(scores) - depth]
        # All that tie with the last one, so that which of them is kept does not depend on the algorithm.
        kept = np.flatnonzero(scores >= least)
        scores, rows = scores[kept], rows[kept]
    order = np.lexsort((-rows, -scores))[:depth]
    return rows[order]
