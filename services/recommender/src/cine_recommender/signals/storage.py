"""How signals keep their arrays: `.npy` files in a folder of an artifact, mapped when they are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Array = npt.NDArray[Any]


def write_arrays(folder: Path, name: str, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> None:
    """Writes `<name>.json` and a file `<name>.<key>.npy` for each array; the folder is made when it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for key, array in arrays.items():
        np.save(folder / f"{name}.{key}.npy", np.ascontiguousarray(array))
    (folder / f"{name}.json").write_text(
        json.dumps({"arrays": sorted(arrays), "options": dict(options)}), encoding="utf-8"
    )


def read_arrays(folder: Path, name: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Returns the arrays, mapped, and the options that `write_arrays` wrote.

    Raises:
        OSError: A file is missing.
        ValueError: A file is not what was written.
    """
    described = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    # Plain arrays over the map: numpy's memmap class makes every small operation several times dearer.
    arrays = {key: np.asarray(np.load(folder / f"{name}.{key}.npy", mmap_mode="r")) for key in described["arrays"]}
    return arrays, described["options"]


def sparse_parts(prefix: str, matrix: sp.csr_matrix) -> dict[str, Array]:
    """Returns a sparse matrix as three arrays, for `write_arrays`."""
    # One type for both kinds of index, or scipy copies the mapped arrays to make them so.
    kind = np.int32 if matrix.nnz < np.iinfo(np.int32).max else np.int64
    return {
        f"{prefix}_starts": matrix.indptr.astype(kind, copy=False),
        f"{prefix}_columns": matrix.indices.astype(kind, copy=False),
        f"{prefix}_values": matrix.data,
    }


def sparse_from(prefix: str, arrays: Mapping[str, Array], columns: int) -> sp.csr_matrix:
    """Returns the sparse matrix of `sparse_parts`, over the same memory."""
    starts = arrays[f"{prefix}_starts"]
    parts = (arrays[f"{prefix}_values"], arrays[f"{prefix}_columns"], starts)
    return sp.csr_matrix(parts, shape=(len(starts) - 1, columns), copy=False)
