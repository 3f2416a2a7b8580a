"""Rows of films, each for one film that somebody liked lately."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

import numpy as np

from cine_recommender.domain.filters import Filters
from cine_recommender.domain.known import Known
from cine_recommender.domain.question import Question
from cine_recommender.domain.reranking import Reranking
from cine_recommender.flows.answering import WordsReasons
from cine_recommender.flows.asking import Asking, asked_of
from cine_recommender.flows.pipeline import Asked, Models, Ranking, rank
from cine_recommender.flows.telling import CardFacts, Page, tell
from cine_recommender.interactions import Ints
from cine_recommender.language.wording import Worded
from cinemesh import telemetry
from cinemesh.clock import Clock, utc_now

_LIKED_STARS: Final = 4.0
_LATELY: Final = 30
"""Liked films that rows may be for: the latest ones."""
_ALIKE: Final = 0.6
"""Likeness from which on two liked films would give the same row."""
_FEWEST: Final = 3
"""Films that a row has at least."""
_BY_LIKENESS: Final = 0.5
"""Share of likeness to the liked film in the order of a row; the rest is how well a film suits the person."""


@dataclass(frozen=True, eq=False)
class BecauseRow:
    """Films for one film liked: the card of that film, the films of the row, and the words for each."""

    card: bytes
    page: Page
    words: Sequence[Worded]


@dataclass(frozen=True, eq=False)
class Rows:
    """The answer.

    Attributes:
        rows: best first.
        request_id: names the answer.
        model: models that answered.
        reason: what was missing; empty when nothing was.
    """

    rows: Sequence[BecauseRow]
    request_id: str
    model: str
    reason: str


class BecauseYouWatched:
    """Makes rows.

    Args:
        asking: who asks, and the models of the moment.
        wording: words for reasons.
        executor: threads for the work of models.
        clock: tells the time.
    """

    def __init__(self, asking: Asking, wording: WordsReasons, executor: Executor, clock: Clock = utc_now) -> None:
        self._asking, self._wording, self._executor, self._clock = asking, wording, executor, clock
        self._log = telemetry.logger("recommender")

    async def rows(self, user_id: str, services: Sequence[str], rows: int, row_size: int) -> Rows:
        """Returns rows for the films somebody liked lately, the latest first; no film is in two of them.

        Args:
            user_id: whose.
            services: canonical; a film must be on one of them.
            rows: wanted; fewer where less was liked.
            row_size: films a row, at most.

        Raises:
            Unavailable: there is no model.
        """
        caller = await self._asking.caller(user_id)
        models, facts, stale = await self._asking.models()
        question = Question(filters=Filters(services=tuple(services)))
        asked, reasons = asked_of(models, caller, question, int(self._clock().timestamp()))

        def work() -> tuple[list[tuple[int, Page, str]], str]:
            try:
                return list(_rows(models, facts, asked, rows, row_size, "")), ""
            except Exception:
                if models.taste is None:
                    raise
                self._log.exception("the hybrid model failed", model=models.taste.name)
                reason = "the hybrid model failed to answer"
                return list(_rows(models, facts, asked, rows, row_size, reason)), reason

        made, failed = await asyncio.get_running_loop().run_in_executor(self._executor, work)
        missing = [*caller.reasons, *stale, *reasons, *([failed] if failed else [])]
        missing += [set_aside for _, _, set_aside in made if set_aside]
        if models.taste is None:
            missing.append("there is no hybrid model yet")
        cards = models.content.cards
        return Rows(
            rows=[BecauseRow(cards.card(row), page, self._wording.of(page.facts)) for row, page, _ in made],
            request_id=uuid.uuid4().hex,
            model=models.name if not failed else models.content.name,
            reason="; ".join(dict.fromkeys(missing)),
        )


def _rows(
    models: Models, facts: CardFacts, asked: Asked, rows: int, row_size: int, without_taste: str
) -> Iterator[tuple[int, Page, str]]:
    """The rows: the film liked, the films for it, and in words which preferences do not count among these."""
    likeness = models.content.likeness
    shown, sources = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)
    for source in _liked_lately(models, asked.known).tolist():
        if len(sources) == rows:
            return
        if len(sources) and likeness.among(np.append(sources, np.int32(source)))[-1, :-1].max() >= _ALIKE:
            continue
        near, alike = likeness.neighbours(source)
        open_ = ~np.isin(near, shown)
        # a row is short, and has a hundred films to choose from: preferences narrow it as long as they fill it
        ranking = rank(
            models, asked, Reranking(0, 0), len(near),
            without_taste=without_taste, among=near[open_], fewest=row_size,
        )  # fmt: skip
        ranking = _nearest_first(ranking, near, alike)
        places = list(range(min(row_size, len(ranking.rows))))
        if len(places) < min(_FEWEST, row_size):
            continue
        sources = np.append(sources, np.int32(source))
        shown = np.concatenate([shown, ranking.rows[places]])
        yield source, tell(models, facts, ranking, places), ranking.set_aside


def _liked_lately(models: Models, known: Known) -> Ints:
    liked = known.movie_ids[known.ratings >= _LIKED_STARS][::-1][:_LATELY]
    return models.numbering.known_rows(liked)


def _nearest_first(ranking: Ranking, near: Ints, alike: np.ndarray) -> Ranking:
    """Orders a row by likeness and suitability together, each on the scale of the row."""
    if not len(ranking.rows):
        return ranking
    by_row = dict(zip(near.tolist(), alike.tolist(), strict=True))
    likeness = np.array([by_row[row] for row in ranking.rows.tolist()])
    suits = ranking.scores / max(float(ranking.scores.max()), 1e-9)
    order = np.argsort(
        -(_BY_LIKENESS * likeness / max(likeness.max(), 1e-9) + (1 - _BY_LIKENESS) * suits), kind="stable"
    )
    return ranking.taken(order)
