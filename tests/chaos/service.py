"""Services as processes of their own that can be killed and started again, with stand-ins for the catalogue and Identity beside them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cinemesh import topology
from cinemesh.testing import TokenFactory
from cinemesh.testing.catalogue import CatalogueSettings, catalogue, film
from cinemesh.testing.harness import settings_for
from cinemesh.testing.identity import StandIn, standing_in

FILMS = 60
_ROOT = Path(__file__).resolve().parents[2]
_READY_SECONDS = 60.0


def film_title(movie_id: int) -> str:
    """Returns what a film of the stand-in catalogue is called."""
    return f"Film {movie_id}"


def film_year(movie_id: int) -> int:
    """Returns when it came out."""
    return 1980 + movie_id % 40


class ServiceProcess:
    """A service under test.

    Args:
        name: of the service, such as "ratings".
        folder: its state.
        base: first port of the mesh.
        store_url: its store.
        peers: addresses of those it calls, by name.
        module: what `python -m` runs; the service itself when empty.
        more: further settings, as environment variables.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        base: int,
        store_url: str,
        peers: Mapping[str, str],
        *,
        module: str = "",
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._module = module or f"cine_{name}"
        self.address = f"{topology.LOOPBACK}:{topology.grpc_port(name, base)}"
        own = {key: value for key, value in os.environ.items() if not key.startswith("CINE_")}
        self._environment = {
            **own,
            "CINE_PORT_BASE": str(base),
            "CINE_VAR_DIR": str(folder / "var"),
            "CINE_LOG_LEVEL": "warning",
            "CINE_DRAIN_SECONDS": "0",
            f"CINE_{name.upper()}_DATABASE_URL": store_url,
            "CINE_PEERS": json.dumps({peer: [at] for peer, at in peers.items()}),
            **(more or {}),
        }
        self._log = folder / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None
        #: Set while it serves.
        self.serving = asyncio.Event()

    async def start(self) -> float:
        """Starts it and waits until it serves. Returns how many seconds that took.

        Raises:
            RuntimeError: it ended, or did not serve in time; the message ends with its log.
        """
        began = time.monotonic()
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._module, cwd=_ROOT, env=self._environment, stdout=log, stderr=log
            )
        while not await self._serves():
            if self._process.returncode is not None or time.monotonic() - began > _READY_SECONDS:
                raise RuntimeError(f"{self.name} does not serve:\n{self._log.read_text()[-3000:]}")
            await asyncio.sleep(0.02)
        self.serving.set()
        return time.monotonic() - began

    async def _serves(self) -> bool:
        async with grpc.aio.insecure_channel(self.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            try:
                answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=1.0)
            except grpc.aio.AioRpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def kill(self) -> None:
        """Ends it as a power cut of the process would: SIGKILL, at once."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ends it in order."""
        await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> None:
        self.serving.clear()
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()


@dataclass(frozen=True)
class Surroundings:
    """What stands around services under test.

    Attributes:
        identity: where accounts are.
        tokens: makes tokens of people that services believe.
        peers: addresses of Identity and the catalogue.
    """

    identity: StandIn
    tokens: TokenFactory
    peers: dict[str, str]


@asynccontextmanager
async def surroundings(folder: Path, films: int = FILMS) -> AsyncIterator[Surroundings]:
    """Runs the stand-ins for the block, with so many films."""
    known = [film(movie_id, film_title(movie_id), year=film_year(movie_id)) for movie_id in range(1, films + 1)]
    async with standing_in(folder) as (identity, at_identity), catalogue(folder, known) as (_, at_catalogue):
        tokens = TokenFactory(settings_for(CatalogueSettings, folder))
        yield Surroundings(identity, tokens, {"identity": at_identity, "catalog": at_catalogue})


@asynccontextmanager
async def under_test(
    name: str, folder: Path, base: int, store_url: str
) -> AsyncIterator[tuple[ServiceProcess, TokenFactory]]:
    """Runs a service among stand-ins for the block; yields it, and what makes tokens of people that it believes."""
    async with surroundings(folder) as around:
        process = ServiceProcess(name, folder, base, store_url, around.peers)
        await process.start()
        try:
            yield process, around.tokens
        finally:
            await process.stop()
