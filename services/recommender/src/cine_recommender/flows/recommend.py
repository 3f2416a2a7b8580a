"""From a person's question to an answer: down the ladder, page by page, each answer kept and taken down."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from cine_recommender.domain import ladder
from cine_recommender.domain.impression import Impression
from cine_recommender.domain.paging import Cut, Position, cut
from cine_recommender.domain.question import Question
from cine_recommender.flows.answering import Answer, Options, TakesDown, WordsReasons
from cine_recommender.flows.asking import Asking, Caller, asked_of
from cine_recommender.flows.details import Noted
from cine_recommender.flows.kept import Kept
from cine_recommender.flows.pipeline import HEAD, Asked, Models, Ranking, extended, hidden, rank
from cine_recommender.flows.shipped import NAME as SHIPPED_NAME
from cine_recommender.flows.shipped import Cards, shipped_films
from cine_recommender.flows.telling import CardFacts, Page, plain_page, tell
from cine_recommender.language.wording import Worded
from cinemesh import telemetry
from cinemesh.clock import Clock, utc_now
from cinemesh.textencoder import SENTENCE_KIND

_PAGING_SECONDS: Final = 3600.0
"""How long a ranking is at hand for whoever leafs through it; after that it is made again from the token."""
_TASTE_FAILED: Final = "the hybrid model failed to answer"
_NO_MODEL: Final = "there is no model yet"
_NOTED_BYTES: Final = 4000
"""What the details of a page take, once they are worked out."""


@dataclass(eq=False)
class _Made:
    """A page as it is kept; what is told of its films is there only where it may be worded once more."""

    ranking: Ranking
    cut: Cut
    movie_ids: Sequence[int]
    page: Page | None
    words: Sequence[Worded] = ()
    body: bytes = b""
    details: Noted | None = None

    @property
    def nbytes(self) -> int:
        page = self.page.nbytes if self.page is not None else _NOTED_BYTES
        return len(self.body) + page + self.ranking.nbytes


class Recommend:
    """Answers people.

    Args:
        asking: who asks, and the models of the moment.
        wording: words for reasons.
        impressions: the log of answers.
        cards: the catalogue, for the last rung.
        executor: threads for the work of models.
        encode: makes the body of an answer of a page and its words; kept with the page.
        options: how answers are made.
        clock: tells the time.
    """

    def __init__(
        self,
        *,
        asking: Asking,
        wording: WordsReasons,
        impressions: TakesDown,
        cards: Cards,
        executor: Executor,
        encode: Callable[[Page, Sequence[Worded]], bytes],
        options: Options,
        clock: Clock = utc_now,
    ) -> None:
        self._asking, self._wording, self._impressions, self._cards = asking, wording, impressions, cards
        self._executor, self._encode, self._options, self._clock = executor, encode, options, clock
        # rankings are kept for whoever leafs on even where answers are not: without them pages would still be right, only dearer
        self._rankings: Kept[tuple[str, Ranking]] = Kept(options.cache_bytes // 2, _PAGING_SECONDS)
        self._pages: Kept[_Made] = Kept(options.cache_bytes // 2, options.cache_seconds)
        self._log = telemetry.logger("recommender")

    async def answer(
        self, user_id: str, question: Question, asked_as: str, size: int, position: Position | None = None
    ) -> Answer:
        """Returns a page of recommendations for somebody.

        Args:
            user_id: who asks.
            question: for what.
            asked_as: a short text that is equal for equal questions.
            size: films wanted.
            position: where the page begins; None for the first page.
        """
        caller = await self._asking.caller(user_id)
        if not self._asking.ready:
            return await self._shipped(caller, question, size, position)
        models, facts, stale = await self._asking.models()
        asked, reasons = self._asked(models, caller, question, position)
        reasons = (*caller.reasons, *stale, *reasons)
        key = position.ranking if position is not None else self._key(models, caller, asked, asked_as)
        page_key = f"{key}:{caller.known.version}:{position.offset if position else 0}:{size}:{user_id}"
        made = self._pages.get(page_key)
        if made is None:
            kept = self._ranking_at_hand(user_id, key, position)
            work = partial(self._work, models, facts, kept, asked, caller, size, position)
            made = await asyncio.get_running_loop().run_in_executor(self._executor, work)
            self._rankings.put(key, (user_id, made.ranking), made.ranking.nbytes)
            if made.page is not None:
                self._word(models, made, made.page)
            self._pages.put(page_key, made, made.nbytes)
        elif made.page is not None:
            self._word(models, made, made.page)
        return self._finish(models, caller, made, key, position, reasons)

    def _asked(
        self, models: Models, caller: Caller, question: Question, position: Position | None
    ) -> tuple[Asked, tuple[str, ...]]:
        asked, reasons = asked_of(models, caller, question, int(self._clock().timestamp()))
        if position is not None:
            asked = replace(asked, known=position.known_then(caller.known), now=position.hour)
        return asked, reasons

    def _key(self, models: Models, caller: Caller, asked: Asked, asked_as: str) -> str:
        taste = models.taste.name if models.taste is not None else ""
        assigned = (caller.assignment.experiment_id, caller.assignment.variant) if caller.assignment else ()
        parts = (
            caller.user_id, caller.known.version, caller.memory_away, models.content.name, taste, asked_as, asked.profile,
            asked.diversity, assigned, caller.preferences, asked.now,
        )  # fmt: skip
        return hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()

    def _ranking_at_hand(self, user_id: str, key: str, position: Position | None) -> Ranking | None:
        if position is None and self._options.cache_seconds <= 0:
            return None
        found = self._rankings.get(key)
        # a token handed on to somebody else shows them nothing of its owner
        return found[1] if found is not None and found[0] == user_id else None

    def _work(
        self,
        models: Models,
        facts: CardFacts,
        kept: Ranking | None,
        asked: Asked,
        caller: Caller,
        size: int,
        position: Position | None,
    ) -> _Made:
        """What takes milliseconds: ranks, cuts the page, finds reasons and words them. Runs in a thread."""
        try:
            made = self._made(models, facts, kept, asked, caller, size, position, without_taste="")
        except Exception:
            if models.taste is None:
                raise
            self._log.exception("the hybrid model failed", model=models.taste.name)
            made = self._made(models, facts, None, asked, caller, size, position, without_taste=_TASTE_FAILED)
        if made.page is not None and not self._options.words_change:
            self._word(models, made, made.page)
            made.page, made.words = None, ()
        return made

    def _made(
        self,
        models: Models,
        facts: CardFacts,
        kept: Ranking | None,
        asked: Asked,
        caller: Caller,
        size: int,
        position: Position | None,
        *,
        without_taste: str,
    ) -> _Made:
        offset = position.offset if position is not None else 0
        how, ranking = self._options.reranking, kept
        if offset + size > how.places:  # the first page is asked for most, and decided soonest
            how = replace(how, places=HEAD)
        if ranking is None:
            ranking = rank(models, asked, how, without_taste=without_taste)
        elif ranking.decided < how.places:
            ranking = rank(models, ranking.asked, how, without_taste=ranking.without_taste)
        if caller.memory_away and ranking.rung == ladder.PERSONAL:
            ranking = replace(ranking, rung=ladder.CACHED_PERSONAL)
        if position is not None and kept is None:
            offset = _after(models, ranking, position)
        never = hidden(caller.known, asked.question)
        while True:
            found = cut(models.content.movie_ids[ranking.rows], offset, size, never, ranking.total)
            if len(found.places) >= size or ranking.total <= len(ranking.rows):
                break
            ranking = extended(models, ranking, how)
        page = tell(models, facts, ranking, found.places)
        return _Made(ranking, found, page.movie_ids, page)

    def _word(self, models: Models, made: _Made, page: Page) -> None:
        words = self._wording.of(page.facts)
        if made.details is None or words != made.words:
            made.body = self._encode(page, words)
            made.words = words
            # the log asks for them with each answer; of a page that is kept they are the same
            made.details = Noted(models, made.ranking, page.without_cards(), words)

    def _finish(
        self,
        models: Models,
        caller: Caller,
        made: _Made,
        key: str,
        position: Position | None,
        reasons: Sequence[str],
    ) -> Answer:
        ranking = made.ranking
        reasons = (*reasons, *filter(None, (ranking.reason, ranking.set_aside)))
        by_taste = ranking.history is not None and models.taste is not None
        answer = Answer(
            next=self._next(made, caller, key, position),
            total=ranking.total,
            request_id=uuid.uuid4().hex,
            model=_named(models, by_taste, ranking.reranked_by),
            rung=ranking.rung,
            profile=ranking.asked.profile if by_taste else "",
            reason="; ".join(dict.fromkeys(reasons)),
            body=made.body,
        )
        if made.details is not None:
            self._take_down(caller, answer, made.movie_ids, made.details)
        return answer

    def _next(self, made: _Made, caller: Caller, key: str, position: Position | None) -> Position | None:
        if made.cut.end is None:
            return None
        last = made.movie_ids[-1]
        if position is not None:
            return replace(position, offset=made.cut.end, after=last)
        now = int(self._clock().timestamp())
        return Position(key, made.ranking.asked.now, now, len(caller.known), made.cut.end, last)

    def _take_down(self, caller: Caller, answer: Answer, movie_ids: Sequence[int], details: Noted) -> None:
        assignment = caller.assignment
        self._impressions.record(
            Impression(
                request_id=answer.request_id,
                user_id=caller.user_id,
                created_at=self._clock(),
                movie_ids=movie_ids,
                details=details,
                model=answer.model,
                profile=answer.profile,
                rung=answer.rung,
                experiment_id=assignment.experiment_id if assignment else "",
                variant=assignment.variant if assignment else "",
                degraded_reason=answer.reason,
            )
        )

    async def _shipped(self, caller: Caller, question: Question, size: int, position: Position | None) -> Answer:
        never = hidden(caller.known, question).tolist()
        films, missing = await shipped_films(self._cards, question.filters, never)
        start = position.offset if position is not None else 0
        end = min(start + size, len(films))
        page = plain_page(films[start:end], start, ladder.SHIPPED_LIST)
        words = self._wording.of(page.facts)
        more = Position(SHIPPED_NAME, 0, 0, 0, end, films[end - 1].movie_id) if start < end < len(films) else None
        answer = Answer(
            next=more,
            total=len(films),
            request_id=uuid.uuid4().hex,
            model=SHIPPED_NAME,
            rung=ladder.SHIPPED_LIST,
            profile="",
            reason="; ".join((*caller.reasons, _NO_MODEL, *([missing] if missing else []))),
            body=self._encode(page, words),
        )
        self._take_down(caller, answer, page.movie_ids, Noted(None, None, page, words))
        return answer


def _named(models: Models, by_taste: bool, reranked_by: str) -> str:
    """The models behind an answer: what ranked, and what put its films in order by a wish."""
    ranked = models.taste.name if by_taste and models.taste is not None else models.content.name
    return f"{ranked}, {SENTENCE_KIND}/{reranked_by}" if reranked_by else ranked


def _after(models: Models, ranking: Ranking, position: Position) -> int:
    """Where a page begins in a ranking that was made again: behind the last film shown, wherever that stands now."""
    there = np.flatnonzero(models.content.movie_ids[ranking.rows] == position.after)
    return int(there[0]) + 1 if len(there) else position.offset
