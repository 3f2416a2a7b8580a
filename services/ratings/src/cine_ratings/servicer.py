"""The calls of the ratings service.

A call without a method here is in the contract and answers UNIMPLEMENTED with reason NOT_IMPLEMENTED, saying so: frontends and
generated clients can be written against it already.
"""

from __future__ import annotations

from cine.ratings.v1 import (
    comments_pb2_grpc,
    diary_pb2_grpc,
    moderation_pb2_grpc,
    ratings_pb2_grpc,
    reviews_pb2_grpc,
    transfers_pb2_grpc,
)


class RatingsServicer(ratings_pb2_grpc.RatingsServiceServicer):
    """Answers none of its calls yet."""


class ReviewServicer(reviews_pb2_grpc.ReviewServiceServicer):
    """Answers none of its calls yet."""


class CommentServicer(comments_pb2_grpc.CommentServiceServicer):
    """Answers none of its calls yet."""


class DiaryServicer(diary_pb2_grpc.DiaryServiceServicer):
    """Answers none of its calls yet."""


class ModerationServicer(moderation_pb2_grpc.ModerationServiceServicer):
    """Answers none of its calls yet."""


class TransferServicer(transfers_pb2_grpc.TransferServiceServicer):
    """Answers none of its calls yet."""
