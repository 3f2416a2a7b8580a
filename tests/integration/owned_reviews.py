"""Reviews and comments that belong to somebody, for the access table. Everybody may read them, so others are told that they may not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, Final

from google.protobuf.message import Message
from ulid import ULID

from cine.ratings.v1 import comments_pb2, reviews_pb2
from cine_ratings.domain.comment import Comment, placed
from cine_ratings.domain.review import Review, wish_of
from cine_ratings.domain.written import written
from cine_ratings.store import Transaction, comments, reviews
from cinemesh.errors import Code

from .owned_things import Owned

_Make = Callable[[Any, str], Awaitable[Owned]]


async def _a_review(app: Any, user_id: str) -> Review:
    wish = wish_of(1, "It rains.")
    review: Review = await app.database.write(lambda tx: app.reviews.apply(tx, user_id, wish).after)
    return review


def _acting_on_a_review(request: Callable[[str], Message], *, reads: bool = False) -> _Make:
    async def make(app: Any, user_id: str) -> Owned:
        review = await _a_review(app, user_id)

        async def remains() -> bool:
            return bool(await app.database.read(lambda tx: reviews.by_id(tx, review.review_id)) == review)

        return Owned(request(review.review_id), remains, reads, Code.PERMISSION_DENIED)

    return make


def _acting_on_a_comment(request: Callable[[str], Message]) -> _Make:
    async def make(app: Any, user_id: str) -> Owned:
        review = await _a_review(app, user_id)
        now = dt.datetime.now(dt.UTC)
        text = written("It does.")
        comment = Comment(str(ULID()), review.review_id, "", placed(1, None), user_id, text, now, now)

        def insert(tx: Transaction) -> None:
            comments.insert(tx, comment)
            reviews.set_counts(tx, review.review_id, comment_count=1, comments_made=1)

        await app.database.write(insert)

        async def remains() -> bool:
            return bool(await app.database.read(lambda tx: comments.by_id(tx, comment.comment_id)) == comment)

        return Owned(request(comment.comment_id), remains, others=Code.PERMISSION_DENIED)

    return make


OWNED_REVIEWS: Final[dict[str, _Make]] = {
    "/cine.ratings.v1.ReviewService/UpdateReview": _acting_on_a_review(
        lambda review_id: reviews_pb2.UpdateReviewRequest(review_id=review_id, title="Rain")
    ),
    "/cine.ratings.v1.ReviewService/DeleteReview": _acting_on_a_review(
        lambda review_id: reviews_pb2.DeleteReviewRequest(review_id=review_id)
    ),
    "/cine.ratings.v1.ReviewService/ListReviewRevisions": _acting_on_a_review(
        lambda review_id: reviews_pb2.ListReviewRevisionsRequest(review_id=review_id), reads=True
    ),
    "/cine.ratings.v1.CommentService/UpdateComment": _acting_on_a_comment(
        lambda comment_id: comments_pb2.UpdateCommentRequest(comment_id=comment_id, body_markdown="It pours.")
    ),
    "/cine.ratings.v1.CommentService/DeleteComment": _acting_on_a_comment(
        lambda comment_id: comments_pb2.DeleteCommentRequest(comment_id=comment_id)
    ),
}
