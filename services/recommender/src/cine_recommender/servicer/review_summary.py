"""The call that sums up the reviews of a film."""

from __future__ import annotations

from typing import Any

from cine.recommender.v1 import recommender_pb2
from cine_recommender.flows.review_summary import ReviewSummaries


class ReviewSummaryCalls:
    """Answers `GetReviewSummary`.

    Args:
        summaries: sums up reviews.
    """

    def __init__(self, summaries: ReviewSummaries) -> None:
        self._summaries = summaries

    async def GetReviewSummary(
        self, request: recommender_pb2.GetReviewSummaryRequest, context: Any
    ) -> recommender_pb2.GetReviewSummaryResponse:
        """Sums up what reviewers say."""
        found = await self._summaries.of(request.movie_id)
        answer = recommender_pb2.GetReviewSummaryResponse(
            movie_id=request.movie_id,
            summary=found.digest.summary,
            praised=found.digest.praised,
            criticised=found.digest.criticised,
            review_count=found.count,
            worded_by=found.digest.worded_by,
            degraded=bool(found.degraded_reason),
            degraded_reason=found.degraded_reason,
        )
        answer.created_at.FromDatetime(found.created_at)
        return answer
