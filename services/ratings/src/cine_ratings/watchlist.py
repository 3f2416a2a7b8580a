"""The Watchlist service, as far as imports need it: it keeps the rows that are for watchlists and lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import grpc

from cine.watchlist.v1 import watchlist_pb2, watchlist_pb2_grpc
from cine_ratings.domain.transfers.job import Import
from cine_ratings.store.import_rows import KeptRow
from cinemesh.client import channel
from cinemesh.errors import Unavailable
from cinemesh.settings import ServiceSettings

_DEADLINE_SECONDS: Final = 10.0
_AWAY: Final = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.UNIMPLEMENTED,  # a version of it that does not take imports yet
)


class WatchlistImports(Protocol):
    """Takes over rows of imports, and gives them back. Both may be asked for again: once is enough."""

    async def apply(self, found: Import, rows: Sequence[KeptRow]) -> None:
        """Puts films on the person's watchlist and lists; at most 500 rows.

        Raises:
            Unavailable: the service does not answer.
        """
        ...

    async def rollback(self, found: Import) -> None:
        """Takes off again what the import put there.

        Raises:
            Unavailable: the service does not answer.
        """
        ...


class RemoteWatchlist:
    """Asks the Watchlist service.

    Args:
        settings: where it is.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings

    async def apply(self, found: Import, rows: Sequence[KeptRow]) -> None:
        """See `WatchlistImports`."""
        request = watchlist_pb2.ApplyImportRequest(user_id=found.user_id, import_id=found.import_id)
        for kept in rows:
            item = request.items.add(
                row_number=kept.number, movie_id=kept.movie_id, list_name=kept.row.list_name, notes=kept.row.notes
            )
            if kept.row.at is not None:
                item.added_at.FromDatetime(kept.row.at)
        await self._ask("ApplyImport", request)

    async def rollback(self, found: Import) -> None:
        """See `WatchlistImports`."""
        request = watchlist_pb2.RollbackImportRequest(user_id=found.user_id, import_id=found.import_id)
        await self._ask("RollbackImport", request)

    async def _ask(self, method: str, request: Any) -> None:
        make: Any = watchlist_pb2_grpc.WatchlistServiceStub
        stub = make(channel("watchlist", self._settings, deadline=_DEADLINE_SECONDS))
        try:
            await getattr(stub, method)(request)
        except grpc.aio.AioRpcError as fault:
            if fault.code() in _AWAY:
                raise Unavailable("the watchlist service does not answer", retry_after=2.0) from None
            raise
