"""The stated weights (profile `default`): how much each component counts, as written down, not learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from cine_recommender.domain.taste import COMPONENTS
from cine_recommender.fusion.features import FEATURES
from cine_recommender.interactions import Floats

WEIGHTS: Final[Mapping[str, float]] = {
    "collaborative": 0.35,
    "content": 0.25,
    "graph": 0.20,
    "sentiment": 0.10,
    "popularity": 0.05,
    "context": 0.05,
}
SOURCES: Final[Mapping[str, str]] = {
    "collaborative": "ease:liked",
    "content": "content:liked",
    "graph": "graph:liked",
    "popularity": "last 500 days",
}
"""The feature by which each learned component is scored."""
_NODES = 64
_COLUMNS = {one.name: at for at, one in enumerate(FEATURES)}


@dataclass(frozen=True)
class Stated:
    """Scores of components, comparable with one another: the share of films worth a look that a film beats.

    Attributes:
        quantiles: float32 (len(SOURCES), nodes): of each source among what it was learned from, ascending.
    """

    quantiles: Floats

    def scores(self, table: Floats, feelings: Floats, suiting: Floats) -> Floats:
        """Returns each component's score, float32 (rows, 6), 0 to 1, columns as in `COMPONENTS`.

        Args:
            table: float32 (rows, features).
            feelings: float32 (rows,), mean sentiment, -1 to 1.
            suiting: float32 (rows,), how well it suits the occasion, -1 to 1.
        """
        found = np.empty((len(table), len(COMPONENTS)), dtype=np.float32)
        ranks = np.linspace(0, 1, self.quantiles.shape[1])
        for row, (component, feature) in enumerate(SOURCES.items()):
            values = table[:, _COLUMNS[feature]]
            found[:, COMPONENTS.index(component)] = np.interp(values, self.quantiles[row], ranks)
        found[:, COMPONENTS.index("sentiment")] = (1 + feelings) / 2
        found[:, COMPONENTS.index("context")] = (1 + suiting) / 2
        return found


def stated(table: Floats) -> Stated:
    """Returns what makes components comparable.

    Args:
        table: float32 (rows, features), of films worth a look for many people.
    """
    nodes = np.linspace(0, 1, _NODES)
    columns = [_COLUMNS[feature] for feature in SOURCES.values()]
    found = np.quantile(table[:, columns], nodes, axis=0).T.astype(np.float32)
    # where many films have the same value the curve must still rise, if ever so little
    found = np.maximum.accumulate(found, axis=1) + np.arange(_NODES, dtype=np.float32) * np.float32(1e-7)
    return Stated(found)
