"""What the caller would rate a film."""

from __future__ import annotations

from typing import Any

from cine.recommender.v1 import recommender_pb2
from cine_recommender.flows.prediction import Predicting
from cinemesh import context as calls


class PredictionCalls:
    """Answers `PredictRating`.

    Args:
        predicting: predicts ratings.
    """

    def __init__(self, predicting: Predicting) -> None:
        self._predicting = predicting

    async def PredictRating(
        self, request: recommender_pb2.PredictRatingRequest, context: Any
    ) -> recommender_pb2.PredictRatingResponse:
        """Predicts what the caller would rate a film."""
        found = await self._predicting.predict(calls.current().principal.user_id, request.movie_id)
        return recommender_pb2.PredictRatingResponse(
            movie_id=request.movie_id,
            predicted_rating=found.predicted.stars,
            low=found.predicted.low,
            high=found.predicted.high,
            rating_count=found.rating_count,
            model=found.model,
            degraded=bool(found.reason),
            degraded_reason=found.reason,
        )
