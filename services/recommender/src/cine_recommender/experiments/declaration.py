"""What an experiment is: variants of the recommender, each given to a share of people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal["running", "paused", "ended"]
Profile = Literal["default", "tuned"]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of recommending that is tried.

    Attributes:
        name: its name, unique within the experiment.
        shares: share of the experiment's people who get it, 0 to 1: every share it ever had, the present one last.
        profile: weights it recommends with.
        diversity: balance between the best films (0) and different ones (1); None for the profile's own.
        paused: whether its people are served as if there were no experiment; nobody else changes place.
    """

    name: str
    shares: tuple[float, ...]
    profile: Profile = "default"
    diversity: float | None = None
    paused: bool = False

    @property
    def share(self) -> float:
        """The share it has now, 0 to 1."""
        return self.shares[-1]


@dataclass(frozen=True, slots=True)
class Experiment:
    """One question put to people.

    Attributes:
        experiment_id: its name.
        description: what it is to find out.
        state: `running` gives people variants; `paused` keeps its people from other experiments and gives them none;
            `ended` frees them.
        started_at: what is counted begins here.
        variants: at least two; the first is the one compared against.
        people: part of everybody who may take part, as a half-open range within 0 to 1; experiments that have not ended
            share nobody.
        salt: changes who gets which variant.
    """

    experiment_id: str
    description: str
    state: State
    started_at: datetime
    variants: tuple[Variant, ...]
    people: tuple[float, float] = (0.0, 1.0)
    salt: str = ""
