"""What an answer consists of, and whom the flow that makes it asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cine_recommender.domain.impression import Impression
from cine_recommender.domain.known import Known
from cine_recommender.domain.paging import Position
from cine_recommender.domain.preferences import Preferences
from cine_recommender.domain.reranking import Reranking
from cine_recommender.domain.taste import TasteModel
from cine_recommender.experiments.assignment import Assignment
from cine_recommender.language.explain import ExplanationFacts
from cine_recommender.language.wording import Worded


class RemembersPeople(Protocol):
    """Tells what is known of people: `flows.memory.Memory`."""

    async def of(self, user_id: str) -> Known:
        """Returns what is known of a person; raises `Unavailable` when it cannot be read."""
        ...


class KnowsPreferences(Protocol):
    """Tells what people prefer in general."""

    async def of(self, user_id: str) -> Preferences:
        """Returns what a person said of their taste; raises `Unavailable` when it cannot be read."""
        ...


class ServesTaste(Protocol):
    """Holds the hybrid model that is being served."""

    @property
    def taste(self) -> TasteModel | None:
        """The model; None while there is none."""
        ...

    @property
    def taste_reason(self) -> str:
        """Why it is not the newest one; empty when it is, or when there is none."""
        ...


class AssignsVariants(Protocol):
    """Says which variant of an experiment somebody gets: `experiments.assignment.Assigner`."""

    def of(self, user_id: str) -> Assignment | None:
        """Returns what a person gets; None outside of experiments."""
        ...


class WordsReasons(Protocol):
    """Words reasons: `language.wording.Wording`."""

    def of(self, page: Sequence[ExplanationFacts]) -> list[Worded]:
        """Returns the words for each, at once."""
        ...


class TakesDown(Protocol):
    """Keeps a log of answers: `flows.impressions.Impressions`."""

    def record(self, impression: Impression) -> None:
        """Takes down an answer; returns at once."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How answers are made.

    Attributes:
        reranking: what decides the order besides the score, where nothing else is asked for.
        cache_seconds: how long answers are kept; 0 for not at all.
        cache_bytes: most bytes that kept answers take.
        words_change: whether reasons may be worded better a moment later: kept answers then ask for words again.
    """

    reranking: Reranking = field(default_factory=Reranking)
    cache_seconds: float = 3600.0
    cache_bytes: int = 128 * 1024 * 1024
    words_change: bool = False


@dataclass(frozen=True, eq=False)
class Answer:
    """One page of recommendations.

    Attributes:
        next: where the next page begins; None on the last.
        total: films that can be ranked.
        request_id: names the answer.
        model: models that answered.
        rung: of the ladder.
        profile: weights used; empty where no hybrid model answered.
        reason: what was missing; empty when nothing was.
        body: what `encode` made of its films and words.
    """

    next: Position | None
    total: int
    request_id: str
    model: str
    rung: str
    profile: str
    reason: str
    body: bytes
