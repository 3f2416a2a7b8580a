"""What everybody marked as watched, told whole to services whose feed no longer has what they missed."""

from __future__ import annotations

from collections.abc import Sequence

from cine_watchlist.domain.items import Item
from cine_watchlist.store import watched as store
from cinemesh.db import Database


class WatchedItems:
    """Items of all watchlists that are marked as watched.

    Args:
        database: the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def following(self, after: str, limit: int) -> Sequence[Item]:
        """Returns watched items of anybody with an id above one, in the order of their ids."""
        return await self._database.read(lambda tx: store.following(tx, after, limit))
