"""The catalogue, as far as identity needs it: which films exist."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

import grpc

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cinemesh.client import channel
from cinemesh.errors import Unavailable
from cinemesh.settings import ServiceSettings

_DEADLINE_SECONDS = 3.0


class Films(Protocol):
    """Knows which films exist."""

    async def unknown(self, movie_ids: Collection[int]) -> frozenset[int]:
        """Returns those of the ids that no film has.

        Raises:
            Unavailable: nobody can tell at present.
        """
        ...


class CatalogueFilms:
    """Asks the catalogue over the mesh.

    Args:
        settings: where it is.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings

    async def unknown(self, movie_ids: Collection[int]) -> frozenset[int]:
        """Returns those of at most 200 ids that no film has.

        Raises:
            Unavailable: the catalogue does not answer; an id is never taken on trust.
        """
        if not movie_ids:
            return frozenset()
        stub: Any = catalog_pb2_grpc.CatalogServiceStub(channel("catalog", self._settings, deadline=_DEADLINE_SECONDS))
        request = catalog_pb2.BatchGetMoviesRequest(movie_ids=sorted(set(movie_ids)))
        try:
            answer = await stub.BatchGetMovies(request)
        except grpc.aio.AioRpcError:
            raise Unavailable(
                "the catalogue does not answer, so the films cannot be checked; nothing was changed", retry_after=2.0
            ) from None
        return frozenset(answer.missing_movie_ids)
