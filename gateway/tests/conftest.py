"""A real Envoy from the wheel, in front of a small real gRPC backend with canned films, on free ports.

The contracts are the real ones with additions of every unusual kind: a stream of server-sent events, an upload and a download in
pieces, and a REST call for services only. That they work shows that the gateway needs no change for a new call.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import uvicorn
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from cine.common.v1 import status_pb2_grpc
from cine.recommender.v1 import cinematch_pb2_grpc
from cine_gateway import contracts as contracts_of
from cine_gateway import envoy
from cine_gateway.portal import certificates, create_app
from cine_gateway.settings import GatewaySettings
from cinemesh import topology
from cinemesh.testing.ports import free_base

from .backend import Catalog, CineMatch, Status, add_catalog, extended_contracts

# gRPC wakes every event loop of a process through one pipe, and the loops that come too late say so; it is harmless and long
logging.getLogger("asyncio").addFilter(lambda record: "PollerCompletionQueue" not in record.getMessage())

GOOD_ORIGIN = "https://films.example"


class Loop:
    """An event loop in a thread: the backend answers while a test waits."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Any) -> Any:
        """Runs a coroutine there and returns its result."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        return future.result(timeout=20)

    def stop(self) -> None:
        """Stops the loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=5)
        self.loop.close()


@dataclass
class Process:
    """One gRPC process of the backend."""

    name: str
    port: int
    status: Status
    server: Any = None
    add: Callable[[Any], None] = lambda _: None
    health: Any = None
    credentials: grpc.ServerCredentials | None = None

    async def start(self) -> None:
        """Starts serving."""
        self.server = grpc.aio.server()
        self.add(self.server)
        status_pb2_grpc.add_StatusServiceServicer_to_server(self.status, self.server)
        self.health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self.server)
        await self.health.set("", health_pb2.HealthCheckResponse.SERVING)
        address = f"{topology.LOOPBACK}:{self.port}"
        if self.credentials is None:
            assert self.server.add_insecure_port(address) == self.port
        else:
            assert self.server.add_secure_port(address, self.credentials) == self.port
        await self.server.start()

    async def stop(self) -> None:
        """Ends the process: its port refuses connections."""
        await self.server.stop(None)


@dataclass
class Mesh:
    """The gateway and what stands behind it."""

    settings: GatewaySettings
    url: str
    catalog: Catalog
    processes: dict[str, Process]
    loop: Loop
    folder: Path
    log: Path

    def admin(self, path: str) -> httpx.Response:
        """Asks Envoy's admin interface."""
        return httpx.get(f"http://{topology.LOOPBACK}:{self.settings.admin_port}{path}", timeout=5)

    def wait_for_everything(self) -> None:
        """Waits until every process takes calls."""
        self.wait_for_hosts("catalog", 1)
        self.wait_for_hosts("recommender", 2)
        # Envoy counts in its main thread; the workers learn of it a moment later
        until(lambda: all(httpx.get(self.url + path).status_code == 200 for path in ("/health", "/api/v1/movies/603")))

    def wait_for_hosts(self, cluster: str, healthy: int) -> None:
        """Waits until Envoy holds so many processes of a cluster for healthy."""
        until(
            lambda: (
                f"cluster.{cluster}.membership_healthy: {healthy}"
                in self.admin(f"/stats?filter=^cluster.{cluster}.membership_healthy").text
            )
        )


def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("it did not become true")
        time.sleep(0.05)


def start_envoy(
    settings: GatewaySettings, folder: Path, contracts: contracts_of.Contracts
) -> tuple[subprocess.Popen[bytes], Path]:
    """Renders and starts Envoy and waits until it takes requests."""
    config = envoy.render(settings, contracts)
    log = folder / "envoy.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(envoy.command(settings, config), stdout=sink, stderr=subprocess.STDOUT)

    def ready() -> bool:
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        try:
            return httpx.get(f"http://{topology.LOOPBACK}:{settings.admin_port}/ready", timeout=1).status_code == 200
        except httpx.TransportError:
            return False

    until(ready)
    return process, log


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that a test started."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def portal(settings: GatewaySettings, contracts: contracts_of.Contracts) -> Iterator[None]:
    """Runs the portal on its port."""
    config = uvicorn.Config(
        create_app(settings, contracts),
        host=topology.LOOPBACK,
        port=topology.portal_port(settings.port_base),
        log_level="error",
        lifespan="on",
        **certificates(settings),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """The gateway before a catalogue and a recommender; the other five services are down."""
    folder = tmp_path_factory.mktemp("gateway")
    base = free_base()
    web = folder / "web"
    (web / "css").mkdir(parents=True)
    (web / "index.html").write_text("<!doctype html><title>explorer</title>" + "<p>film</p>" * 200)
    (web / "css" / "site.css").write_text("p { color: #123 }\n" * 100)
    (folder / "secret.txt").write_text("secret")
    settings = GatewaySettings(
        var_dir=folder / "var",
        port=base + 99,
        port_base=base,
        cors_origins=[GOOD_ORIGIN],
        web_dir=web,
        request_seconds=1.5,
        stream_seconds=20,
        workers=1,
        replicas={"recommender": 2},
        health_seconds=0.5,
        rate_limit=0,
        access_log=str(folder / "access.log"),
        _env_file=None,
    )
    contracts = extended_contracts()
    catalog = Catalog()
    loop = Loop()
    processes = {
        "catalog": Process(
            "catalog",
            topology.grpc_port("catalog", base),
            Status("catalog"),
            add=lambda server: add_catalog(catalog, server),
        ),
        **{
            f"recommender-{replica}": Process(
                "recommender",
                topology.grpc_port("recommender", base, replica),
                Status("recommender"),
                add=lambda server: cinematch_pb2_grpc.add_CineMatchServiceServicer_to_server(CineMatch(), server),
            )
            for replica in range(2)
        },
    }
    for process in processes.values():
        loop.run(process.start())
    with portal(settings, contracts):
        envoy_process, log = start_envoy(settings, folder, contracts)
        try:
            found = Mesh(
                settings,
                f"http://{topology.LOOPBACK}:{settings.port}",
                catalog,
                processes,
                loop,
                folder,
                folder / "access.log",
            )
            found.wait_for_everything()
            yield found
        finally:
            end(envoy_process)
            for process in processes.values():
                loop.run(process.stop())
            loop.stop()
            sys.stderr.write(log.read_text()[-4000:])  # pytest shows it when something failed


@pytest.fixture(name="until")
def _until() -> Callable[[Callable[[], bool]], None]:
    """Waits for something to become true."""
    return until


@pytest.fixture
def port_base() -> int:
    """A base of free ports for a second gateway."""
    return free_base()


@pytest.fixture
def http(mesh: Mesh) -> Iterator[httpx.Client]:
    """A REST client of the gateway."""
    with httpx.Client(base_url=mesh.url, timeout=10) as client:
        yield client


@pytest.fixture
async def channel(mesh: Mesh) -> AsyncIterator[Any]:
    """A gRPC channel to the gateway."""
    async with grpc.aio.insecure_channel(f"{topology.LOOPBACK}:{mesh.settings.port}") as one:
        yield one


@pytest.fixture
def stopped(mesh: Mesh) -> Iterator[Callable[[str], None]]:
    """Stops a process; it runs again when the test ends."""
    names: list[str] = []

    def stop(name: str) -> None:
        names.append(name)
        mesh.loop.run(mesh.processes[name].stop())

    yield stop
    for name in names:
        mesh.loop.run(mesh.processes[name].start())
    mesh.wait_for_everything()
