"""ModerationService: reports, and what administrators do about them."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from google.protobuf.message import Message

from cine.ratings.v1 import moderation_pb2, moderation_pb2_grpc
from cine_ratings.domain.moderation import OPEN, Complaint, Report, State
from cine_ratings.domain.review import Viewer
from cine_ratings.flows.moderation import Moderation
from cine_ratings.flows.shown import viewer_of
from cinemesh import context as calls
from cinemesh.paging import PageTokens, page_size
from cinemesh.plain_text import plain_text, searchable

M = TypeVar("M", bound=Message)


class ModerationServicer(moderation_pb2_grpc.ModerationServiceServicer):
    """Turns calls about reports into flows and back.

    Args:
        moderation: what is done about texts that should not be there.
        pages: makes and reads page tokens.
    """

    def __init__(self, moderation: Moderation, pages: PageTokens) -> None:
        self._moderation = moderation
        self._pages = pages

    async def ReportReview(
        self, request: moderation_pb2.ReportReviewRequest, _: Any
    ) -> moderation_pb2.ReportReviewResponse:
        """Reports a review."""
        review_id = searchable(request.review_id, "review_id")
        report_id = await self._moderation.report_review(_viewer(), review_id, _complaint(request))
        return moderation_pb2.ReportReviewResponse(report_id=report_id)

    async def ReportComment(
        self, request: moderation_pb2.ReportCommentRequest, _: Any
    ) -> moderation_pb2.ReportCommentResponse:
        """Reports a comment."""
        comment_id = searchable(request.comment_id, "comment_id")
        report_id = await self._moderation.report_comment(_viewer(), comment_id, _complaint(request))
        return moderation_pb2.ReportCommentResponse(report_id=report_id)

    async def HideReview(self, request: moderation_pb2.HideReviewRequest, _: Any) -> moderation_pb2.HideReviewResponse:
        """Hides a review, or shows it again."""
        review_id, reason = searchable(request.review_id, "review_id"), _reason(request)
        await self._moderation.hide_review(_viewer(), review_id, reason, hidden=request.hidden)
        return moderation_pb2.HideReviewResponse(review_id=review_id, hidden=request.hidden)

    async def HideComment(
        self, request: moderation_pb2.HideCommentRequest, _: Any
    ) -> moderation_pb2.HideCommentResponse:
        """Hides a comment, or shows it again."""
        comment_id, reason = searchable(request.comment_id, "comment_id"), _reason(request)
        await self._moderation.hide_comment(_viewer(), comment_id, reason, hidden=request.hidden)
        return moderation_pb2.HideCommentResponse(comment_id=comment_id, hidden=request.hidden)

    async def ListReports(
        self, request: moderation_pb2.ListReportsRequest, _: Any
    ) -> moderation_pb2.ListReportsResponse:
        """Lists reports."""
        state = cast(State, request.state or OPEN)
        page = await self._moderation.find(state, page_size(request.page_size), self._pages.decode(request))
        return moderation_pb2.ListReportsResponse(
            reports=[_report(moderation_pb2.Report, one) for one in page.found],
            next_page_token=self._pages.encode(page.following, request) if page.following else "",
            total_size=page.total,
        )

    async def ResolveReport(
        self, request: moderation_pb2.ResolveReportRequest, _: Any
    ) -> moderation_pb2.ResolveReportResponse:
        """Settles a report."""
        report_id = searchable(request.report_id, "report_id")
        settled = await self._moderation.resolve(_viewer(), report_id, request.action, _reason(request))
        return _report(moderation_pb2.ResolveReportResponse, settled)


def _viewer() -> Viewer:
    return viewer_of(calls.current().principal)


def _complaint(request: Any) -> Complaint:
    return Complaint(request.reason, plain_text(request.detail, "detail", lines=True))


def _reason(request: Any) -> str:
    return plain_text(request.reason, "reason", lines=True)


def _report(kind: type[M], report: Report) -> M:
    answer: Any = kind(
        report_id=report.report_id,
        review_id=report.thing.review_id,
        comment_id=report.thing.comment_id,
        reason=report.complaint.reason,
        detail=report.complaint.detail,
        reporter_count=report.reporter_count,
        state=report.state,
        body_markdown=report.body_markdown,
    )
    answer.created_at.FromDatetime(report.created_at)
    if report.resolved_at is not None:
        answer.resolved_at.FromDatetime(report.resolved_at)
    return answer  # type: ignore[no-any-return]
