"""From a logit to a score of 0 to 1 that is a probability, and a score's exact parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cine_recommender.interactions import Floats, Mask

Doubles = npt.NDArray[np.float64]
_STEPS = 50
_LEAST_SLOPE = 0.05
_EXPECTED_SLOPE = 0.5
_RIDGE = 1.0


@dataclass(frozen=True)
class Calibration:
    """Platt's map (1999): score = σ(offset + slope · logit). It rises, so it never changes an order.

    Attributes:
        slope: above 0.
        offset: of the logit.
    """

    slope: float
    offset: float

    def scores(self, logits: Floats) -> Doubles:
        """Returns scores, float64, 0 to 1."""
        return sigmoid(self.offset + self.slope * logits.astype(np.float64))

    def shares(self, base: float, parts: Floats) -> Floats:
        """Returns what each part gives to the score, float32 (rows, parts + 1); a row sums to its score.

        The first column is what the base alone is worth. The rest is shared out along the straight line from there, as integrated
        gradients do (Sundararajan et al., 2017): for a sum under one curve that is in proportion to the parts.

        Args:
            base: logit of a film of which nothing speaks for or against.
            parts: float32 (rows, parts), what is added to it.
        """
        summed = parts.sum(axis=1, dtype=np.float64)
        start = self.offset + self.slope * base
        low = sigmoid(np.array([start]))[0]
        high = sigmoid(start + self.slope * summed)
        flat = np.abs(summed) < 1e-6
        each = np.where(flat, self.slope * low * (1 - low), (high - low) / np.where(flat, 1, summed))
        given = parts * each[:, None]
        return np.column_stack([np.full(len(parts), low), given]).astype(np.float32)


def sigmoid(values: Doubles) -> Doubles:
    """Returns 1 / (1 + e^-x) without overflow."""
    found: Doubles = 0.5 * (1 + np.tanh(0.5 * values))
    return found


def calibrated(logits: Floats, liked: Mask) -> Calibration:
    """Learns the map from films that were watched and liked or not, by Newton's method; few of them change little.

    Args:
        logits: float32 (n,), of films that somebody watched afterwards.
        liked: bool (n,), whether they liked them.
    """
    values = logits.astype(np.float64)
    wanted = liked.astype(np.float64)
    if not len(values):
        return Calibration(1.0, 0.0)
    middle, spread = values.mean(), values.std() or 1.0
    scaled = (values - middle) / spread
    # drawn towards a gentle slope, so that a handful of rows cannot turn the order round
    slope, offset = 1.0, 0.0
    for _ in range(_STEPS):
        told = sigmoid(offset + slope * scaled)
        errors, widths = told - wanted, told * (1 - told)
        gradient = np.array([errors.sum(), errors @ scaled + _RIDGE * (slope - _EXPECTED_SLOPE)])
        curvature = np.array([[widths.sum() + 1e-9, widths @ scaled], [widths @ scaled, widths @ scaled**2 + _RIDGE]])
        step = np.linalg.solve(curvature, gradient)
        offset, slope = offset - step[0], max(_LEAST_SLOPE, slope - step[1])
        if np.abs(step).max() < 1e-9:
            break
    return Calibration(float(slope / spread), float(offset - slope * middle / spread))
