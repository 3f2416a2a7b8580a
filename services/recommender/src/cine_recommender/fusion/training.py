"""Learning a hybrid: signals on all but each person's last films, curves on these, then signals once more on everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from cine_recommender.evaluation.splits import RELEVANT, latest
from cine_recommender.fusion.additive import Additive, learn
from cine_recommender.fusion.calibration import Calibration, calibrated
from cine_recommender.fusion.features import FEATURES, Features
from cine_recommender.fusion.hybrid import Hybrid
from cine_recommender.fusion.options import HybridOptions
from cine_recommender.fusion.parts import Step, likenesses, parts_of
from cine_recommender.fusion.sessions import Learned, Sessions, without_succession
from cine_recommender.fusion.stated import stated
from cine_recommender.interactions import Floats, History, Interactions, Ints, Mask
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
    return learned(interactions, facts, HybridOptions(**asked), seed).preferring(str(options.get("profile", "")))


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
    return whole(rehearsed(interactions, facts, options, seed, step), step)


@dataclass(frozen=True)
class Rehearsal:
    """Films worth a look for people, by signals that do not know what they watched last, and what they did watch.

    Attributes:
        interactions: all of them.
        facts: of the films.
        options: how it is learned.
        seed: of everything drawn by lot.
        alike: of `parts.likenesses`.
        table: float32 (rows, features).
        activity: float32 (rows,), how much each person had rated.
        people: int32 (rows,), whose row it is, ascending.
        wanted: bool (rows,), liked afterwards.
        watched: bool (rows,), rated afterwards.
        relevant: int32 (people of the log,), how many films each liked afterwards, those that are no row with them.
    """

    interactions: Interactions
    facts: FilmFacts
    options: HybridOptions
    seed: int
    alike: Mapping[str, sp.csr_matrix]
    table: Floats
    activity: Floats
    people: Ints
    wanted: Mask
    watched: Mask
    relevant: Ints

    def later(self) -> Rehearsal:
        """Returns it as it would be after the session."""
        return replace(self, table=without_succession(self.table))

    def curves(self, rows: Mask | None = None) -> Additive:
        """Learns curves from some rows, by default from all."""
        mine = np.ones(len(self.wanted), dtype=np.bool_) if rows is None else rows
        rising = [one.rising for one in FEATURES]
        return learn(self.table[mine], self.activity[mine], self.wanted[mine], self.options.additive, self.seed, rising)

    def calibration(self, curves: Additive) -> Calibration:
        """Learns from films that were watched what curves mean."""
        watched = self.watched
        return calibrated(logits_of(curves, self.table[watched], self.activity[watched]), self.wanted[watched])


def rehearsed(
    interactions: Interactions, facts: FilmFacts | None, options: HybridOptions, seed: int, step: Step = lambda _: None
) -> Rehearsal:
    """Returns what curves are learned from: signals know all but each person's last films.

    Raises:
        ValueError: Nothing is told of the films.
        TooFewRatings: Nobody has enough films before and one liked among the last.
    """
    if facts is None:
        raise ValueError("the hybrid needs facts of the films")
    last = latest(interactions)
    before, after = interactions.take(~last), interactions.take(last)
    step("content")
    alike = likenesses(interactions, facts, options, seed)
    features = parts_of(before, facts, options, seed, lambda name: step(f"rehearsal: {name}"), alike)
    step("rehearsal: films worth a look")
    relevant = np.bincount(after.people[after.ratings >= RELEVANT], minlength=len(after.person_ids))
    frame = _frame(features, before, after, relevant > 0, options, seed)
    return Rehearsal(interactions, facts, options, seed, alike, *frame, relevant.astype(np.int32))


def whole(rehearsal: Rehearsal, step: Step = lambda _: None) -> Hybrid:
    """Learns a hybrid from all people of a rehearsal, with signals that know everything."""
    learned = []
    for name, one in (("", rehearsal), (" for later", rehearsal.later())):
        step("curves" + name)
        curves = one.curves()
        step("calibration" + name)
        learned.append(Learned(curves, one.calibration(curves)))
    interactions, facts, options, seed = rehearsal.interactions, rehearsal.facts, rehearsal.options, rehearsal.seed
    return Hybrid(
        features=parts_of(interactions, facts, options, seed, step, rehearsal.alike),
        sessions=Sessions(*learned),
        stated=stated(rehearsal.table),
        options=options,
        context=context.fit(interactions, facts, {}, seed) if _named(facts) else None,
        feelings=np.zeros(len(interactions.film_ids), dtype=np.float32),
    )


def _frame(
    features: Features, before: Interactions, after: Interactions, liked: Mask, options: HybridOptions, seed: int
) -> Frame:
    people = drawn_people(np.flatnonzero((np.diff(before.starts) >= options.least_history) & liked), options, seed)
    return framed(
        [looked_at(features, one, before.history(one), after.history(one), options) for one in people.tolist()]
    )


def drawn_people(people: npt.NDArray[np.intp], options: HybridOptions, seed: int) -> npt.NDArray[np.intp]:
    """Returns those of them that curves are learned from, ascending.

    Raises:
        TooFewRatings: There is nobody.
    """
    if not len(people):
        raise TooFewRatings(
            "nobody has rated enough films to learn from: each needs a few, and one liked among the last"
        )
    if len(people) <= options.people:
        return people
    return np.sort(np.random.default_rng(seed).choice(people, options.people, replace=False))


Frame = tuple[Floats, Floats, Ints, Mask, Mask]
"""Films worth a look: features, how much the person rated, who it is, whether they were liked after, and watched; (rows, …) each."""


def looked_at(features: Features, one: int, before: History, after: History, options: HybridOptions) -> Frame:
    """Returns the rows of a person."""
    person = features.person(before, int(before.times[-1]))
    heard = features.readings(person)
    allowed = features.traits.counts > 0
    allowed[before.films] = False
    rows = features.candidates(person, heard, allowed, options.candidates)
    return (
        features.table(person, rows, heard.of(rows)),
        np.full(len(rows), person.activity, dtype=np.float32),
        np.full(len(rows), one, dtype=np.int32),
        np.isin(rows, after.films[after.ratings >= RELEVANT]),
        np.isin(rows, after.films),
    )


def framed(people: Sequence[Frame]) -> Frame:
    """Returns the rows of several people, one after another.

    Raises:
        TooFewRatings: None of them was liked afterwards, or all were.
    """
    table, activity, whose, wanted, watched = (np.concatenate(column) for column in zip(*people, strict=True))
    if wanted.all() or not wanted.any():
        raise TooFewRatings("no film that people liked last is among those worth a look for them")
    return table, activity, whose, wanted, watched


def logits_of(curves: Additive, table: Floats, activity: Floats) -> Floats:
    """Returns the logit of rows, float32 (rows,), each by its own activity."""
    found = np.empty(len(table), dtype=np.float32)
    for one in np.unique(activity):
        mine = activity == one
        found[mine] = curves.contributions(table[mine], float(one)).sum(axis=1) + curves.intercept(float(one))
    return found


def _named(facts: FilmFacts) -> bool:
    sizes: tuple[int, int] = (facts.genres.shape[1], facts.keywords.shape[1])
    return bool(facts.genre_names) and (len(facts.genre_names), len(facts.keyword_names)) == sizes
