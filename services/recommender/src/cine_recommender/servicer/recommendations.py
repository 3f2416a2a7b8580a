"""Recommendations for the caller."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

from cachetools import TTLCache

from cine.recommender.v1 import recommendation_pb2, recommender_pb2
from cine_recommender.domain.filters import Filters
from cine_recommender.domain.paging import Position
from cine_recommender.domain.question import Question
from cine_recommender.flows.recommend import Recommend
from cine_recommender.language.catalogue import vocabulary_of_model
from cine_recommender.language.known import WishVocabulary
from cine_recommender.language.reading import WishReader
from cine_recommender.language.wish import Wish
from cine_recommender.models.content import ContentModel
from cine_recommender.models.served import ServedContent
from cine_recommender.signals.context import Situation, stated_rules
from cinemesh import context as calls
from cinemesh import vocabulary
from cinemesh.clock import Clock, utc_now
from cinemesh.paging import PageTokens, fingerprint, page_size
from cinemesh.vocabulary import MOVIELENS_GENRES, STREAMING_SERVICES, Vocabulary

_REMEMBERED = 2048
_REMEMBERED_SECONDS = 300.0
"""How long a wish means the same: a language model that was away may read it better later, and pages should agree till then."""


class RecommendationCalls:
    """Answers `ListRecommendations`.

    Args:
        content: the content model being served, for the names it knows.
        recommend: makes answers; its bodies are what `elements.encoded` makes.
        reader: reads wishes in words.
        tokens: makes and reads page tokens.
        clock: tells the time.
    """

    def __init__(
        self,
        content: ServedContent,
        recommend: Recommend,
        reader: WishReader,
        tokens: PageTokens,
        clock: Clock = utc_now,
    ) -> None:
        self._content, self._recommend, self._reader, self._tokens = content, recommend, reader, tokens
        self._clock = clock
        self._understood: TTLCache[str, tuple[Question, Wish | None]] = TTLCache(_REMEMBERED, _REMEMBERED_SECONDS)
        self._vocabulary: tuple[ContentModel, asyncio.Task[WishVocabulary]] | None = None

    async def ListRecommendations(self, request: recommender_pb2.ListRecommendationsRequest, context: Any) -> bytes:
        """Recommends films to the caller. The answer is put together from serialized cards."""
        place = self._tokens.decode(request)
        asked_as = fingerprint(request).hex()
        question, wish = await self._question(request, asked_as)
        answer = await self._recommend.answer(
            calls.current().principal.user_id,
            question,
            asked_as,
            page_size(request.page_size),
            Position.of(place) if place is not None else None,
        )
        rest = recommender_pb2.ListRecommendationsResponse(
            next_page_token=self._tokens.encode(answer.next.stated(), request) if answer.next is not None else "",
            total_size=answer.total,
            request_id=answer.request_id,
            model=answer.model,
            degraded=bool(answer.reason),
            degraded_reason=answer.reason,
            rung=answer.rung,
            profile=answer.profile,
            understood=_understood(wish) if wish is not None else None,
        )
        return answer.body + rest.SerializeToString()

    async def _question(
        self, request: recommender_pb2.ListRecommendationsRequest, asked_as: str
    ) -> tuple[Question, Wish | None]:
        loaded = self._content.loaded
        model = loaded.model if loaded is not None else None
        key = f"{asked_as}:{model.version if model is not None else ''}"
        found = self._understood.get(key)
        if found is None:
            question = question_of(request, model)
            wish = None
            if request.query.strip():
                year = self._clock().astimezone(dt.UTC).year
                wish = await self._reader.read(request.query, await self._words(model), year)
                question = question.narrowed(wish, model.filters.people if model is not None else None)
            self._understood[key] = found = (question, wish)
        return found

    async def _words(self, model: ContentModel | None) -> WishVocabulary:
        if model is None:
            return WishVocabulary()
        # it takes a second: whoever wishes meanwhile waits for the same one
        if self._vocabulary is None or self._vocabulary[0] is not model:
            made = asyncio.create_task(asyncio.to_thread(vocabulary_of_model, model))
            self._vocabulary = (model, made)
        return await asyncio.shield(self._vocabulary[1])


def question_of(request: recommender_pb2.ListRecommendationsRequest, model: ContentModel | None) -> Question:
    """Returns what is asked for, in the names of the model; without one, in those of MovieLens.

    Raises:
        InvalidArgument: a genre, service, language or mood is not known; the message names those that are.
    """
    genres = model.genre_names if model is not None else vocabulary.genres(MOVIELENS_GENRES)
    services = model.service_names if model is not None else vocabulary.streaming_services(STREAMING_SERVICES)
    languages: Vocabulary | None = model.language_names if model is not None else None
    return Question(
        filters=Filters(
            genres=tuple(genres.resolve_all(request.genre, "genre")),
            services=tuple(services.resolve_all(request.service, "service")),
            languages=tuple(
                languages.resolve_all(request.language, "language") if languages is not None else request.language
            ),
            year_min=request.year_min,
            year_max=request.year_max,
            runtime_min=request.runtime_min,
            runtime_max=request.runtime_max,
            rating_min=request.rating_min,
        ),
        situation=Situation(
            time_of_day=request.time_of_day,
            weekday=request.weekday,
            device=request.device,
            mood=_mood(request.mood),
            minutes=request.minutes_available,
        ),
        include_seen=request.include_seen,
        diversity=request.diversity if request.HasField("diversity") else None,
        profile=request.profile,
    )


def _mood(text: str) -> str:
    moods = Vocabulary("mood", stated_rules().mood, {})
    return moods.resolve(text, "mood") if text.strip() else ""


def _understood(wish: Wish) -> recommendation_pb2.UnderstoodQuery:
    return recommendation_pb2.UnderstoodQuery(
        genre=wish.genres,
        year_min=wish.year_min,
        year_max=wish.year_max,
        runtime_min=wish.runtime_min,
        runtime_max=wish.runtime_max,
        service=wish.services,
        language=wish.languages,
        mood=wish.mood,
        people=wish.people,
        about=wish.about,
        parsed_by=wish.parsed_by,
        excluded_genre=wish.excluded_genres,
        like_movie_ids=wish.like_movie_ids,
    )
