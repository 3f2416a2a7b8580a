"""Cutting a log into what models learn from and what they are judged by.

U cuts each person's history in time, T cuts the whole log at moments, R draws lots. Every cut can only look at what it is given: films
are numbered in a random order and equal moments are put in a random one first (`arranged`), since the order of a file says something.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cine_recommender.interactions import History, Interactions, Ints, Mask

RELEVANT = 4.0
"""Stars from which on a held-out film counts as one that should have been recommended."""
FEWEST = 5
"""Interactions somebody must have before the cut to be judged."""
_SHARE = 5
"""One part in so many of a history is held out: its last 20 %."""


@dataclass(frozen=True)
class Fold:
    """One cut.

    Attributes:
        name: as reports show it.
        fit: what models learn from.
        held: what was held out, all ratings, with people and films numbered as in `fit`.
        people: int32, ascending: who is judged. Each has at least `FEWEST` rows in `fit` and a relevant one in `held`.
        now: int64 (people,): the moment at which each is given recommendations, Unix seconds.
        rehearsal: bool (rows of fit,): the last rows before the cut, which a learned fusion may treat as held out while it is fitted. They
            are rows of `fit` like any other.
    """

    name: str
    fit: Interactions
    held: Interactions
    people: Ints
    now: npt.NDArray[np.int64]
    rehearsal: Mask

    def histories(self, first: int, last: int) -> list[History]:
        """Returns what the people judged from `first` up to `last` had rated before the cut."""
        return [self.fit.history(int(person)) for person in self.people[first:last]]


def arranged(log: Interactions, seed: int) -> Interactions:
    """Returns a log with films numbered in a random order, and rows of one person and second in a random order."""
    lots = np.random.default_rng(seed)
    order = lots.permutation(len(log.film_ids))
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    rows = np.lexsort((lots.permutation(len(log)), log.times, log.people))
    return replace(
        log,
        people=log.people[rows],
        films=number[log.films[rows]],
        ratings=log.ratings[rows],
        times=log.times[rows],
        film_ids=log.film_ids[order],
    )


def latest(log: Interactions) -> Mask:
    """Returns bool (n,): each person's last 20 % of rows, rounded down, but one at least."""
    counts = np.diff(log.starts)
    first = log.starts[1:] - np.maximum(1, counts // _SHARE)
    held: Mask = np.arange(len(log)) >= first[log.people]
    return held


def temporal(log: Interactions, least: int = FEWEST) -> tuple[Fold, Fold]:
    """Protocol U: cuts everybody's history in time.

    Returns:
        The cut to choose options on: the last 20 % of what remains without the test. And the test: everybody's last 20 %, fitted on all
        that comes before, the rows for choosing among them.
    """
    test = last_held(log, least)
    rest, chosen = test.fit, test.rehearsal
    train = rest.take(~chosen)
    return _fold("U validation", train, rest.take(chosen), latest(train), least), test


def last_held(log: Interactions, least: int = FEWEST) -> Fold:
    """Returns the test of protocol U alone: for logs so large that a cut to choose options on costs too much."""
    tested = latest(log)
    rest = log.take(~tested)
    return _fold("U", rest, log.take(tested), latest(rest), least)


def rolling(log: Interactions, cuts: int = 8, least: int = FEWEST) -> list[Fold]:
    """Protocol T: cuts the whole log at moments, each with the window up to the next.

    The moments leave equal shares of the rows between them, from a fifth of the log on. One more cut than asked for comes first: it is
    there to choose options on, and is no part of the result.

    Args:
        log: what to cut.
        cuts: how many cuts to judge by, at least 1.
        least: rows somebody must have before the cut.

    Returns:
        `cuts` + 1 folds, in order of time. In each, `now` is the moment of the cut for everybody.

    Raises:
        ValueError: the log has too few different moments for so many cuts.
    """
    if cuts < 1:
        raise ValueError(f"cuts must be at least 1, not {cuts}")
    times = np.sort(log.times)
    places = len(times) * (0.2 + 0.8 * np.arange(cuts + 1) / (cuts + 1))
    moments = times[places.astype(np.int64)]
    if len(np.unique(moments)) != len(moments) or moments[0] == times[0]:
        raise ValueError(f"{cuts} cuts are too many for a log with so few different moments")
    found = []
    width = moments[1] - moments[0]
    for at, moment in enumerate(moments):
        end = moments[at + 1] if at < cuts else times[-1] + 1
        fit = log.take(log.times < moment)
        held = log.take((log.times >= moment) & (log.times < end))
        before = moments[at - 1] if at else moment - width
        day = datetime.datetime.fromtimestamp(int(moment), datetime.UTC).date()
        fold = _fold(f"T {day}", fit, held, fit.times >= before, least)
        found.append(replace(fold, now=np.full(len(fold.people), moment)))
    return found


def shuffled(log: Interactions, seed: int, parts: int = 5) -> list[tuple[Mask, Mask]]:
    """Protocol R: draws lots among the rows.

    Returns:
        For each of `parts`: rows to fit on and rows to test on, bool (n,) each. Every row is tested once.
    """
    part = np.random.default_rng(seed).permutation(len(log)) % parts
    return [(part != one, part == one) for one in range(parts)]


def _fold(name: str, fit: Interactions, held: Interactions, rehearsal: Mask, least: int) -> Fold:
    enough = np.diff(fit.starts) >= least
    wanted = np.bincount(held.people[held.ratings >= RELEVANT], minlength=len(held.person_ids)) > 0
    people = np.flatnonzero(enough & wanted).astype(np.int32)
    # the last rating known: what a person asked for right after it would have been answered with
    now = fit.times[fit.starts[people + 1] - 1] if len(people) else np.empty(0, np.int64)
    return Fold(name, fit, held, people, now, rehearsal)
