"""What became of films that were shown: which acts of people follow from which answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
WINDOW: Final = dt.timedelta(days=7)
"""How long after an answer an act may follow from it."""
LIKED_FROM: Final = 8
"""Half stars from which on a rating says that a film was liked: 4 stars."""


class Outcome(IntEnum):
    """What an act says of a film that was shown."""

    LIKED = 0
    CLICKED = 1
    REFUSED = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the recommender that was part of an experiment.

    Attributes:
        user_id: who got it.
        at: when.
        variant: variant it was made by.
        movie_ids: int (n,), films shown.
    """

    user_id: str
    at: dt.datetime
    variant: str
    movie_ids: Sequence[int] | npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person did about a film.

    Attributes:
        user_id: who.
        movie_id: the film.
        at: when.
        outcome: what it says.
    """

    user_id: str
    movie_id: int
    at: dt.datetime
    outcome: Outcome


@dataclass(frozen=True)
class Tally:
    """People of an experiment, a row each.

    Attributes:
        variants: int64 (n,), place of each person's variant among those of the experiment.
        answers: int64 (n,), answers they got, at least 1.
        outcomes: int64 (n, 3), films shown to them that were liked, clicked, refused.
        most_shown: most films in one answer.
    """

    variants: Ints
    answers: Ints
    outcomes: Ints
    most_shown: int


NOBODY: Final = Tally(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, len(Outcome)), np.int64), 0)


def joined(tallies: Sequence[Tally]) -> Tally:
    """Returns the people of several tallies, who must be different ones."""
    if not tallies:
        return NOBODY
    return Tally(
        np.concatenate([one.variants for one in tallies]),
        np.concatenate([one.answers for one in tallies]),
        np.concatenate([one.outcomes for one in tallies]),
        max(one.most_shown for one in tallies),
    )


def tally(answers: Sequence[Answer], acts: Sequence[Act], variants: Sequence[str]) -> Tally:
    """Counts what people did about films within seven days after these were shown to them.

    A film counts once a person and outcome, however often it was shown or acted on. Whoever got several variants, for shares
    were changed, counts wholly for the first: people would else choose by what they did where they count.

    Args:
        answers: all answers to these people, in any order; those with a variant not named in `variants` are left out.
        acts: what these people did, in any order; acts of others and on films not shown do no harm.
        variants: names of the experiment's variants.

    Returns:
        A row for each person who got an answer.
    """
    places = {name: place for place, name in enumerate(variants)}
    kept = sorted((one for one in answers if one.variant in places), key=lambda one: (one.user_id, one.at))
    if not kept:
        return NOBODY
    people: dict[str, int] = {}
    first_variants: list[int] = []
    for answer in kept:
        if answer.user_id not in people:
            people[answer.user_id] = len(people)
            first_variants.append(places[answer.variant])
    asked = _ints(people[one.user_id] for one in kept)
    counted = np.bincount(asked, minlength=len(people)).astype(np.int64)
    found = _following(kept, asked, [act for act in acts if act.user_id in people], people)
    outcomes = np.zeros((len(people), len(Outcome)), dtype=np.int64)
    np.add.at(outcomes, (found[:, 0], found[:, 2]), 1)
    most = max(len(one.movie_ids) for one in kept)
    return Tally(np.array(first_variants, dtype=np.int64), counted, outcomes, most)


def _following(answers: Sequence[Answer], asked: Ints, acts: Sequence[Act], people: dict[str, int]) -> Ints:
    """Returns (n, 3) distinct rows of person, film, outcome: acts that follow from an answer; `asked` is who got each answer."""
    lengths = [len(one.movie_ids) for one in answers]
    shown = np.concatenate([np.asarray(one.movie_ids, dtype=np.int64) for one in answers])
    person = np.concatenate([np.repeat(asked, lengths), _ints(people[one.user_id] for one in acts)])
    film = np.concatenate([shown, _ints(one.movie_id for one in acts)])
    at = np.concatenate(
        [np.repeat(_ints(_micros(one.at) for one in answers), lengths), _ints(_micros(one.at) for one in acts)]
    )
    outcome = np.concatenate([np.full(len(shown), -1, np.int64), _ints(int(one.outcome) for one in acts)])
    # by person, film, time; of one moment the answer comes first
    order = np.lexsort((outcome, at, film, person))
    person, film, at, outcome = person[order], film[order], at[order], outcome[order]
    last_shown = np.maximum.accumulate(np.where(outcome < 0, np.arange(len(order)), -1))
    same = (last_shown >= 0) & (person == person[last_shown]) & (film == film[last_shown])
    soon = at - at[last_shown] <= WINDOW // dt.timedelta(microseconds=1)
    follows = (outcome >= 0) & same & soon
    return np.unique(np.stack([person[follows], film[follows], outcome[follows]], axis=1), axis=0)


def _ints(numbers: Iterable[int]) -> Ints:
    return np.fromiter(numbers, dtype=np.int64)


def _micros(moment: dt.datetime) -> int:
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
