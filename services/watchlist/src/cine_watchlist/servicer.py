"""The calls of the watchlist service.

A call without a method here is in the contract and answers UNIMPLEMENTED with reason NOT_IMPLEMENTED, saying so: frontends and
generated clients can be written against it already.
"""

from __future__ import annotations

from cine.watchlist.v1 import (
    canon_pb2_grpc,
    collaboration_pb2_grpc,
    film_night_pb2_grpc,
    lists_pb2_grpc,
    watchlist_pb2_grpc,
)


class WatchlistServicer(watchlist_pb2_grpc.WatchlistServiceServicer):
    """Answers none of its calls yet."""


class ListServicer(lists_pb2_grpc.ListServiceServicer):
    """Answers none of its calls yet."""


class CollaborationServicer(collaboration_pb2_grpc.CollaborationServiceServicer):
    """Answers none of its calls yet."""


class CanonServicer(canon_pb2_grpc.CanonServiceServicer):
    """Answers none of its calls yet."""


class FilmNightServicer(film_night_pb2_grpc.FilmNightServiceServicer):
    """Answers none of its calls yet."""
