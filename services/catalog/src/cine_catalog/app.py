"""Wires the catalogue: store, generation, servicer, feed."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cine_catalog.audience import Audience
from cine_catalog.catalogue import Catalogue
from cine_catalog.servicer import CatalogServicer
from cine_catalog.settings import CatalogSettings
from cine_catalog.store import FilmStore
from cinemesh.artifacts import ArtifactStore
from cinemesh.db import Database, migrate
from cinemesh.errors import Unavailable
from cinemesh.feed import FeedServicer
from cinemesh.housekeeping import OUTBOX_AGE, Housekeeping
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
        self.audience = Audience(self.settings, self._database)
        store = FilmStore(self._database, self._outbox)
        self.catalogue = Catalogue(store, artifacts, self.settings.merged_csv, self.audience)
        old_events = {"events": lambda: self._outbox.prune(self._database, older_than=OUTBOX_AGE)}
        self.housekeeping = Housekeeping(self.name, old_events)
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> list[Mount]:
        """Opens the store, loads the films, and begins to look for new data."""
        await asyncio.to_thread(migrate, self.settings.store_url, "cine_catalog")
        await self._database.open()
        await self.audience.refresh()
        await self.catalogue.load()
        self._background += [
            asyncio.create_task(self.catalogue.watch(self.settings.import_check_seconds), name="new data"),
            asyncio.create_task(self.catalogue.follow_audience(self.settings.audience_seconds), name="audience"),
            asyncio.create_task(self.housekeeping.run(), name="housekeeping"),
        ]
        await self.audience.consumer.start()
        servicer = CatalogServicer(self.catalogue, PageTokens.of(self.settings), self._executor)
        described = catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"]
        return [Mount(servicer, catalog_pb2_grpc.add_CatalogServiceServicer_to_server, described)]

    async def stop(self) -> None:
        """Closes what `start` opened."""
        await self.audience.consumer.stop()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._database.close()
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def probes(self) -> dict[str, Probe]:
        """Asks the store, the search index, and whether ratings arrive."""
        return {
            "store": Probe(self._database.probe),
            "search_index": Probe(self._probe_index),
            "ratings_feed": Probe(self.audience.consumer.probe, required=False),
        }

    def feed(self) -> FeedServicer:
        """Serves what changed."""
        return FeedServicer(self._database, self._outbox)

    async def _probe_index(self) -> str:
        generation = self.catalogue.current
        if not generation.films:
            raise Unavailable("the catalogue holds no films: run `cine preprocess`")
        return f"{len(generation.films)} films, data {generation.data_version[:12]}"
