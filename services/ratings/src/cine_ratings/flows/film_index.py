"""The index that finds films for imports: made of this service's copy of the catalogue when it is wanted, dropped when it is not."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from cine_ratings.domain.transfers.matching import Film, FilmIndex
from cine_ratings.store import held
from cinemesh import telemetry
from cinemesh.db import Database
from cinemesh.errors import Unavailable
from cinemesh.projections import Films

_PAGE: Final = 2_000
_LOOK_AGAIN_SECONDS: Final = 30.0
_AT_MOST_SECONDS: Final = 3600.0
_log = telemetry.logger("ratings")


class FilmFinder:
    """Keeps the index as long as it is used.

    Args:
        database: the store with the copy of the catalogue.
        films: knows whether that copy is whole.
        kept_for: seconds after its last use for which the index stays in memory.
    """

    def __init__(self, database: Database, films: Films, kept_for: float = 900.0) -> None:
        self._database = database
        self._films = films
        self._kept_for = kept_for
        self._index: FilmIndex | None = None
        self._print: tuple[int, int, int] = (0, 0, 0)
        self._made_at = self._looked_at = self._used_at = 0.0
        self._making = asyncio.Lock()

    async def index(self) -> FilmIndex:
        """Returns the index.

        Raises:
            Unavailable: the copy of the catalogue is not whole yet; a film would look unknown that is only not read yet.
        """
        async with self._making:
            now = time.monotonic()
            self._used_at = now
            if self._index is not None and now - self._looked_at < _LOOK_AGAIN_SECONDS:
                return self._index
            if not await self._films.whole():
                raise Unavailable("the catalogue has not been read yet", retry_after=1.0)
            current = await self._database.read(held.catalogue_print)
            if self._index is None or current != self._print or now - self._made_at > _AT_MOST_SECONDS:
                self._index = await self._make()
                self._print, self._made_at = current, now
                _log.info("films indexed for imports", total=len(self._index), seconds=round(time.monotonic() - now, 2))
            self._looked_at = time.monotonic()
            return self._index

    def rest(self) -> None:
        """Drops the index when it was not used for a while."""
        if self._index is not None and time.monotonic() - self._used_at > self._kept_for:
            self._index = None

    async def _make(self) -> FilmIndex:
        found: list[Film] = []
        last = 0
        while True:
            # page by page, so that nobody waits long for the store
            page = await self._database.read(lambda tx, last=last: held.matchable(tx, last, _PAGE))  # type: ignore[misc]
            found += page
            if len(page) < _PAGE:
                break
            last = page[-1].movie_id
        return await asyncio.to_thread(FilmIndex, found, breathe=True)
