"""Directors and actors of a model by name, read from two mapped arrays; their names once somebody is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int32]


class PeopleRows(Mapping[str, Rows]):
    """The rows of somebody's films, ascending, by the name that the catalogue writes."""

    def __init__(self, names: Callable[[], Sequence[str]], starts: npt.NDArray[np.int64], rows: Rows) -> None:
        """Use `rows[starts[i]:starts[i + 1]]` as the films of `names()[i]`."""
        self._names = names
        self._starts, self._rows = starts, rows

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self._names())}

    def __getitem__(self, name: str) -> Rows:
        place = self._places[name]
        return self._rows[self._starts[place] : self._starts[place + 1]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._starts) - 1
