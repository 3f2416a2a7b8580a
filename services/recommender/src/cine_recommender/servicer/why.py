"""Why an answer was what it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cine.common.v1 import film_card_pb2
from cine.recommender.v1 import recommendation_pb2
from cine.recommender.v1 import recommender_pb2 as pb
from cine_recommender.domain.impression import Because, Details
from cine_recommender.domain.taste import COMPONENTS
from cine_recommender.flows.impressions import Explained, Impressions
from cinemesh import context as calls
from cinemesh.errors import NotFound
from cinemesh.plain_text import searchable

Cards = Mapping[int, film_card_pb2.FilmCard]


class WhyCalls:
    """Answers `ExplainRecommendations`.

    Args:
        impressions: the log of answers.
    """

    def __init__(self, impressions: Impressions) -> None:
        self._impressions = impressions

    async def ExplainRecommendations(
        self, request: pb.ExplainRecommendationsRequest, _: Any
    ) -> pb.ExplainRecommendationsResponse:
        """Explains an answer that the caller got."""
        caller = calls.current().principal.user_id
        explained = await self._impressions.explain(caller, searchable(request.request_id, "request_id"))
        shown = list(explained.impression.movie_ids)
        places = [place for place, movie_id in enumerate(shown) if request.movie_id in (0, movie_id)]
        if request.movie_id and not places:
            problem = f"film {request.movie_id} was not shown in this answer"
            raise NotFound(problem, violations=[("movie_id", "was not shown in this answer")])
        return _answer(explained, places)


def _answer(explained: Explained, places: Iterable[int]) -> pb.ExplainRecommendationsResponse:
    impression, details, cards = explained.impression, explained.details, explained.cards
    answer = pb.ExplainRecommendationsResponse(
        request_id=impression.request_id,
        model=impression.model,
        profile=impression.profile,
        experiment_id=impression.experiment_id,
        variant=impression.variant,
        rung=impression.rung,
        degraded=bool(impression.degraded_reason),
        degraded_reason=impression.degraded_reason,
        recommendations=[_movie(impression.movie_ids[place], place, details, cards) for place in places],
    )
    answer.created_at.FromDatetime(impression.created_at)
    return answer


def _movie(movie_id: int, place: int, details: Details, cards: Cards) -> pb.ExplainedMovie:
    told = details.told[place]
    return pb.ExplainedMovie(
        movie_id=movie_id,
        title=cards[movie_id].title if movie_id in cards else "",
        rank=int(details.ranks[place]),
        rank_by_score=int(details.ranks_by_score[place]),
        score=float(details.scores[place]),
        components=recommendation_pb2.Components(**dict(zip(COMPONENTS, details.shares[place].tolist(), strict=True))),
        signals=[
            pb.SignalDetail(
                signal=used.signal,
                model=used.model,
                weight=used.weight,
                score=float(details.signal_scores[place, number]),
                rank=int(details.signal_ranks[place, number]),
                because=_because(details.signal_because.get((place, number), ()), cards),
            )
            for number, used in enumerate(details.signals)
        ],
        explanation=recommendation_pb2.Explanation(
            text=told.text, because=_because(told.because, cards), worded_by=told.worded_by
        ),
    )


def _because(films: Iterable[Because], cards: Cards) -> list[recommendation_pb2.ExplainingMovie]:
    return [
        recommendation_pb2.ExplainingMovie(
            movie_id=one.movie_id,
            title=cards[one.movie_id].title if one.movie_id in cards else "",
            year=cards[one.movie_id].year if one.movie_id in cards else 0,
            share=one.share,
            overall=one.stars,
        )
        for one in films
    ]
