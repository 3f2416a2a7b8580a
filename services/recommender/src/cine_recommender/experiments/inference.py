"""How far two variants are apart, how sure that is, and whether people were shared out as declared.

People are what was given to variants, so people are what varies: answers of one person resemble each other, and treating each as a draw
of its own makes intervals far too short for those who ask often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

Counts = npt.NDArray[np.int64]
ALARM: Final = 0.001
"""A sample ratio less likely than this by chance is taken for a fault of the experiment."""
_COVERED: Final = 0.95
_NORMAL: Final = float(special.ndtri((1 + _COVERED) / 2))
_FEW_EXPECTED: Final = 5.0
_DRAWS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between two variants.

    Attributes:
        effect: value of the variant less that of the first.
        low: lower end of the 95 % interval.
        high: upper end of it.
    """

    effect: float
    low: float
    high: float


def ratio_difference(
    outcomes: Counts, answers: Counts, first_outcomes: Counts, first_answers: Counts, widest: float
) -> Difference:
    """Compares outcomes per answer.

    The ratio of two sums over people has the variance that the delta method gives: Deng, Knoblich and Lu, "Applying the Delta
    Method in Metric Analytics", KDD 2018, section 3.1. The quantile is Student's with Welch's degrees of freedom. Where a
    variant has no outcome at all it tells nothing of how much people differ, and the other's spread stands in.

    Args:
        outcomes: (n,) outcomes of each person of the variant.
        answers: (n,) answers each of them got, at least 1.
        first_outcomes: (m,) likewise for the first variant.
        first_answers: (m,) likewise.
        widest: the largest difference there can be; it is the interval where nothing can be said: fewer than two people on
            a side, or no outcome on either.
    """
    ratio, first = ratio_of(outcomes, answers), ratio_of(first_outcomes, first_answers)
    effect = ratio - first
    sizes = (len(outcomes), len(first_outcomes))
    if min(sizes) < 2 or (not outcomes.any() and not first_outcomes.any()):
        return Difference(effect, -widest, widest)
    spreads = [_spread(outcomes, answers, ratio), _spread(first_outcomes, first_answers, first)]
    for side, seen in enumerate((outcomes, first_outcomes)):
        if not seen.any():
            spreads[side] = spreads[1 - side]
    parts = [spread / size for spread, size in zip(spreads, sizes, strict=True)]
    variance = sum(parts)
    if variance == 0:
        return Difference(effect, -widest, widest)
    freedom = variance**2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    half = float(special.stdtrit(freedom, (1 + _COVERED) / 2)) * variance**0.5
    return Difference(effect, max(effect - half, -widest), min(effect + half, widest))


def ratio_of(outcomes: Counts, answers: Counts) -> float:
    """Returns outcomes per answer; 0 without answers."""
    asked = int(answers.sum())
    return float(outcomes.sum() / asked) if asked else 0.0


def _spread(outcomes: Counts, answers: Counts, ratio: float) -> float:
    """Returns the variance between people of what each adds to the ratio."""
    return float(np.var((outcomes - ratio * answers) / answers.mean(), ddof=1))


def share_difference(having: int, people: int, first_having: int, first_people: int) -> Difference:
    """Compares two shares of people by Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, method 10).

    It holds for few people and for shares near 0 and 1. Without people on a side the interval is everything from -1 to 1.
    """
    if not people or not first_people:
        return Difference(0.0, -1.0, 1.0)
    share, first = having / people, first_having / first_people
    low, high = _wilson(having, people)
    first_low, first_high = _wilson(first_having, first_people)
    effect = share - first
    return Difference(
        effect,
        effect - float(np.hypot(share - low, first_high - first)),
        effect + float(np.hypot(high - share, first - first_low)),
    )


def _wilson(having: int, people: int) -> tuple[float, float]:
    """Returns the score interval of a share: those shares from which what was seen is not further than it is likely to be."""
    share, z2 = having / people, _NORMAL**2
    centre = (share + z2 / (2 * people)) / (1 + z2 / people)
    half = _NORMAL / (1 + z2 / people) * (share * (1 - share) / people + z2 / (4 * people**2)) ** 0.5
    return centre - half, centre + half


def sample_ratio_p_value(people: Sequence[int], shares: Sequence[float]) -> float:
    """Returns how likely counts at least this uneven are if people were given to variants by these shares.

    Pearson's chi-square; where fewer than five people are expected somewhere its distribution is drawn rather than
    approximated. 1 where there is nothing to compare.

    Args:
        people: people of each variant.
        shares: share of each, not negative; only their proportions matter.
    """
    seen, wanted = np.array(people, dtype=np.float64), np.array(shares, dtype=np.float64)
    if not seen.sum() or not wanted.sum():
        return 1.0
    if seen[wanted == 0].any():
        return 0.0
    seen, wanted = seen[wanted > 0], wanted[wanted > 0]
    if len(seen) < 2:
        return 1.0
    expected = wanted / wanted.sum() * seen.sum()
    uneven = float(((seen - expected) ** 2 / expected).sum())
    if expected.min() >= _FEW_EXPECTED:
        return float(special.chdtrc(len(seen) - 1, uneven))
    draws = np.random.default_rng(0).multinomial(int(seen.sum()), wanted / wanted.sum(), _DRAWS)
    drawn = ((draws - expected) ** 2 / expected).sum(axis=1)
    return float((1 + np.count_nonzero(drawn >= uneven - 1e-9)) / (1 + _DRAWS))
