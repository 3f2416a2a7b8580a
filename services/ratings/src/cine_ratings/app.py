"""Wires the ratings service."""

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
from cine_ratings.servicer import (
    CommentServicer,
    DiaryServicer,
    ModerationServicer,
    RatingsServicer,
    ReviewServicer,
    TransferServicer,
)
from cine_ratings.settings import RatingsSettings
from cinemesh.server import Application, Mount


class RatingsApplication(Application):
    """The ratings service as a serving process."""

    name = "ratings"

    def __init__(self, settings: RatingsSettings | None = None) -> None:
        self.settings = settings or RatingsSettings()

    async def start(self) -> list[Mount]:
        """Mounts every service of the contract."""
        return [
            Mount(
                RatingsServicer(),
                ratings_pb2_grpc.add_RatingsServiceServicer_to_server,
                ratings_pb2.DESCRIPTOR.services_by_name["RatingsService"],
            ),
            Mount(
                ReviewServicer(),
                reviews_pb2_grpc.add_ReviewServiceServicer_to_server,
                reviews_pb2.DESCRIPTOR.services_by_name["ReviewService"],
            ),
            Mount(
                CommentServicer(),
                comments_pb2_grpc.add_CommentServiceServicer_to_server,
                comments_pb2.DESCRIPTOR.services_by_name["CommentService"],
            ),
            Mount(
                DiaryServicer(),
                diary_pb2_grpc.add_DiaryServiceServicer_to_server,
                diary_pb2.DESCRIPTOR.services_by_name["DiaryService"],
            ),
            Mount(
                ModerationServicer(),
                moderation_pb2_grpc.add_ModerationServiceServicer_to_server,
                moderation_pb2.DESCRIPTOR.services_by_name["ModerationService"],
            ),
            Mount(
                TransferServicer(),
                transfers_pb2_grpc.add_TransferServiceServicer_to_server,
                transfers_pb2.DESCRIPTOR.services_by_name["TransferService"],
            ),
        ]
