"""CineMatchService: films for a taste stated in the request itself."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import Executor
from typing import Any

from prometheus_client import Counter

from cine.recommender.v1 import cinematch_pb2, cinematch_pb2_grpc
from cine_recommender.domain.cinematch import Match, Taste
from cine_recommender.models.content import ContentModel
from cine_recommender.models.served import ServedContent, Serving
from cinemesh import telemetry

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


@functools.lru_cache(64)
def _rest(model: str, shortcomings: str) -> bytes:
    """Everything of an answer but the films."""
    rest = cinematch_pb2.MatchMoviesResponse(model=model, degraded=bool(shortcomings), degraded_reason=shortcomings)
    return rest.SerializeToString()


def _shortcomings(serving: Serving[ContentModel], match: Match) -> str:
    """Says what was missing; empty in the usual case."""
    reasons = [serving.degraded_reason] if serving.degraded_reason else []
    if match.unknown_liked:
        unknown = ", ".join(map(str, match.unknown_liked))
        reasons.append(f"liked_movie_ids that are not in the catalogue were left out: {unknown}")
    return "; ".join(reasons)
