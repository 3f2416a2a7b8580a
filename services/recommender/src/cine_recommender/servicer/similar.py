"""Films like one film."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from typing import Any

from cine.common.v1 import film_card_pb2
from cine.recommender.v1 import recommendation_pb2, recommender_pb2
from cine_recommender.domain.filters import Filters
from cine_recommender.domain.similar import Facts, SimilarFilms, rank_similar, why_similar
from cine_recommender.models.content import ContentModel
from cine_recommender.models.served import ServedContent
from cinemesh import context as calls
from cinemesh.errors import NotFound, Reason
from cinemesh.paging import PageTokens, page_size


class SimilarCalls:
    """Answers `ListSimilarMovies`, which needs no knowledge of a person.

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
            Filters(
                genres=tuple(model.genre_names.resolve_all(request.genre, "genre")),
                services=tuple(model.service_names.resolve_all(request.service, "service")),
                year_min=request.year_min,
                year_max=request.year_max,
            )
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
