"""XᵀX of a sparse matrix: how often films were liked together.

What somebody liked n films of costs n² steps, and a few people like thousands. So films that many people liked are taken as dense columns,
where a step costs a hundredth; only pairs of two rarer films are counted one by one, and each pair once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cine_recommender.signals.blocks import threads

Doubles = npt.NDArray[np.float64]
_OFTEN = 1 / 40
"""Share of people from which on a film is a dense column."""
_CELLS = 1 << 24
"""Cells of the dense columns of some people at a time: 64 MiB."""
_BLOCK = 1024


def gram(liked: sp.csr_matrix) -> tuple[Doubles, npt.NDArray[np.int64]]:
    """Returns XᵀX, of which only the upper triangle is true, and the order of its rows and columns.

    Args:
        liked: float32 csr X (people, films).

    Returns:
        float64 (films, films) in Fortran's order, and int64 (films,): row and column i are film `order[i]`.
    """
    people, films = liked.shape
    counts = np.bincount(liked.indices, minlength=films)
    order = np.argsort(-counts, kind="stable")
    dense = int(np.count_nonzero(counts >= max(1.0, people * _OFTEN)))
    found = np.zeros((films, films), dtype=np.float64, order="F")
    head, tail = liked[:, order[:dense]].tocsr(), liked[:, order[dense:]].tocsr()
    if dense:
        _dense(head, tail, found)
    by_film = tail.T.tocsr()

    def pairs(at: int) -> None:
        end = min(at + _BLOCK, films - dense)
        found[dense + at : dense + end, dense + at :] = (by_film[at:end] @ tail[:, at:]).toarray()

    with ThreadPoolExecutor(threads()) as pool:
        list(pool.map(pairs, range(0, films - dense, _BLOCK)))
    return found, order


def _dense(head: sp.csr_matrix, tail: sp.csr_matrix, found: Doubles) -> None:
    """Writes the rows of films that many people liked."""
    people, dense = head.shape
    step = max(1, _CELLS // dense)

    def part(at: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        mine = head[at : at + step].toarray()
        return mine.T @ mine, tail[at : at + step].T.tocsr() @ mine

    with ThreadPoolExecutor(threads()) as pool:
        for among, beside in pool.map(part, range(0, people, step)):
            found[:dense, :dense] += among
            found[:dense, dense:] += beside.T
