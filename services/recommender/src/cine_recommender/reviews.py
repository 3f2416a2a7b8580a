"""The Ratings service, as far as summaries need it: it gives the reviews of a film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import grpc

from cine.ratings.v1 import reviews_pb2, reviews_pb2_grpc
from cine_recommender.language.digest import ReviewText
from cinemesh.client import channel
from cinemesh.errors import Unavailable
from cinemesh.markdown import plain
from cinemesh.settings import ServiceSettings

MOST_READ: Final = 100
"""Most reviews read for a summary: one page of the contract."""
_MOST_CHARACTERS: Final = 4000
_DEADLINE_SECONDS: Final = 1.0
_AWAY: Final = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNIMPLEMENTED,  # a version of it that keeps no reviews yet
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class Newest:
    """What changes when reviews of a film do.

    Attributes:
        mark: of the newest review; empty where there is none.
        count: number of reviews that give nothing away.
    """

    mark: str
    count: int


class FilmReviews(Protocol):
    """Gives the reviews of a film that give nothing away."""

    async def newest(self, movie_id: int) -> Newest:
        """Returns what changes when they do.

        Raises:
            Unavailable: the service does not answer.
        """
        ...

    async def most_liked(self, movie_id: int) -> Sequence[ReviewText]:
        """Returns at most `MOST_READ` of them, most liked first, as plain text.

        Raises:
            Unavailable: the service does not answer.
        """
        ...


class RemoteReviews:
    """Asks the Ratings service.

    Args:
        settings: where it is.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings

    async def newest(self, movie_id: int) -> Newest:
        """See `FilmReviews`."""
        page = await self._ask(movie_id, "newest", 1)
        mark = f"{page.reviews[0].review_id} {page.reviews[0].etag}" if page.reviews else ""
        return Newest(mark, page.total_size)

    async def most_liked(self, movie_id: int) -> Sequence[ReviewText]:
        """See `FilmReviews`."""
        page = await self._ask(movie_id, "most_liked", MOST_READ)
        return [
            ReviewText(
                text=" ".join(filter(None, (_closed(one.title), plain(one.body_markdown, _MOST_CHARACTERS)))),
                overall=one.overall if one.HasField("overall") else None,
                likes=one.like_count,
            )
            for one in page.reviews
        ]

    async def _ask(self, movie_id: int, order: str, size: int) -> reviews_pb2.ListMovieReviewsResponse:
        make: Any = reviews_pb2_grpc.ReviewServiceStub
        # as nobody in particular: a summary is for everybody, so it is of what everybody may read
        stub = make(channel("ratings", self._settings, credentials="none", deadline=_DEADLINE_SECONDS))
        request = reviews_pb2.ListMovieReviewsRequest(
            movie_id=movie_id, order_by=order, hide_spoilers=True, page_size=size
        )
        try:
            page: reviews_pb2.ListMovieReviewsResponse = await stub.ListMovieReviews(request)
        except grpc.aio.AioRpcError as fault:
            if fault.code() in _AWAY:
                raise Unavailable("the ratings service does not answer", retry_after=2.0) from None
            raise
        return page


def _closed(title: str) -> str:
    """A headline as a sentence."""
    text = " ".join(title.split())
    return text if not text or text[-1] in ".!?…" else f"{text}."
