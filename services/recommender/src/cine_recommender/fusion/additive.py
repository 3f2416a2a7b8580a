"""A sum of curves, one for each feature, each of which changes with how much is known of the person.

It is a generalised additive model with varying coefficients (Hastie & Tibshirani, 1993): logit = b(a) + Σ fᵢ(xᵢ, a), where a says how much
somebody has rated. The curves are learned by gradient boosting of trees that may look at one feature and at a only (as explainable
boosting machines do; Lou et al., 2013), then written down as tables and read by linear interpolation. So what a feature gives is known
exactly, nothing of scikit-learn is needed to serve, and a score never jumps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from cine_recommender.interactions import Floats, Mask
from cine_recommender.signals.storage import Array

_BINS = 64
_LEVELS = 16
_LEAST_DRAWN = 40_000


class AdditiveOptions(BaseModel):
    """How curves are learned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float = Field(default=0.1, gt=0, le=1, description="how far each tree goes")
    trees: int = Field(default=150, ge=1, le=5000)
    leaves: int = Field(default=4, ge=2, le=64)
    least: int = Field(default=80, ge=1, description="rows a leaf holds at least")
    ridge: float = Field(default=10.0, ge=0, description="ridge of leaf values")
    others: int = Field(default=20, ge=1, description="rows not wanted, for each wanted one, that a round learns from")
    rounds: int = Field(
        default=2, ge=1, le=20, description="how many times it is learned, each with other lots; the mean counts"
    )


@dataclass(frozen=True)
class Additive:
    """Curves as tables.

    Attributes:
        nodes: float32 (features, bins): where each curve is known, ascending; padded with the last.
        levels: float32 (levels,): values of a, ascending.
        curves: float32 (features, levels, bins): contribution to the logit there, 0 on average over what was learned from.
        base: float32 (levels,): b(a).
    """

    nodes: Floats
    levels: Floats
    curves: Floats
    base: Floats

    def contributions(self, table: Floats, activity: float) -> Floats:
        """Returns what each feature adds to the logit, float32 (rows, features).

        Args:
            table: float32 (rows, features).
            activity: a.
        """
        curves = self._at(self.curves, activity)
        found = np.empty_like(table)
        for feature, (nodes, curve) in enumerate(zip(self.nodes, curves, strict=True)):
            found[:, feature] = np.interp(table[:, feature], nodes, curve)
        return found

    def intercept(self, activity: float) -> float:
        """Returns b(a)."""
        return float(self._at(self.base[None, :, None], activity)[0, 0])

    def swings(self) -> npt.NDArray[np.float64]:
        """Returns how far each curve lies from 0 on average, float64 (features,), in logits."""
        found: npt.NDArray[np.float64] = np.abs(self.curves.astype(np.float64)).mean(axis=(1, 2))
        return found

    def _at(self, values: Floats, activity: float) -> Floats:
        """Returns values (n, levels, m) at a: float32 (n, m)."""
        if len(self.levels) < 2:
            return values[:, 0]
        above = int(np.clip(np.searchsorted(self.levels, activity), 1, len(self.levels) - 1))
        low, high = float(self.levels[above - 1]), float(self.levels[above])
        share = np.float32(np.clip((activity - low) / (high - low), 0, 1) if high > low else 0)
        mixed: Floats = values[:, above - 1] * (1 - share) + values[:, above] * share
        return mixed

    def parts(self) -> dict[str, Array]:
        """Returns its arrays, for `write_arrays`."""
        return {"nodes": self.nodes, "levels": self.levels, "curves": self.curves, "base": self.base}


def learn(
    table: Floats, activity: Floats, wanted: Mask, options: AdditiveOptions, seed: int, rising: Sequence[bool] = ()
) -> Additive:
    """Learns curves that tell wanted rows from others.

    Args:
        table: float32 (rows, features).
        activity: float32 (rows,), a of each row.
        wanted: bool (rows,), at least one of either kind.
        options: how.
        seed: of its lots.
        rising: for each feature whether its curve must never fall; empty for none.
    """
    # takes a second to import: only where something is learned
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, features = table.shape
    edges = [_edges(table[:, feature], _BINS) for feature in range(features)]
    binned = np.empty((rows, features + 1), dtype=np.float32)
    for feature, one in enumerate(edges):
        binned[:, feature] = np.searchsorted(one, table[:, feature], side="right")
    level_edges = _edges(activity, _LEVELS)
    binned[:, features] = np.searchsorted(level_edges, activity, side="right")
    model = HistGradientBoostingClassifier(
        learning_rate=options.rate,
        max_iter=options.trees,
        max_leaf_nodes=options.leaves,
        min_samples_leaf=min(options.least, max(1, rows // 20)),
        l2_regularization=options.ridge,
        max_bins=_BINS,
        interaction_cst=[[feature, features] for feature in range(features)],
        monotonic_cst=[int(one) for one in rising] + [0] if len(rising) else None,
        early_stopping=False,
    )
    levels = _middles(activity, binned[:, features], len(level_edges) + 1)
    curves = np.zeros((features, len(levels), _BINS), dtype=np.float64)
    base = np.zeros(len(levels))
    nodes = np.zeros((features, _BINS), dtype=np.float32)
    # every curve at every level, beside the reference of the level: all asked at once
    asked = np.zeros((len(levels), 1 + features * _BINS, features + 1), dtype=np.float32)
    asked[:, :, features] = np.arange(len(levels))[:, None]
    for feature, one in enumerate(edges):
        start = 1 + feature * _BINS
        asked[:, start : start + _BINS, feature] = np.minimum(np.arange(_BINS), len(one))
    others = rows - int(wanted.sum())
    share = min(1.0, max(_LEAST_DRAWN, options.others * (rows - others)) / max(1, others))
    for lot in range(options.rounds):
        # the lots are which rows each round learns from: of those not wanted some are enough
        drawn = wanted | (np.random.default_rng(seed + lot).random(rows) < share)
        model.fit(binned[drawn], wanted[drawn])
        told = model.decision_function(asked.reshape(-1, features + 1)).reshape(len(levels), -1)
        base += told[:, 0]
        curves += (told[:, 1:] - told[:, :1]).reshape(len(levels), features, _BINS).transpose(1, 0, 2)
    curves /= options.rounds
    # among the rows drawn wanted ones are that much more frequent
    base = base / options.rounds + np.log(share)
    for feature, one in enumerate(edges):
        mine = _middles(table[:, feature], binned[:, feature], len(one) + 1)
        nodes[feature, : len(mine)] = mine
        nodes[feature, len(mine) :] = mine[-1]
        shares = np.bincount(binned[:, feature].astype(np.int64), minlength=_BINS)[:_BINS] / rows
        means = curves[feature] @ shares
        curves[feature] -= means[:, None]
        base += means
    return Additive(nodes, levels, curves.astype(np.float32), base.astype(np.float32))


def _edges(values: Floats, bins: int) -> npt.NDArray[np.float32]:
    """Returns what divides values into at most so many bins of about the same number of rows."""
    return np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]).astype(np.float32))


def _middles(values: Floats, bins: Floats, count: int) -> Floats:
    """Returns the mean of the values in each bin, ascending; an empty bin has that of the one before."""
    places = bins.astype(np.int64)
    totals = np.bincount(places, values, minlength=count)
    counts = np.bincount(places, minlength=count)
    means = np.divide(totals, counts, out=np.full(count, -np.inf), where=counts > 0)
    found: Floats = np.maximum.accumulate(means).astype(np.float32)
    first = found[np.isfinite(found)]
    return np.where(np.isfinite(found), found, first[0] if len(first) else np.float32(0)).astype(np.float32)
