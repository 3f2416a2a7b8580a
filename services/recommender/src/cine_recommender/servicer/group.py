"""Recommendations for a group."""

from __future__ import annotations

from typing import Any

from cine.common.v1 import film_card_pb2
from cine.recommender.v1 import recommender_pb2
from cine_recommender.domain import group
from cine_recommender.domain.filters import Filters
from cine_recommender.flows.group import ForGroup, GroupAnswer, GroupQuestion, Member
from cine_recommender.models.content import ContentModel
from cine_recommender.models.served import ServedContent
from cine_recommender.servicer.elements import explanation
from cinemesh import context as calls

_LIMIT = 20


class GroupCalls:
    """Answers `RecommendForGroup`.

    Args:
        content: the content model being served, for the names it knows.
        for_group: makes answers.
    """

    def __init__(self, content: ServedContent, for_group: ForGroup) -> None:
        self._content, self._for_group = content, for_group

    async def RecommendForGroup(
        self, request: recommender_pb2.RecommendForGroupRequest, context: Any
    ) -> recommender_pb2.RecommendForGroupResponse:
        """Recommends films to the caller and others."""
        question = _question(request, self._content.serving.model)
        found = await self._for_group.recommend(calls.current().principal.user_id, question)
        return recommender_pb2.RecommendForGroupResponse(
            recommendations=[_film(found, place) for place in range(len(found.page.movie_ids))],
            request_id=found.request_id,
            model=found.model,
            degraded=bool(found.reason),
            degraded_reason=found.reason,
        )


def _question(request: recommender_pb2.RecommendForGroupRequest, model: ContentModel) -> GroupQuestion:
    genres = model.genre_names
    return GroupQuestion(
        members=tuple(
            Member(
                username=one.username,
                name=one.name,
                liked_movie_ids=tuple(one.liked_movie_ids),
                preferred_genres=tuple(genres.resolve_all(one.preferred_genres, f"members[{place}].preferred_genres")),
            )
            for place, one in enumerate(request.members)
        ),
        filters=Filters(
            excluded_genres=tuple(genres.resolve_all(request.vetoed_genres, "vetoed_genres")),
            services=tuple(model.service_names.resolve_all(request.service, "service")),
            year_min=request.year_min,
            year_max=request.year_max,
            runtime_max=request.runtime_max,
        ),
        vetoed=tuple(request.vetoed_movie_ids),
        strategy=request.strategy or group.FAIR,
        limit=request.limit or _LIMIT,
        include_seen=request.include_seen,
    )


def _film(found: GroupAnswer, place: int) -> recommender_pb2.GroupRecommendation:
    scores = found.member_scores[place].tolist()
    return recommender_pb2.GroupRecommendation(
        movie=film_card_pb2.FilmCard.FromString(found.page.cards[place]),
        score=float(found.scores[place]),
        rank=place + 1,
        member_scores=[
            recommender_pb2.MemberScore(name=name, score=score) for name, score in zip(found.names, scores, strict=True)
        ],
        explanation=explanation(found.page.because[place], found.words[place]),
    )
