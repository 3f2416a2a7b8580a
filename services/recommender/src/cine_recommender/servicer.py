"""Turns calls into questions to the content model, and its answers into messages."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import Executor
from typing import Any

from prometheus_client import Counter

from cine.common.v1 import film_card_pb2
from cine.recommender.v1 import (
    cinematch_pb2,
    cinematch_pb2_grpc,
    recommendation_pb2,
    recommender_pb2,
    recommender_pb2_grpc,
)
from cine_recommender.domain.cinematch import Match, Taste
from cine_recommender.domain.similar import Facts, SimilarFilms, rank_similar, why_similar
from cine_recommender.models.content import ContentModel
from cine_recommender.models.served import ServedContent, Serving
from cinemesh import context as calls
from cinemesh import telemetry
from cinemesh.errors import NotFound, Reason
from cinemesh.paging import PageTokens, page_size

SERVICE_NAME = "cinematch-ml-backend"
_ANSWERS = Counter(
    "cine_cinematch_answers_total",
    "CineMatch answers by how they were found: `pruned` from rankings known in advance, `full` by scoring every film.",
    ["path"],
    registry=telemetry.REGISTRY,
)
_PRUNED, _FULL = _ANSWERS.labels("pruned"), _ANSWERS.labels("full")


class CineMatchServicer(cinematch_pb2_grpc.CineMatchServiceServicer):
    """Answers anyone from the content model.

    Args:
        content: the model being served.
        executor: threads for questions that would hold up the event loop.
    """

    def __init__(self, content: ServedContent, executor: Executor) -> None:
        self._content = content
        self._executor = executor

    async def MatchMovies(  # type: ignore[override]  # bytes are a message already
        self, request: cinematch_pb2.MatchMoviesRequest, context: Any
    ) -> bytes:
        """Recommends films for a taste. The answer is put together from serialized cards."""
        serving = self._content.serving
        model = serving.model
        taste = Taste(
            genres=request.preferred_genres,
            services=request.services,
            limit=request.limit,
            liked_movie_ids=request.liked_movie_ids,
            exclude_movie_ids=request.exclude_movie_ids,
            year_min=request.year_min,
            year_max=request.year_max,
        )
        match, neighbours = model.cinematch.match, model.likeness.neighbours
        if taste.liked_movie_ids:
            # Milliseconds for each liked film that nobody asked about before.
            found = await asyncio.get_running_loop().run_in_executor(self._executor, match, taste, neighbours)
        else:
            found = match(taste, neighbours)
        (_PRUNED if found.ranked.pruned else _FULL).inc()
        rest = _rest(model.name, _shortcomings(serving, found))
        return model.cards.answer(found.ranked.rows, found.ranked.scores, rest)

    async def GetHealth(self, request: cinematch_pb2.GetHealthRequest, context: Any) -> cinematch_pb2.GetHealthResponse:
        """Says whether there is a model, and how many films it knows."""
        loaded = self._content.loaded
        if loaded is None:
            return cinematch_pb2.GetHealthResponse(status="loading", service=SERVICE_NAME)
        return cinematch_pb2.GetHealthResponse(
            status="ok", num_items=len(loaded.model), service=SERVICE_NAME, model=loaded.model.name
        )


class RecommenderServicer(recommender_pb2_grpc.RecommenderServiceServicer):
    """Answers what needs no knowledge of a person; the calls that do are left to the base class, which says so.

    Args:
        content: the model being served.
        tokens: makes and reads page tokens.
        executor: threads for questions that would hold up the event loop.
    """

    def __init__(self, content: ServedContent, tokens: PageTokens, executor: Executor) -> None:
        self._content = content
        self._tokens = tokens
        self._executor = executor

    async def ListSimilarMovies(
        self, request: recommender_pb2.ListSimilarMoviesRequest, context: Any
    ) -> recommender_pb2.ListSimilarMoviesResponse:
        """Lists films like one film, by content."""
        serving = self._content.serving
        model = serving.model
        row = model.cinematch.row_of(request.movie_id)
        if row is None:
            raise NotFound(f"there is no film {request.movie_id}", reason=Reason.MOVIE_NOT_FOUND)
        passing = model.filters.passing(
            model.genre_names.resolve_all(request.genre, "genre"),
            model.service_names.resolve_all(request.service, "service"),
            request.year_min,
            request.year_max,
        )
        offset = int(self._tokens.decode(request) or 0)
        diversity = request.diversity if request.HasField("diversity") else 0.0

        def rank() -> SimilarFilms:
            likeness = model.likeness
            return rank_similar(
                likeness.to_all(row), likeness.prior, passing, diversity=diversity, among=likeness.among
            )

        similar = await asyncio.get_running_loop().run_in_executor(self._executor, rank)
        end = min(offset + page_size(request.page_size), len(similar))
        return recommender_pb2.ListSimilarMoviesResponse(
            recommendations=_recommendations(model, row, similar, offset, end),
            next_page_token=self._tokens.encode(end, request) if end < len(similar) else "",
            total_size=len(similar),
            request_id=calls.current().request_id,
            model=model.name,
            degraded=bool(serving.degraded_reason),
            degraded_reason=serving.degraded_reason,
        )


@functools.lru_cache(64)
def _rest(model: str, shortcomings: str) -> bytes:
    """Everything of an answer but the films."""
    rest = cinematch_pb2.MatchMoviesResponse(model=model, degraded=bool(shortcomings), degraded_reason=shortcomings)
    return rest.SerializeToString()


def _shortcomings(serving: Serving, match: Match) -> str:
    """Says what was missing; empty in the usual case."""
    reasons = [serving.degraded_reason] if serving.degraded_reason else []
    if match.unknown_liked:
        unknown = ", ".join(map(str, match.unknown_liked))
        reasons.append(f"liked_movie_ids that are not in the catalogue were left out: {unknown}")
    return "; ".join(reasons)


def _recommendations(
    model: ContentModel, source: int, similar: SimilarFilms, start: int, end: int
) -> list[recommendation_pb2.Recommendation]:
    asked = _facts(film_card_pb2.FilmCard.FromString(model.cards.card(source)))
    recommendations = []
    for place in range(start, end):
        movie = film_card_pb2.FilmCard.FromString(model.cards.card(int(similar.rows[place])))
        content, fame = float(similar.content[place]), float(similar.fame[place])
        recommendations.append(
            recommendation_pb2.Recommendation(
                movie=movie,
                score=content + fame,
                rank=place + 1,
                components=recommendation_pb2.Components(content=content, popularity=fame),
                explanation=recommendation_pb2.Explanation(
                    text=why_similar(asked, _facts(movie)), worded_by="template"
                ),
            )
        )
    return recommendations


def _facts(card: film_card_pb2.FilmCard) -> Facts:
    return Facts(card.title, card.directors, card.cast, card.keywords, card.genres)
