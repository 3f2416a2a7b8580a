"""Wires the watchlist service."""

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
from cine_watchlist.servicer import (
    CanonServicer,
    CollaborationServicer,
    FilmNightServicer,
    ListServicer,
    WatchlistServicer,
)
from cine_watchlist.settings import WatchlistSettings
from cinemesh.server import Application, Mount


class WatchlistApplication(Application):
    """The watchlist service as a serving process."""

    name = "watchlist"

    def __init__(self, settings: WatchlistSettings | None = None) -> None:
        self.settings = settings or WatchlistSettings()

    async def start(self) -> list[Mount]:
        """Mounts every service of the contract."""
        return [
            Mount(
                WatchlistServicer(),
                watchlist_pb2_grpc.add_WatchlistServiceServicer_to_server,
                watchlist_pb2.DESCRIPTOR.services_by_name["WatchlistService"],
            ),
            Mount(
                ListServicer(),
                lists_pb2_grpc.add_ListServiceServicer_to_server,
                lists_pb2.DESCRIPTOR.services_by_name["ListService"],
            ),
            Mount(
                CollaborationServicer(),
                collaboration_pb2_grpc.add_CollaborationServiceServicer_to_server,
                collaboration_pb2.DESCRIPTOR.services_by_name["CollaborationService"],
            ),
            Mount(
                CanonServicer(),
                canon_pb2_grpc.add_CanonServiceServicer_to_server,
                canon_pb2.DESCRIPTOR.services_by_name["CanonService"],
            ),
            Mount(
                FilmNightServicer(),
                film_night_pb2_grpc.add_FilmNightServiceServicer_to_server,
                film_night_pb2.DESCRIPTOR.services_by_name["FilmNightService"],
            ),
        ]
