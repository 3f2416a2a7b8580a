"""Work on matrices of all films against all films, some rows at a time and on all cores: never more of one is written out than that."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import scipy.sparse as sp

_ROWS: Final = 1024
_MOST_THREADS: Final = 8


def threads() -> int:
    """Returns how many blocks are worked on at a time: one a core. NumPy and SciPy let others run while they work."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST_THREADS)


def stacked(rows: int, columns: int, make: Callable[[int, int], sp.csr_matrix], block: int = _ROWS) -> sp.csr_matrix:
    """Returns a matrix made block by block, float32 csr (rows, columns).

    Args:
        rows: of the matrix.
        columns: of the matrix.
        make: makes rows `first` to `end`; called on several threads at a time.
        block: rows of each call, at most.
    """
    if not rows:
        return sp.csr_matrix((0, columns), dtype="float32")
    starts = range(0, rows, block)
    with ThreadPoolExecutor(threads()) as pool:
        made = list(pool.map(lambda first: make(first, min(first + block, rows)), starts))
    return sp.vstack(made, format="csr")
