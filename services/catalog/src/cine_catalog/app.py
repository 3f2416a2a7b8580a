"""Wires the catalogue: store, generation, servicer, feed."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cine_catalog.catalogue import Catalogue
from cine_catalog.servicer import CatalogServicer
from cine_catalog.settings import CatalogSettings
from cine_catalog.store import FilmStore
from cinemesh.artifacts import ArtifactStore
from cinemesh.db import Database, migrate
from cinemesh.errors import Unavailable
from cinemesh.feed import FeedServicer
from cinemesh.outbox import Outbox
from cinemesh.paging import PageTokens
from cinemesh.server import Application, Mount, Probe


class CatalogApplication(Application):
    """The catalogue as a serving process."""

    name = "catalog"

    def __init__(self, settings: CatalogSettings | None = None) -> None:
        self.settings: CatalogSettings = settings or CatalogSettings()
        self._database = Database(self.settings.store_url)
        self._executor = ThreadPoolExecutor(self.settings.search_threads, thread_name_prefix="search")
        self._outbox = Outbox(self.name)
        artifacts = ArtifactStore(self.settings.artifacts_dir)
        self.catalogue = Catalogue(FilmStore(self._database, self._outbox), artifacts, self.settings.merged_csv)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> list[Mount]:
        """Opens the store, loads the films, and begins to look for new data."""
        await asyncio.to_thread(migrate, self.settings.store_url, "cine_catalog")
        await self._database.open()
        await self.catalogue.load()
        self._watching = asyncio.create_task(self.catalogue.watch(self.settings.import_check_seconds))
        servicer = CatalogServicer(self.catalogue, PageTokens.of(self.settings), self._executor)
        described = catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"]
        return [Mount(servicer, catalog_pb2_grpc.add_CatalogServiceServicer_to_server, described)]

    async def stop(self) -> None:
        """Closes what `start` opened."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        await self._database.close()
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def probes(self) -> dict[str, Probe]:
        """Asks the store and the search index."""
        return {"store": Probe(self._database.probe), "search_index": Probe(self._probe_index)}

    def feed(self) -> FeedServicer:
        """Serves what changed."""
        return FeedServicer(self._database, self._outbox)

    async def _probe_index(self) -> str:
        generation = self.catalogue.current
        if not generation.films:
            raise Unavailable("the catalogue holds no films: run `cine preprocess`")
        return f"{len(generation.films)} films, data {generation.data_version[:12]}"
