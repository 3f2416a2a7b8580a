"""Calls about watchlists and lists as clients make them."""

from __future__ import annotations

from typing import Any

from cine.watchlist.v1 import (
    collaboration_pb2_grpc,
    lists_pb2_grpc,
    watchlist_pb2_grpc,
)

from ..film_nights.wire import Mesh, mesh_of, refused

__all__ = ["Calls", "Mesh", "mesh_of", "refused"]


class Calls:
    """The service as one person sees it.

    Args:
        mesh: the service and what it follows.
        user_id: who calls; empty for nobody.
    """

    def __init__(self, mesh: Mesh, user_id: str = "") -> None:
        self._metadata = mesh.by(user_id) if user_id else ()
        stubs = (
            watchlist_pb2_grpc.WatchlistServiceStub,
            lists_pb2_grpc.ListServiceStub,
            collaboration_pb2_grpc.CollaborationServiceStub,
        )
        self._stubs = [mesh.running.stub(stub) for stub in stubs]

    def __getattr__(self, method: str) -> Any:
        """Returns a method by its name; call it with the request."""
        stub = next(stub for stub in self._stubs if hasattr(stub, method))
        return lambda request: getattr(stub, method)(request, metadata=self._metadata)
