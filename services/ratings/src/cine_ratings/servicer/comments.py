"""CommentService: what people say under reviews."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message

from cine.ratings.v1 import comments_pb2, comments_pb2_grpc
from cine_ratings.domain.review import Viewer
from cine_ratings.flows.comments import Comments, ShownComment
from cine_ratings.flows.shown import viewer_of
from cine_ratings.servicer.attempts import Attempts
from cinemesh import context as calls
from cinemesh.paging import PageTokens, page_size
from cinemesh.plain_text import searchable

M = TypeVar("M", bound=Message)


class CommentServicer(comments_pb2_grpc.CommentServiceServicer):
    """Turns calls about comments into flows and back.

    Args:
        comments: what people say.
        attempts: gives first answers again.
        pages: makes and reads page tokens.
    """

    def __init__(self, comments: Comments, attempts: Attempts, pages: PageTokens) -> None:
        self._comments = comments
        self._attempts = attempts
        self._pages = pages

    async def CreateComment(
        self, request: comments_pb2.CreateCommentRequest, _: Any
    ) -> comments_pb2.CreateCommentResponse:
        """Comments on a review, or answers a comment."""
        return await self._comments.create(
            _viewer(),
            searchable(request.review_id, "review_id"),
            searchable(request.parent_comment_id, "parent_comment_id"),
            request.body_markdown,
            self._attempts.of("CreateComment", request, comments_pb2.CreateCommentResponse, _comment),
        )

    async def ListComments(
        self, request: comments_pb2.ListCommentsRequest, _: Any
    ) -> comments_pb2.ListCommentsResponse:
        """Lists the comments on a review in reading order."""
        page = await self._comments.of_review(
            _viewer(),
            searchable(request.review_id, "review_id"),
            page_size(request.page_size),
            self._pages.decode(request) or "",
        )
        return comments_pb2.ListCommentsResponse(
            comments=[_comment(comments_pb2.Comment, one) for one in page.found],
            next_page_token=self._pages.encode(page.following, request) if page.following else "",
            total_size=page.total,
        )

    async def UpdateComment(
        self, request: comments_pb2.UpdateCommentRequest, _: Any
    ) -> comments_pb2.UpdateCommentResponse:
        """Changes a comment."""
        comment_id = searchable(request.comment_id, "comment_id")
        changed = await self._comments.update(_viewer(), comment_id, request.body_markdown, request.etag)
        return _comment(comments_pb2.UpdateCommentResponse, changed)

    async def DeleteComment(
        self, request: comments_pb2.DeleteCommentRequest, _: Any
    ) -> comments_pb2.DeleteCommentResponse:
        """Deletes a comment."""
        await self._comments.delete(_viewer(), searchable(request.comment_id, "comment_id"), request.etag)
        return comments_pb2.DeleteCommentResponse()


def _viewer() -> Viewer:
    return viewer_of(calls.current().principal)


def _comment(kind: type[M], shown: ShownComment) -> M:
    comment = shown.comment
    answer: Any = kind(
        comment_id=comment.comment_id,
        review_id=comment.review_id,
        parent_comment_id=comment.parent_comment_id,
        depth=comment.place.depth,
        user_id=comment.user_id or "",
        username=shown.username,
        body_markdown=comment.text.markdown,
        body_html=comment.text.html,
        reply_count=comment.reply_count,
        deleted=comment.deleted,
        hidden=comment.hidden,
        hidden_reason=comment.hidden_reason,
        etag=comment.etag,
    )
    answer.created_at.FromDatetime(comment.created_at)
    answer.updated_at.FromDatetime(comment.updated_at)
    return answer  # type: ignore[no-any-return]
