"""Small logs for tests of the evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from cine_recommender.interactions import Interactions

#: person, film, stars, moment
Row = tuple[int, int, float, int]


def log_of(rows: Sequence[Row], people: int | None = None, films: int | None = None) -> Interactions:
    """Returns rows as interactions, films numbered as given, film ids 100 higher."""
    ordered = sorted(rows, key=lambda row: (row[0], row[3]))
    people = people or 1 + max(row[0] for row in rows)
    films = films or 1 + max(row[1] for row in rows)
    return Interactions(
        np.array([row[0] for row in ordered], np.int32),
        np.array([row[1] for row in ordered], np.int32),
        np.array([row[2] for row in ordered], np.float32),
        np.array([row[3] for row in ordered], np.int64),
        np.arange(people, dtype=np.int64),
        np.arange(100, 100 + films, dtype=np.int32),
    )


@st.composite
def logs(draw: st.DrawFn, people: int = 8, films: int = 25, moments: int = 12) -> Interactions:
    """Logs in which many rows share a moment, and some people have few rows."""
    rows: list[Row] = []
    for person in range(people):
        rated = draw(st.lists(st.integers(0, films - 1), min_size=1, max_size=films, unique=True))
        rows += [
            (person, film, draw(st.sampled_from([0.5, 3.0, 4.0, 5.0])), draw(st.integers(0, moments - 1)))
            for film in rated
        ]
    return log_of(rows, people, films)
