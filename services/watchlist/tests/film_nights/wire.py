"""The service between stand-ins of those it follows, for tests over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from cine.watchlist.v1 import canon_pb2_grpc, film_night_pb2_grpc
from cine_watchlist.app import WatchlistApplication
from cine_watchlist.settings import WatchlistSettings
from cinemesh.errors import CineError
from cinemesh.rpc_status import failure_of
from cinemesh.testing import Running, running, settings_for
from cinemesh.testing.catalogue import CatalogueStandIn, catalogue, read_whole
from cinemesh.testing.identity import StandIn, standing_in
from cinemesh.testing.tokens import TokenFactory

from .conftest import FILMS, NOBODY, PEOPLE, MovableClock


@dataclass
class Mesh:
    """A running watchlist service, and what it follows."""

    running: Running
    catalogue: CatalogueStandIn
    identity: StandIn
    tokens: TokenFactory

    @property
    def app(self) -> Any:
        return self.running.app

    @property
    def nights(self) -> Any:
        return self.running.stub(film_night_pb2_grpc.FilmNightServiceStub)

    @property
    def canon(self) -> Any:
        return self.running.stub(canon_pb2_grpc.CanonServiceStub)

    def by(self, user_id: str) -> tuple[tuple[str, str], ...]:
        """Returns the metadata of a call by a person."""
        return self.tokens.metadata(self.tokens.user(user_id))

    async def until(self, ready: Any) -> None:
        """Waits until something holds."""
        async with asyncio.timeout(20):
            while True:
                if await ready():
                    return
                await asyncio.sleep(0.02)


@asynccontextmanager
async def mesh_of(folder: Path, clock: MovableClock, films: Any = FILMS) -> AsyncIterator[Mesh]:
    """Runs the service with films and people known to those it follows; Ratings is away."""
    async with catalogue(folder, films) as (shop, shop_at), standing_in(folder) as (identity, identity_at):
        identity.people.update(PEOPLE)
        peers = {"catalog": [shop_at], "identity": [identity_at], "ratings": [NOBODY]}
        settings = settings_for(WatchlistSettings, folder, peers=peers, public_url="https://films.example.org")
        tokens = TokenFactory(settings)  # before anybody reads the keys
        async with running(WatchlistApplication(settings, clock=clock)) as server:
            mesh = Mesh(server, shop, identity, tokens)
            await read_whole(mesh.app.films)
            yield mesh


async def refused(call: Awaitable[Any]) -> CineError:
    """Returns why a call was refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)
