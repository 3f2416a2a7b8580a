"""Films have an id in the catalogue and a row in each model; rows of different models differ."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]


class Numbering:
    """The rows of one model by the ids of the catalogue."""

    def __init__(self, movie_ids: Ints) -> None:
        """Take the id of each row; no id twice."""
        self.movie_ids = movie_ids
        self._by_id = np.argsort(movie_ids, kind="stable").astype(np.int32)
        self._sorted = movie_ids[self._by_id]

    def __len__(self) -> int:
        return len(self.movie_ids)

    def rows(self, movie_ids: Ints) -> Ints:
        """Return the row of each id, int32, -1 for one that the model does not know."""
        if not len(self._sorted) or not len(movie_ids):
            return np.full(len(movie_ids), -1, dtype=np.int32)
        places = np.minimum(np.searchsorted(self._sorted, movie_ids), len(self._sorted) - 1)
        return np.where(self._sorted[places] == movie_ids, self._by_id[places], np.int32(-1))

    def known_rows(self, movie_ids: Ints) -> Ints:
        """Return the rows of those ids that the model knows, int32, in their order."""
        rows = self.rows(movie_ids)
        return rows[rows >= 0]
