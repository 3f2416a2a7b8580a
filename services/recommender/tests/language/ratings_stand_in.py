"""Stands where the Ratings service would: reviews behind the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from cine.ratings.v1 import reviews_pb2, reviews_pb2_grpc
from cinemesh.errors import Unavailable
from cinemesh.server import Application, Mount
from cinemesh.settings import ServiceSettings
from cinemesh.testing import running, settings_for


class RatingsSettings(ServiceSettings):
    service: ClassVar[str] = "ratings"


class RatingsStandIn(Application):
    """Gives reviews of films.

    Attributes:
        reviews: by film, newest first.
        asked: requests, in order.
        away: whether it refuses to answer.
    """

    name = "ratings"

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.reviews: dict[int, list[reviews_pb2.Review]] = {}
        self.asked: list[reviews_pb2.ListMovieReviewsRequest] = []
        self.away = False

    async def start(self) -> list[Mount]:
        app = self

        class Servicer(reviews_pb2_grpc.ReviewServiceServicer):
            async def ListMovieReviews(self, request: Any, context: Any) -> reviews_pb2.ListMovieReviewsResponse:  # noqa: N802
                app.asked.append(request)
                if app.away:
                    raise Unavailable("the ratings service is stopping")
                found = [
                    one
                    for one in app.reviews.get(request.movie_id, [])
                    if not (request.hide_spoilers and one.contains_spoilers)
                ]
                if request.order_by == "most_liked":
                    found = sorted(found, key=lambda one: -one.like_count)
                return reviews_pb2.ListMovieReviewsResponse(reviews=found[: request.page_size], total_size=len(found))

        described = reviews_pb2.DESCRIPTOR.services_by_name["ReviewService"]
        return [Mount(Servicer(), reviews_pb2_grpc.add_ReviewServiceServicer_to_server, described)]

    async def stop(self) -> None:
        pass


@asynccontextmanager
async def ratings(folder: Path) -> AsyncIterator[tuple[RatingsStandIn, str]]:
    """Serves a stand-in for the block; yields it and its address."""
    app = RatingsStandIn(settings_for(RatingsSettings, folder))
    async with running(app) as server:
        yield app, server.address
