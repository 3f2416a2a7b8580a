"""What an experiment found: people and answers of each variant, whether they were shared out as declared, effects."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np

from cine_recommender.experiments.declaration import Experiment
from cine_recommender.experiments.inference import (
    ALARM,
    Difference,
    ratio_difference,
    ratio_of,
    sample_ratio_p_value,
    share_difference,
)
from cine_recommender.experiments.outcomes import Outcome, Tally

PER_ANSWER: Final = {
    "liked_per_answer": Outcome.LIKED,
    "clicked_per_answer": Outcome.CLICKED,
    "refused_per_answer": Outcome.REFUSED,
}
SHARE_WHO_LIKED: Final = "people_who_liked"
"""Metric: share of people who liked at least one film shown to them."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """People who got a variant, and the answers they got."""

    variant: str
    users: int
    answers: int


@dataclass(frozen=True, slots=True)
class Effect:
    """One metric of one variant.

    Attributes:
        variant: its name.
        metric: a key of `PER_ANSWER`, or `SHARE_WHO_LIKED`.
        value: the variant's own value.
        difference: against the first variant; None for the first itself.
    """

    variant: str
    metric: str
    value: float
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class ExperimentReport:
    """What an experiment found so far.

    Attributes:
        experiment_id: its name.
        exposures: every variant, in the order declared.
        sample_ratio_p_value: probability of shares this uneven by chance.
        sample_ratio_ok: whether that is above one in a thousand; when not, no effect is to be believed.
        effects: every metric of every variant that is not paused.
        created_at: when it was computed.
    """

    experiment_id: str
    exposures: tuple[Exposure, ...]
    sample_ratio_p_value: float
    sample_ratio_ok: bool
    effects: tuple[Effect, ...]
    created_at: dt.datetime


def report_of(experiment: Experiment, tally: Tally, now: dt.datetime) -> ExperimentReport:
    """Judges an experiment.

    A paused variant has its people counted and takes part neither in the check nor in the effects: it was served at another
    time than what it would be compared with.

    Args:
        experiment: what was declared; its variants in the order that `tally.variants` counts.
        tally: what people did.
        now: the moment.
    """
    exposures = []
    for place, variant in enumerate(experiment.variants):
        mine = tally.variants == place
        exposures.append(Exposure(variant.name, int(mine.sum()), int(tally.answers[mine].sum())))
    judged = [place for place, variant in enumerate(experiment.variants) if not variant.paused]
    chance = sample_ratio_p_value(
        [exposures[place].users for place in judged], [experiment.variants[place].share for place in judged]
    )
    effects = [effect for place in judged for effect in _effects(experiment, tally, place)]
    return ExperimentReport(experiment.experiment_id, tuple(exposures), chance, chance >= ALARM, tuple(effects), now)


def _effects(experiment: Experiment, tally: Tally, place: int) -> list[Effect]:
    name = experiment.variants[place].name
    mine, firsts = tally.variants == place, tally.variants == 0
    answers, first_answers = tally.answers[mine], tally.answers[firsts]
    effects = []
    for metric, outcome in PER_ANSWER.items():
        seen, first_seen = tally.outcomes[mine, outcome], tally.outcomes[firsts, outcome]
        difference = None
        if place:
            difference = ratio_difference(seen, answers, first_seen, first_answers, float(tally.most_shown))
        effects.append(Effect(name, metric, ratio_of(seen, answers), difference))
    liked = [int(np.count_nonzero(tally.outcomes[who, Outcome.LIKED])) for who in (mine, firsts)]
    people = [len(answers), len(first_answers)]
    share = liked[0] / people[0] if people[0] else 0.0
    difference = share_difference(liked[0], people[0], liked[1], people[1]) if place else None
    effects.append(Effect(name, SHARE_WHO_LIKED, share, difference))
    return effects
