"""Who gets which variant: decided by hashes, so that nothing is kept and every replica says the same.

Two hashes that know nothing of each other: one of the person alone says in which experiment they may take part, for
experiments that have not ended share nobody; one of salt, experiment and person says which variant they get there. So nobody
is in two experiments, and starting, pausing or widening one takes nobody out of another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cine_recommender.experiments.allocation import Allocation
from cine_recommender.experiments.declaration import Experiment, Profile


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one person gets.

    Attributes:
        experiment_id: the experiment the person takes part in.
        variant: name of the variant.
        profile: weights to recommend with, unless the request names others.
        diversity: 0 to 1, unless the request says otherwise; None for the profile's own.
    """

    experiment_id: str
    variant: str
    profile: Profile
    diversity: float | None


class Assigner:
    """Assigns people to variants; everybody takes part in at most one experiment at a time.

    Args:
        experiments: those declared, in any order and state.
    """

    def __init__(self, experiments: Iterable[Experiment] = ()) -> None:
        self.use(experiments)

    def use(self, experiments: Iterable[Experiment]) -> None:
        """Assigns by these experiments from now on; calls in progress end with those of before."""
        self._running = tuple(_Running(one) for one in experiments if one.state == "running")

    def of(self, user_id: str) -> Assignment | None:
        """Returns what a person gets; None for whoever takes part in no running experiment."""
        running = self._running
        if not running:
            return None
        point = _point(b"people", user_id)
        for one in running:
            if one.first <= point < one.end:
                return one.of(user_id)
        return None


class _Running:
    """One running experiment, ready to be asked."""

    def __init__(self, experiment: Experiment) -> None:
        self.first, self.end = experiment.people
        self._salt, self._id = experiment.salt, experiment.experiment_id
        self._allocation = Allocation({one.name: one.shares for one in experiment.variants})
        self._assignments = {
            one.name: Assignment(experiment.experiment_id, one.name, one.profile, one.diversity)
            for one in experiment.variants
            if not one.paused
        }

    def of(self, user_id: str) -> Assignment | None:
        name = self._allocation.holder(_point(b"variant", self._salt, self._id, user_id))
        return None if name is None else self._assignments.get(name)


def _point(purpose: bytes, *words: str) -> float:
    """Returns a point in [0, 1) that looks random and is always the same for the same words."""
    # each word with its length: ("a", "bc") and ("ab", "c") are different words
    said = b"".join(len(word).to_bytes(4, "big") + word for word in (each.encode() for each in words))
    digest = hashlib.blake2b(said, digest_size=8, person=purpose).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)
