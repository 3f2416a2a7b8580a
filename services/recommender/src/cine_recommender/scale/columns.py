"""A log in columns: one `.npy` file each, mapped when it is read, so that a log larger than memory may still be cut."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from cine_recommender.interactions import Interactions

COLUMNS: Final = {"people": np.int32, "films": np.int32, "ratings": np.float32, "times": np.int64}
"""Columns of rows and their types."""
_IDS = ("person_ids", "film_ids")
Array = npt.NDArray[Any]


class ColumnsUnusable(Exception):
    """A folder holds no log in columns; the message names the file."""


class Writer:
    """Writes a log part by part.

    Args:
        folder: where to; made when it is not there.
        rows: how many rows there will be.
    """

    def __init__(self, folder: Path, rows: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._whole = rows
        self._files = {name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, (rows,))
                       for name, kind in COLUMNS.items()}  # fmt: skip
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.clear()

    def write(self, people: Array, films: Array, ratings: Array, times: Array) -> None:
        """Appends rows; all four of the same length (n,).

        Raises:
            ValueError: More rows than there were to be.
        """
        end = self.rows + len(people)
        if end > self._whole:
            raise ValueError(f"{end:,} rows are more than the {self._whole:,} there were to be")
        for file, values in zip(self._files.values(), (people, films, ratings, times), strict=True):
            file[self.rows : end] = values
        self.rows = end

    def finish(self, person_ids: Array, film_ids: Array) -> None:
        """Writes the ids, int64 (people,) and int32 (films,), when all rows are there.

        Raises:
            ValueError: Rows are missing.
        """
        if self.rows != self._whole:
            raise ValueError(f"{self.rows:,} rows are not the {self._whole:,} there were to be")
        for file in self._files.values():
            file.flush()
        np.save(self._folder / "person_ids.npy", person_ids)
        np.save(self._folder / "film_ids.npy", film_ids)


def read(folder: Path) -> Interactions:
    """Returns the log, over mapped files.

    Raises:
        ColumnsUnusable: A file is missing, not an array, or of another length or type.
    """
    found: dict[str, Array] = {}
    for name in (*COLUMNS, *_IDS):
        path = folder / f"{name}.npy"
        try:
            found[name] = np.asarray(np.load(path, mmap_mode="r"))
        except (OSError, ValueError) as error:
            raise ColumnsUnusable(f"{path}: {error}") from error
    for name, kind in COLUMNS.items():
        if found[name].dtype != kind or found[name].shape != found["people"].shape:
            raise ColumnsUnusable(f"{folder / name}.npy: is not {np.dtype(kind)} ({len(found['people'])},)")
    return Interactions(**found)
