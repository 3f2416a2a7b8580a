"""Invented people for experiments: most ask seldom, a few ask all the time, and tastes for liking differ widely."""

from __future__ import annotations

import datetime as dt

import numpy as np

from cine_recommender.experiments.declaration import Experiment, Variant
from cine_recommender.experiments.outcomes import Ints, Outcome, Tally

BEGAN = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
FILMS_SHOWN = 20


def declared(*shares: float, paused: int | None = None) -> Experiment:
    variants = tuple(Variant(f"v{place}", (share,), paused=place == paused) for place, share in enumerate(shares))
    return Experiment("trial", "", "running", BEGAN, variants)


def lived(draw: np.random.Generator, variants: Ints, lift: float = 1.0) -> Tally:
    """People of these variants after some weeks; those not of the first like films `lift` times as often.

    The hundredth of people who ask most ask as much as the half who ask least, and how often somebody likes varies by a factor
    of hundreds.
    """
    count = len(variants)
    answers = np.minimum(1 + draw.lognormal(0.7, 1.3, count), 500).astype(np.int64)
    rates = np.stack([draw.gamma(0.5, mean / 0.5, count) for mean in (0.3, 0.8, 0.05)], axis=1)
    rates[variants > 0, Outcome.LIKED] *= lift
    outcomes = np.minimum(draw.poisson(rates * answers[:, None]), FILMS_SHOWN * answers[:, None])
    return Tally(variants, answers, outcomes.astype(np.int64), FILMS_SHOWN)
