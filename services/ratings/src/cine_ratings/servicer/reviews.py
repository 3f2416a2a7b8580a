"""ReviewService: reviews, their likes and their history."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeVar, cast

from google.protobuf.message import Message

from cine.ratings.v1 import reviews_pb2, reviews_pb2_grpc
from cine_ratings.domain.rating import stars_of
from cine_ratings.domain.review import EDITABLE, Order, Revision, Viewer, wish_of
from cine_ratings.flows.review_reading import ReviewReading
from cine_ratings.flows.reviews import Reviews
from cine_ratings.flows.shown import ShownReview, viewer_of
from cine_ratings.servicer.attempts import Attempts
from cine_ratings.store.reviews import OfFilm
from cinemesh import context as calls
from cinemesh.changes import changes_of
from cinemesh.paging import PageTokens, page_size
from cinemesh.plain_text import searchable

M = TypeVar("M", bound=Message)


class ReviewServicer(reviews_pb2_grpc.ReviewServiceServicer):
    """Turns calls about reviews into flows and back.

    Args:
        reviews: what changes them.
        reading: what reads them.
        attempts: gives first answers again.
        pages: makes and reads page tokens.
    """

    def __init__(self, reviews: Reviews, reading: ReviewReading, attempts: Attempts, pages: PageTokens) -> None:
        self._reviews = reviews
        self._reading = reading
        self._attempts = attempts
        self._pages = pages

    async def CreateReview(self, request: reviews_pb2.CreateReviewRequest, _: Any) -> reviews_pb2.CreateReviewResponse:
        """Publishes a review."""
        wish = await asyncio.to_thread(
            wish_of,
            request.movie_id,
            request.body_markdown,
            request.title,
            contains_spoilers=request.contains_spoilers,
            overall=request.overall if request.HasField("overall") else None,
        )
        once = self._attempts.of("CreateReview", request, reviews_pb2.CreateReviewResponse, _review)
        return await self._reviews.create(_viewer(), wish, once)

    async def GetReview(self, request: reviews_pb2.GetReviewRequest, _: Any) -> reviews_pb2.GetReviewResponse:
        """Gives one review."""
        found = await self._reading.get(_viewer(), searchable(request.review_id, "review_id"))
        return _review(reviews_pb2.GetReviewResponse, found)

    async def UpdateReview(self, request: reviews_pb2.UpdateReviewRequest, _: Any) -> reviews_pb2.UpdateReviewResponse:
        """Changes a review."""
        changes = changes_of(request, EDITABLE)
        review_id = searchable(request.review_id, "review_id")
        changed = await self._reviews.update(_viewer(), review_id, changes, request.etag)
        return _review(reviews_pb2.UpdateReviewResponse, changed)

    async def DeleteReview(self, request: reviews_pb2.DeleteReviewRequest, _: Any) -> reviews_pb2.DeleteReviewResponse:
        """Deletes a review."""
        await self._reviews.delete(_viewer(), searchable(request.review_id, "review_id"), request.etag)
        return reviews_pb2.DeleteReviewResponse()

    async def ListReviewRevisions(
        self, request: reviews_pb2.ListReviewRevisionsRequest, _: Any
    ) -> reviews_pb2.ListReviewRevisionsResponse:
        """Lists what a review said before."""
        page = await self._reading.history(
            _viewer(),
            searchable(request.review_id, "review_id"),
            page_size(request.page_size),
            self._pages.decode(request),
        )
        return reviews_pb2.ListReviewRevisionsResponse(
            revisions=[_revision(one) for one in page.found],
            next_page_token=self._pages.encode(page.following, request) if page.following else "",
            total_size=page.total,
        )

    async def ListMovieReviews(
        self, request: reviews_pb2.ListMovieReviewsRequest, _: Any
    ) -> reviews_pb2.ListMovieReviewsResponse:
        """Lists the reviews of a film."""
        order = cast(Order, request.order_by or "newest")
        wanted = OfFilm(request.movie_id, order, request.hide_spoilers, _viewer())
        page = await self._reading.of_film(wanted, page_size(request.page_size), self._pages.decode(request))
        return reviews_pb2.ListMovieReviewsResponse(
            reviews=[_review(reviews_pb2.Review, one) for one in page.found],
            next_page_token=self._pages.encode(page.following, request) if page.following else "",
            total_size=page.total,
        )

    async def ListMyReviews(
        self, request: reviews_pb2.ListMyReviewsRequest, _: Any
    ) -> reviews_pb2.ListMyReviewsResponse:
        """Lists the caller's reviews."""
        page = await self._reading.of_author(
            _viewer(), page_size(request.page_size), self._pages.decode(request), movie_id=request.movie_id
        )
        return reviews_pb2.ListMyReviewsResponse(
            reviews=[_review(reviews_pb2.Review, one) for one in page.found],
            next_page_token=self._pages.encode(page.following, request) if page.following else "",
            total_size=page.total,
        )

    async def LikeReview(self, request: reviews_pb2.LikeReviewRequest, _: Any) -> reviews_pb2.LikeReviewResponse:
        """Likes a review."""
        count = await self._reviews.like(_viewer(), searchable(request.review_id, "review_id"), liked=True)
        return reviews_pb2.LikeReviewResponse(review_id=request.review_id, like_count=count, liked_by_me=True)

    async def UnlikeReview(self, request: reviews_pb2.UnlikeReviewRequest, _: Any) -> reviews_pb2.UnlikeReviewResponse:
        """Takes a like back."""
        count = await self._reviews.like(_viewer(), searchable(request.review_id, "review_id"), liked=False)
        return reviews_pb2.UnlikeReviewResponse(review_id=request.review_id, like_count=count, liked_by_me=False)

    async def BatchGetReviews(
        self, request: reviews_pb2.BatchGetReviewsRequest, _: Any
    ) -> reviews_pb2.BatchGetReviewsResponse:
        """Gives several reviews to a service."""
        wanted = [searchable(one, f"review_ids[{place}]") for place, one in enumerate(request.review_ids)]
        found, missing = await self._reading.some(_viewer(), wanted)
        return reviews_pb2.BatchGetReviewsResponse(
            reviews=[_review(reviews_pb2.Review, one) for one in found], missing_review_ids=missing
        )

    async def StreamReviews(
        self, request: reviews_pb2.StreamReviewsRequest, _: Any
    ) -> AsyncIterator[reviews_pb2.StreamReviewsResponse]:
        """Streams all reviews to a service."""
        after = searchable(request.after_review_id, "after_review_id")
        async for some in self._reading.stream(_viewer(), after):
            yield reviews_pb2.StreamReviewsResponse(reviews=[_review(reviews_pb2.Review, one) for one in some])


