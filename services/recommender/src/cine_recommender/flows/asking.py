"""Who asks, with all that an answer hangs on besides the question; and the models of the moment."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final

from cine_recommender.domain.known import Known
from cine_recommender.domain.preferences import Preferences
from cine_recommender.domain.question import Question
from cine_recommender.experiments.assignment import Assignment
from cine_recommender.flows.answering import AssignsVariants, KnowsPreferences, RemembersPeople, ServesTaste
from cine_recommender.flows.kept import LastKnown
from cine_recommender.flows.pipeline import Asked, Models
from cine_recommender.flows.telling import CardFacts
from cine_recommender.models.served import ServedContent
from cinemesh.errors import Unavailable
from cinemesh.textencoder.present import PresentEncoder

_HOUR: Final = 3600
_MEMORY_AWAY: Final = "what you did lately cannot be read at present"
_PREFERENCES_AWAY: Final = "your preferences cannot be read at present"


@dataclass(frozen=True, eq=False)
class Caller:
    """Who asks.

    Attributes:
        user_id: id of the account.
        known: what is known of the person; what was last known, while memory does not answer.
        preferences: what the person said of their taste.
        assignment: variant of an experiment; None outside of experiments.
        memory_away: whether memory does not answer.
        reasons: what was missing.
    """

    user_id: str
    known: Known
    preferences: Preferences
    assignment: Assignment | None
    memory_away: bool
    reasons: tuple[str, ...]


def asked_of(models: Models, caller: Caller, question: Question, now: int) -> tuple[Asked, tuple[str, ...]]:
    """Returns what a ranking for somebody hangs on, and what of the question the models cannot do.

    What the question says goes before what the caller's experiment says.

    Args:
        models: those that answer.
        caller: who asks.
        question: for what.
        now: Unix seconds.
    """
    reasons: tuple[str, ...] = ()
    assignment = caller.assignment
    profile = question.profile or (assignment.profile if assignment else "")
    profiles = models.taste.profiles if models.taste is not None else ()
    if profile and profiles and profile not in profiles:
        reasons = (f'the hybrid model has no weights "{profile}"',) if question.profile else ()
        profile = ""
    diversity = question.diversity
    if diversity is None and assignment is not None:
        diversity = assignment.diversity
    # popularity changes by the hour at most: so an answer can be kept, and made again
    hour = now - now % _HOUR
    profile = profile or (profiles[0] if profiles else "")
    return Asked(caller.known, question, caller.preferences, profile, diversity, hour), reasons


class Asking:
    """Knows who asks and which models answer.

    Args:
        content: the content model being served.
        taste: the hybrid model being served.
        memory: what is known of people.
        preferences: what people prefer.
        assigner: variants of experiments.
        executor: threads for the work of models.
        present: gives the sentence encoder, where there is one; None for never asking it.
    """

    def __init__(
        self,
        *,
        content: ServedContent,
        taste: ServesTaste,
        memory: RemembersPeople,
        preferences: KnowsPreferences,
        assigner: AssignsVariants,
        executor: Executor,
        present: PresentEncoder | None = None,
    ) -> None:
        self._content, self._taste, self._executor, self._present = content, taste, executor, present
        self._memory, self._preferences, self._assigner = memory, preferences, assigner
        self._last = LastKnown()
        self._joined: tuple[Models, CardFacts] | None = None

    @property
    def ready(self) -> bool:
        """Whether there is a content model: without one nothing but the shipped list answers."""
        return self._content.loaded is not None

    async def caller(self, user_id: str) -> Caller:
        """Returns who asks; what cannot be read is named in `reasons`."""
        reasons = []
        away = False
        try:
            known = await self._memory.of(user_id)
            self._last.put(user_id, known)
        except Unavailable:
            known, away = self._last.get(user_id) or Known(), True
            reasons.append(_MEMORY_AWAY)
        try:
            preferences = await self._preferences.of(user_id)
        except Unavailable:
            preferences = Preferences()
            reasons.append(_PREFERENCES_AWAY)
        return Caller(user_id, known, preferences, self._assigner.of(user_id), away, tuple(reasons))

    async def models(self) -> tuple[Models, CardFacts, tuple[str, ...]]:
        """Returns the models of the moment, joined once for each new one, and why they are not the newest.

        Raises:
            Unavailable: there is no content model.
        """
        serving, taste = self._content.serving, self._taste.taste
        content, joined = serving.model, self._joined
        if joined is None or joined[0].content is not content or joined[0].taste is not taste:
            join = partial(Models, content, taste, self._present)
            models = await asyncio.get_running_loop().run_in_executor(self._executor, join)
            facts = joined[1] if joined is not None and joined[1].content is content else CardFacts(content)
            self._joined = joined = (models, facts)
        stale = tuple(one for one in (serving.degraded_reason, self._taste.taste_reason) if one)
        return (*joined, stale)
