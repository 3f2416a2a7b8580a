"""Films to ask the caller about."""

from __future__ import annotations

from typing import Any

from cine.recommender.v1 import recommender_pb2
from cine_recommender.domain.onboarding import RATINGS_WANTED
from cine_recommender.flows.onboarding import Onboarding
from cinemesh import context as calls
from cinemesh.cards import element

_DEFAULT = 12
_MOVIES = recommender_pb2.ListOnboardingPicksResponse.DESCRIPTOR.fields_by_name["movies"].number


class OnboardingCalls:
    """Answers `ListOnboardingPicks`.

    Args:
        onboarding: picks the films.
    """

    def __init__(self, onboarding: Onboarding) -> None:
        self._onboarding = onboarding

    async def ListOnboardingPicks(self, request: recommender_pb2.ListOnboardingPicksRequest, context: Any) -> bytes:
        """Picks films whose rating would say most about the caller."""
        user_id = calls.current().principal.user_id
        picks = await self._onboarding.picks(user_id, request.limit or _DEFAULT, request.exclude_movie_ids)
        rest = recommender_pb2.ListOnboardingPicksResponse(
            rating_count=picks.rating_count, ratings_wanted=RATINGS_WANTED
        )
        return b"".join((*element(_MOVIES, picks.cards), rest.SerializeToString()))