def _viewer() -> Viewer:
    return viewer_of(calls.current().principal)


def _review(kind: type[M], shown: ShownReview) -> M:
    review = shown.review
    answer: Any = kind(
        review_id=review.review_id,
        movie_id=review.movie_id,
        user_id=review.user_id or "",
        username=shown.username,
        title=review.title,
        body_markdown=review.text.markdown,
        body_html=review.text.html,
        overall=stars_of(review.overall) if review.overall is not None else None,
        contains_spoilers=review.contains_spoilers,
        like_count=review.like_count,
        comment_count=review.comment_count,
        liked_by_me=shown.liked,
        revision=review.revision,
        hidden=review.hidden,
        hidden_reason=review.hidden_reason if shown.told else "",
        etag=review.etag,
        movie=shown.movie,
    )
    answer.created_at.FromDatetime(review.created_at)
    answer.updated_at.FromDatetime(review.updated_at)
    return answer  # type: ignore[no-any-return]


def _revision(revision: Revision) -> reviews_pb2.ReviewRevision:
    answer = reviews_pb2.ReviewRevision(
        revision=revision.revision,
        title=revision.title,
        body_markdown=revision.text.markdown,
        body_html=revision.text.html,
        contains_spoilers=revision.contains_spoilers,
    )
    answer.written_at.FromDatetime(revision.written_at)
    return answer
