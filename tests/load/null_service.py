"""The baseline of `make bench`: a service that answers a call with bytes it was given, computing nothing.

Same server, same interceptors, same contract, same Envoy as the real one; only the work is missing. So a ratio against it says
what the work costs and not what gRPC, Envoy or this machine cost.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cine.recommender.v1 import cinematch_pb2, cinematch_pb2_grpc, recommender_pb2, recommender_pb2_grpc
from cinemesh.server import Application, Mount, run
from cinemesh.settings import ServiceSettings, load


class CatalogSettings(ServiceSettings):
    """Settings of the stand-in for the catalogue."""

    service: ClassVar[str] = "catalog"


class RecommenderSettings(ServiceSettings):
    """Settings of the stand-in for the recommender."""

    service: ClassVar[str] = "recommender"


class NullCatalog(catalog_pb2_grpc.CatalogServiceServicer):
    """Answers every search with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    async def SearchMovies(self, request: Any, context: Any) -> bytes:  # noqa: N802
        """Answers."""
        return self._answer


class NullCineMatch(cinematch_pb2_grpc.CineMatchServiceServicer):
    """Answers every taste with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    async def MatchMovies(self, request: Any, context: Any) -> bytes:  # noqa: N802
        """Answers."""
        return self._answer


class NullRecommender(recommender_pb2_grpc.RecommenderServiceServicer):
    """Answers everybody with the same recommendations, as bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    async def ListRecommendations(self, request: Any, context: Any) -> bytes:  # noqa: N802
        """Answers."""
        return self._answer


class NullApplication(Application):
    """One of the two stand-ins."""

    def __init__(self, name: str, answer: bytes) -> None:
        self.name = name
        self.settings = load(CatalogSettings if name == "catalog" else RecommenderSettings)
        self._answer = answer

    async def start(self) -> list[Mount]:
        """Mounts the service."""
        if self.name == "catalog":
            described = catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"]
            return [Mount(NullCatalog(self._answer), catalog_pb2_grpc.add_CatalogServiceServicer_to_server, described)]
        described = cinematch_pb2.DESCRIPTOR.services_by_name["CineMatchService"]
        return [
            Mount(NullCineMatch(self._answer), cinematch_pb2_grpc.add_CineMatchServiceServicer_to_server, described),
            Mount(
                NullRecommender(self._answer),  # type: ignore[abstract]
                recommender_pb2_grpc.add_RecommenderServiceServicer_to_server,
                recommender_pb2.DESCRIPTOR.services_by_name["RecommenderService"],
            ),
        ]


if __name__ == "__main__":
    run(NullApplication(sys.argv[1], Path(sys.argv[2]).read_bytes()))
