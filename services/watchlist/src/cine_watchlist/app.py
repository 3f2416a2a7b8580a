"""Wires the watchlist service: store, copies of films and people, flows, servicers, feed."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

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
from cine_watchlist.domain.links import Links
from cine_watchlist.evenings import Evenings
from cine_watchlist.flows.departure import Departure
from cine_watchlist.settings import WatchlistSettings
from cine_watchlist.shelves import Shelves
from cine_watchlist.store import Transaction, schema
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database, migrate
from cinemesh.feed import FeedServicer
from cinemesh.handlers import unanswered
from cinemesh.housekeeping import Housekeeping, mesh_jobs
from cinemesh.idempotency import RequestIds
from cinemesh.outbox import Outbox
from cinemesh.paging import PageTokens, derived_key
from cinemesh.projections import Films, People
from cinemesh.server import Application, Mount, Probe

_CONTRACT = (
    (canon_pb2, canon_pb2_grpc),
    (collaboration_pb2, collaboration_pb2_grpc),
    (film_night_pb2, film_night_pb2_grpc),
    (lists_pb2, lists_pb2_grpc),
    (watchlist_pb2, watchlist_pb2_grpc),
)


class WatchlistApplication(Application):
    """The watchlist service as a serving process.

    Args:
        settings: its settings; read from the environment when None.
        clock: tells the time; tests move it.
    """

    name = "watchlist"

    def __init__(self, settings: WatchlistSettings | None = None, *, clock: Clock = utc_now) -> None:
        self.settings: WatchlistSettings = settings or WatchlistSettings()
        self.clock = clock
        self.database = Database(self.settings.store_url)
        self.outbox = Outbox(self.name)
        self.request_ids = RequestIds(clock)
        self.films = Films(self.name, self.settings, self.database, schema.films)
        self.people = People(self.name, self.settings, self.database, schema.people, forget=self._forget, clock=clock)
        self.departure = Departure(self.outbox, clock)
        self.evenings = Evenings(self.settings, self.database, self.outbox, clock)
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> list[Mount]:
        """Opens the store and begins to follow the catalogue, Identity and Ratings."""
        await asyncio.to_thread(migrate, self.settings.store_url, "cine_watchlist")
        await self.database.open()
        self.pages = PageTokens.of(self.settings)
        self.links = Links(derived_key(self.settings, "links"))
        copies = self.films, self.people, self.request_ids, self.links
        self.shelves = Shelves(self.settings, self.database, self.outbox, *copies, self.clock)
        servicers = {**self.shelves.servicers(self.pages), **self.evenings.servicers(*copies, self.pages)}
        mounts = [self._mount(messages, stubs, servicers) for messages, stubs in _CONTRACT]
        await self.films.start()
        await self.people.start()
        await self.evenings.start()
        self.housekeeping = Housekeeping(
            self.name,
            {
                **mesh_jobs(self.database, self.outbox, self.request_ids),
                "people": self.people.prune,
                **self.shelves.jobs(),
                **self.evenings.jobs(),
            },
        )
        self._background.append(asyncio.create_task(self.housekeeping.run(), name="housekeeping"))
        return mounts

    def _forget(self, tx: Transaction, user_id: str) -> None:
        """Drops what a person who left kept here, and takes them out of lists and film nights of others."""
        self.departure.forget(tx, user_id)
        self.evenings.forget(tx, user_id)

    def _mount(self, messages: ModuleType, stubs: ModuleType, servicers: dict[str, Any]) -> Mount:
        (service,) = messages.DESCRIPTOR.services_by_name.values()
        if service.name not in servicers:
            return unanswered(messages, stubs)[0]
        return Mount(servicers[service.name], getattr(stubs, f"add_{service.name}Servicer_to_server"), service)

    async def stop(self) -> None:
        """Closes what `start` opened."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.evenings.stop()
        await self.films.stop()
        await self.people.stop()
        await self.database.close()

    async def probes(self) -> dict[str, Probe]:
        """Asks the store, and whether films, people and what they have seen are followed."""
        return {
            "store": Probe(self.database.probe),
            "films": Probe(self.films.probe, required=False),
            "people": Probe(self.people.probe, required=False),
            **self.evenings.probes(),
        }

    def feed(self) -> FeedServicer:
        """Serves what happened to watchlists, lists and film nights."""
        return FeedServicer(self.database, self.outbox)
