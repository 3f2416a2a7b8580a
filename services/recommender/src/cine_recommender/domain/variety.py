"""Keeps one director or one series from filling an answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Variety:
    """At most so many films of one director and of one series, as long as there are others.

    A cheap relative of MMR for a path of microseconds: it only ever moves near-duplicates back, so what is shown is
    still in order of score.
    """

    per_director: int = 2
    per_series: int = 2

    def choose(self, groups: npt.NDArray[np.int32], rows: npt.NDArray[np.int32], limit: int) -> list[int]:
        """Return places in `rows` (best first) of the first `limit` films that keep to the rule; fewer if they run out.

        Args:
            groups: int32 (2, films): director and series of each row, -1 for none.
            rows: Films, best first.
            limit: Films wanted.
        """
        chosen: list[int] = []
        by_director: dict[int, int] = {}
        by_series: dict[int, int] = {}
        looked = 0
        while looked < len(rows) and len(chosen) < limit:
            # A few more than wanted are looked at first: usually that is all it takes.
            upto = min(len(rows), looked + limit + 8)
            directors, series = groups[:, rows[looked:upto]].tolist()
            for place, director in enumerate(directors):
                serial = series[place]
                directed, told = by_director.get(director, 0), by_series.get(serial, 0)
                if directed >= self.per_director or told >= self.per_series:
                    continue
                if director >= 0:
                    by_director[director] = directed + 1
                if serial >= 0:
                    by_series[serial] = told + 1
                chosen.append(looked + place)
                if len(chosen) == limit:
                    break
            looked = upto
        return chosen

    def fill(self, available: int, chosen: list[int], limit: int) -> list[int]:
        """Return the chosen places and, where they are too few, the best of those passed over, in order."""
        taken = set(chosen)
        passed = [place for place in range(available) if place not in taken]
        return sorted(chosen + passed[: max(0, limit - len(chosen))])
