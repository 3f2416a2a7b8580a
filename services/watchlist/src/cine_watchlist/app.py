"""Wires the watchlist service: its whole contract is mounted, none of its calls is built yet."""

from __future__ import annotations

from cine.watchlist.v1 import (
    canon_pb2,
    canon_pb2_grpc,
    collaboration_pb2,
    collaboration_pb2_grpc,
    film_night_pb2,
    film_night_pb2_grpc,
    lists_pb2,
    lists_pb2_grpc,
    watchlist_pb2,
    watchlist_pb2_grpc,
)
from cine_watchlist.settings import WatchlistSettings
from cinemesh.handlers import unanswered
from cinemesh.server import Application, Mount

_CONTRACT = (
    (canon_pb2, canon_pb2_grpc),
    (collaboration_pb2, collaboration_pb2_grpc),
    (film_night_pb2, film_night_pb2_grpc),
    (lists_pb2, lists_pb2_grpc),
    (watchlist_pb2, watchlist_pb2_grpc),
)


class WatchlistApplication(Application):
    """The watchlist service as a serving process."""

    name = "watchlist"

    def __init__(self, settings: WatchlistSettings | None = None) -> None:
        self.settings: WatchlistSettings = settings or WatchlistSettings()

    async def start(self) -> list[Mount]:
        """Mounts every gRPC service of the contract; each call answers UNIMPLEMENTED and says so."""
        return [mount for messages, stubs in _CONTRACT for mount in unanswered(messages, stubs)]
