"""Learning a hybrid: signals on all but each person's last films, curves on these, then signals once more on everything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cine_recommender.evaluation.splits import RELEVANT, latest
from cine_recommender.fusion.additive import learn
from cine_recommender.fusion.calibration import calibrated
from cine_recommender.fusion.features import FEATURES, Features
from cine_recommender.fusion.hybrid import Hybrid
from cine_recommender.fusion.options import HybridOptions
from cine_recommender.fusion.parts import Step, parts_of
from cine_recommender.fusion.stated import stated
from cine_recommender.interactions import Floats, Interactions, Mask
from cine_recommender.signals import context
from cine_recommender.signals.signal import FilmFacts


class TooFewRatings(Exception):
    """There is too little to learn from."""


def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Hybrid:
    """Learns a hybrid; options are those of `HybridOptions`, "rehearsal" (see `signals.signal.Candidate`) and "profile", the one to judge.

    The rehearsal is cut anew: each person's last films, under whichever protocol. A window of the log holds too few people to learn from.

    Raises:
        pydantic.ValidationError: An option is unknown or out of range.
        ValueError: Nothing is told of the films.
        TooFewRatings: Nobody has enough films before and one liked among the last.
    """
    asked = {name: value for name, value in options.items() if name not in ("rehearsal", "profile")}
    hybrid = learned(interactions, facts, HybridOptions(**asked), seed)
    first = str(options.get("profile", hybrid.order[0]))
    return replace(hybrid, order=(first, *(one for one in hybrid.order if one != first)))


def learned(
    interactions: Interactions, facts: FilmFacts | None, options: HybridOptions, seed: int, step: Step = lambda _: None
) -> Hybrid:
    """Learns a hybrid.

    Args:
        interactions: what to learn from.
        facts: of the films.
        options: how.
        seed: of everything drawn by lot.
        step: told of each step as it begins.

    Raises:
        ValueError: Nothing is told of the films.
        TooFewRatings: Nobody has enough films before and one liked among the last.
    """
    if facts is None:
        raise ValueError("the hybrid needs facts of the films")
    last = latest(interactions)
    before, after = interactions.take(~last), interactions.take(last)
    rehearsed = parts_of(before, facts, options, seed, lambda name: step(f"rehearsal: {name}"))
    step("rehearsal: films worth a look")
    table, activity, wanted, watched = _frame(rehearsed, before, after, options, seed)
    step("curves")
    curves = learn(table, activity, wanted, options.additive, seed, [one.rising for one in FEATURES])
    step("calibration")
    logits = _logits(curves, table[watched], activity[watched])
    hybrid = Hybrid(
        features=parts_of(interactions, facts, options, seed, step),
        curves=curves,
        calibration=calibrated(logits, wanted[watched]),
        stated=stated(table),
        options=options,
        context=context.fit(interactions, facts, {}, seed) if _named(facts) else None,
        feelings=np.zeros(len(interactions.film_ids), dtype=np.float32),
    )
    step("done")
    return hybrid


def _frame(
    features: Features, before: Interactions, after: Interactions, options: HybridOptions, seed: int
) -> tuple[Floats, Floats, Mask, Mask]:
    """Returns films worth a look for people: their features, how much each person rated, whether they were liked after, and watched."""
    liked = np.bincount(after.people[after.ratings >= RELEVANT], minlength=len(after.person_ids)) > 0
    people = np.flatnonzero((np.diff(before.starts) >= options.least_history) & liked)
    if not len(people):
        raise TooFewRatings(
            "nobody has rated enough films to learn from: each needs a few, and one liked among the last"
        )
    if len(people) > options.people:
        people = np.sort(np.random.default_rng(seed).choice(people, options.people, replace=False))
    tables, activities, wanted, watched = [], [], [], []
    for one in people.tolist():
        history = before.history(one)
        person = features.person(history, int(history.times[-1]))
        readings = features.readings(person)
        allowed = features.traits.counts > 0
        allowed[history.films] = False
        rows = features.candidates(person, readings, allowed, options.candidates)
        tables.append(features.table(person, rows, {name: found[rows] for name, found in readings.items()}))
        activities.append(np.full(len(rows), person.activity, dtype=np.float32))
        seen = slice(after.starts[one], after.starts[one + 1])
        wanted.append(np.isin(rows, after.films[seen][after.ratings[seen] >= RELEVANT]))
        watched.append(np.isin(rows, after.films[seen]))
    both: Mask = np.concatenate(wanted)
    if both.all() or not both.any():
        raise TooFewRatings("no film that people liked last is among those worth a look for them")
    return np.concatenate(tables), np.concatenate(activities), both, np.concatenate(watched)


def _logits(curves: Any, table: Floats, activity: Floats) -> Floats:
    found = np.empty(len(table), dtype=np.float32)
    for one in np.unique(activity):
        mine = activity == one
        found[mine] = curves.contributions(table[mine], float(one)).sum(axis=1) + curves.intercept(float(one))
    return found


def _named(facts: FilmFacts) -> bool:
    return len(facts.genre_names) == facts.genres.shape[1] and len(facts.keyword_names) == facts.keywords.shape[1] > 0
