"""What people rated, in columns: what every signal learns from and every protocol splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Interactions:
    """Ratings, ordered by person, each person's by time.

    People and films are numbered from 0 in the order of `person_ids` and `film_ids`; these numbers are the rows and columns of every
    matrix. A person or a film may have no rating here: numbers stay the same in every part that `take` cuts out.

    Attributes:
        people: int32 (n,), ascending.
        films: int32 (n,).
        ratings: float32 (n,), 0.5 to 5 stars.
        times: int64 (n,), Unix seconds; of equal ones the order given counts.
        person_ids: int64 (people,), as the source numbers them.
        film_ids: int32 (films,), ids of the catalogue.
    """

    people: Ints
    films: Ints
    ratings: Floats
    times: npt.NDArray[np.int64]
    person_ids: npt.NDArray[np.int64]
    film_ids: Ints

    def __len__(self) -> int:
        return len(self.people)

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """int64 (people + 1,): person p has the rows `starts[p]` to `starts[p + 1]`."""
        return np.searchsorted(self.people, np.arange(len(self.person_ids) + 1)).astype(np.int64)

    def take(self, rows: Mask) -> Self:
        """Returns the rows of a mask (n,), with people and films numbered as here."""
        return type(self)(
            self.people[rows], self.films[rows], self.ratings[rows], self.times[rows], self.person_ids, self.film_ids
        )

    def matrix(self, values: npt.ArrayLike | None = None) -> sp.csr_matrix:
        """Returns float32 (people, films), holding `values` (n,), by default the ratings; zeros among them are left out."""
        data = self.ratings if values is None else np.asarray(values, dtype=np.float32)
        made = sp.csr_matrix((data, (self.people, self.films)), shape=(len(self.person_ids), len(self.film_ids)))
        made.eliminate_zeros()
        return made

    def history(self, person: int) -> History:
        """Returns what one person rated."""
        rows = slice(self.starts[person], self.starts[person + 1])
        return History(self.films[rows], self.ratings[rows], self.times[rows])


@dataclass(frozen=True)
class History:
    """What one person rated, oldest first.

    Attributes:
        films: int32 (n,), no film twice.
        ratings: float32 (n,), 0.5 to 5 stars.
        times: int64 (n,), Unix seconds.
    """

    films: Ints
    ratings: Floats
    times: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.films)

    def without(self, film: int) -> History:
        """Returns the history as if a film had never been rated."""
        kept = self.films != film
        return History(self.films[kept], self.ratings[kept], self.times[kept])


def stack(histories: Sequence[History], films: int, values: Sequence[Floats] | None = None) -> sp.csr_matrix:
    """Returns histories as the rows of a matrix, float32 (histories, films).

    Args:
        histories: whose.
        films: how many films there are.
        values: what it holds for each film of each history; by default the ratings. Zeros are left out.
    """
    found = [one.ratings for one in histories] if values is None else values
    made = sp.csr_matrix(
        (
            np.concatenate([*found, np.empty(0, np.float32)]),
            np.concatenate([*(one.films for one in histories), np.empty(0, np.int32)]),
            np.cumsum([0, *(len(one) for one in histories)]),
        ),
        shape=(len(histories), films),
        dtype=np.float32,
    )
    made.eliminate_zeros()
    return made
