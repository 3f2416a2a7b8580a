"""Who gets which variant: decided by a hash, so that nothing is kept and every replica says the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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
        """Assigns by these experiments from now on."""
        self._experiments = tuple(experiments)

    def of(self, user_id: str) -> Assignment | None:
        """Returns what a person gets; None for whoever takes part in no running experiment."""
        return None
