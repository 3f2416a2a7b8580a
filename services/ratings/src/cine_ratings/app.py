"""Wires the ratings service: its whole contract is mounted, none of its calls is built yet."""

from __future__ import annotations

from cine.ratings.v1 import (
    comments_pb2,
    comments_pb2_grpc,
    diary_pb2,
    diary_pb2_grpc,
    moderation_pb2,
    moderation_pb2_grpc,
    ratings_pb2,
    ratings_pb2_grpc,
    reviews_pb2,
    reviews_pb2_grpc,
    transfers_pb2,
    transfers_pb2_grpc,
)
from cine_ratings.settings import RatingsSettings
from cinemesh.handlers import unanswered
from cinemesh.server import Application, Mount

_CONTRACT = (
    (comments_pb2, comments_pb2_grpc),
    (diary_pb2, diary_pb2_grpc),
    (moderation_pb2, moderation_pb2_grpc),
    (ratings_pb2, ratings_pb2_grpc),
    (reviews_pb2, reviews_pb2_grpc),
    (transfers_pb2, transfers_pb2_grpc),
)


class RatingsApplication(Application):
    """The ratings service as a serving process."""

    name = "ratings"

    def __init__(self, settings: RatingsSettings | None = None) -> None:
        self.settings: RatingsSettings = settings or RatingsSettings()

    async def start(self) -> list[Mount]:
        """Mounts every gRPC service of the contract; each call answers UNIMPLEMENTED and says so."""
        return [mount for messages, stubs in _CONTRACT for mount in unanswered(messages, stubs)]
