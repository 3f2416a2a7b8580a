"""What people say of films shown to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cine.recommender.v1 import recommender_pb2 as pb
from cine_recommender.domain.feedback import Feedback
from cine_recommender.flows.feedback import FeedbackBook, FeedbackWish
from cine_recommender.store import Transaction
from cinemesh import context as calls
from cinemesh.db import Database
from cinemesh.idempotency import RequestIds
from cinemesh.paging import PageTokens, page_size
from cinemesh.plain_text import plain_text, searchable


class FeedbackCalls:
    """Answers the calls about feedback.

    Args:
        feedback: that of the caller.
        database: the store of its effects.
        request_ids: gives first answers again.
        pages: makes and reads page tokens.
    """

    def __init__(self, feedback: FeedbackBook, database: Database, request_ids: RequestIds, pages: PageTokens) -> None:
        self._feedback = feedback
        self._database = database
        self._request_ids = request_ids
        self._pages = pages

    async def SendFeedback(self, request: pb.SendFeedbackRequest, _: Any) -> pb.SendFeedbackResponse:
        """Takes the caller's word on a film."""
        wish = FeedbackWish(
            request.movie_id,
            request.kind,
            searchable(request.recommendation_request_id, "recommendation_request_id"),
            request.rank,
            plain_text(request.reason, "reason", lines=True),
        )

        async def once(effect: Callable[[Transaction], Feedback]) -> pb.SendFeedbackResponse:
            return await self._request_ids.once(
                self._database, "SendFeedback", request, pb.SendFeedbackResponse, lambda tx: _sent(effect(tx))
            )

        return await self._feedback.give(_caller(), wish, once)

    async def ListFeedback(self, request: pb.ListFeedbackRequest, _: Any) -> pb.ListFeedbackResponse:
        """Lists the caller's feedback."""
        page = await self._feedback.list(
            _caller(), request.kind, page_size(request.page_size), self._pages.decode(request)
        )
        answer = pb.ListFeedbackResponse(
            next_page_token=self._pages.encode(page.following, request) if page.following else "",
            total_size=page.total,
        )
        for one in page.feedback:
            shown = answer.feedback.add(
                feedback_id=one.feedback_id, movie_id=one.movie_id, kind=one.kind, movie=page.cards.get(one.movie_id)
            )
            shown.created_at.FromDatetime(one.created_at)
        return answer

    async def UndoFeedback(self, request: pb.UndoFeedbackRequest, _: Any) -> pb.UndoFeedbackResponse:
        """Takes feedback back."""
        movie_id = await self._feedback.undo(_caller(), searchable(request.feedback_id, "feedback_id"))
        return pb.UndoFeedbackResponse(movie_id=movie_id)


def _caller() -> str:
    return calls.current().principal.user_id


def _sent(one: Feedback) -> pb.SendFeedbackResponse:
    answer = pb.SendFeedbackResponse(feedback_id=one.feedback_id, movie_id=one.movie_id, kind=one.kind)
    answer.created_at.FromDatetime(one.created_at)
    return answer
