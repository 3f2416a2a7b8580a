"""Which films pass a filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class FilmFilter:
    """Marks of genres, services and years over the films of one model.

    Attributes:
        genres: Canonical genre names.
        services: Canonical streaming services.
        in_genre: bool (genres, films).
        on_service: bool (services, films).
        years: int32 (films), 0 unknown.
    """

    genres: Sequence[str]
    services: Sequence[str]
    in_genre: npt.NDArray[np.bool_]
    on_service: npt.NDArray[np.bool_]
    years: npt.NDArray[np.int32]

    def passing(
        self, genres: Sequence[str], services: Sequence[str], year_min: int = 0, year_max: int = 0
    ) -> npt.NDArray[np.bool_]:
        """Return bool (films): all of the genres, one of the services, between the years (0: open).

        A film without a year passes only when no year is asked for. Names are canonical.
        """
        passing = np.ones(len(self.years), dtype=bool)
        for genre in genres:
            passing &= self.in_genre[self.genres.index(genre)]
        if services:
            passing &= self.on_service[[self.services.index(service) for service in services], :].any(axis=0)
        if year_min or year_max:
            passing &= self.years >= max(year_min, 1)
        if year_max:
            passing &= self.years <= year_max
        return passing
