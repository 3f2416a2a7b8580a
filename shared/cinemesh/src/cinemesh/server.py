"""The server every service runs in: `run(app)`.

The port is bound first and answers health (NOT_SERVING) and status at once; the application starts behind it, so a
watcher sees "starting" instead of a refused connection. Calls that come before it is ready get UNAVAILABLE and may be
tried again.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
import sys
import time
from typing import Any, Final, cast

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc
from prometheus_client import start_http_server

from cine.common.v1 import access_pb2, feed_pb2, feed_pb2_grpc, status_pb2, status_pb2_grpc
from cinemesh import client, telemetry
from cinemesh.auth import TokenVerifier, verifier_for
from cinemesh.errors import CineError, NotImplementedYet, Unavailable
from cinemesh.handlers import Mount, Router
from cinemesh.interceptors import Equipment
from cinemesh.interceptors.shedding import Limit
from cinemesh.keys import ensure_mesh_keys
from cinemesh.revocation import RevocationFollower, Revocations
from cinemesh.settings import ServiceSettings
from cinemesh.status import Identity, Probe, StatusServicer
from cinemesh.tls import ensure_tls

__all__ = ["Application", "Mount", "PortInUse", "Probe", "Server", "StartFailed", "run"]

EXIT_PORT_IN_USE: Final = 3
EXIT_START_FAILED: Final = 4
_COLLECTED_AFTER: Final = (5_000, 20, 50)
"""New objects after which young ones are looked at, and how often that is done before older ones are."""
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
# A last resort below our own shedding, which answers with details and first.
_HARD_LIMIT_FACTOR: Final = 8
_MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024


class PortInUse(Exception):
    """A port the service needs is taken; the text says which and what to do."""


class StartFailed(Exception):
    """The application could not start; the text says why in one line."""


class Application(abc.ABC):
    """A service: what it is called, what it mounts, how it starts and stops.

    Attributes:
        name: short name, one of `topology.SERVICES` where it is a service of the mesh.
        version: version of the code.
        settings: its settings.
    """

    name: str
    version: str = "0.1.0"
    settings: ServiceSettings

    @abc.abstractmethod
    async def start(self) -> list[Mount]:
        """Opens stores, loads models and returns what to mount. Runs while the port already answers.

        Raises:
            CineError: something required is missing; its message is printed and the process ends.
        """

    async def stop(self) -> None:  # noqa: B027 - an application without resources needs none
        """Closes what `start` opened; also called after a failed start, so it copes with half an application."""

    async def probes(self) -> dict[str, Probe]:
        """Returns the dependencies to ask about when the status is wanted, by name ("store", "model:content")."""
        return {}

    async def own_keys(self) -> bytes:
        """Returns the JWKS document this service signs people's tokens with; Identity alone has one.

        In Identity the source `mesh:identity` is this document, so that it verifies its own tokens without asking itself over
        the network.

        Raises:
            LookupError: the service signs nothing, or has no key yet.
        """
        raise LookupError(f"{self.name} signs no tokens")

    def feed(self) -> feed_pb2_grpc.FeedServiceServicer | None:
        """Returns the change feed to mount, once started; None when the service owns no facts."""
        return None


class Server:
    """One serving process: the gRPC server, its plumbing and an application's life."""

    def __init__(self, app: Application, *, verifier: TokenVerifier | None = None) -> None:
        """Prepares; nothing is bound or started yet. Must be made on the event loop it will run on."""
        self.app = app
        self.settings = app.settings
        self.port = 0
        # Identity has sessions and accounts at hand and needs no feed to know of them
        revocations = Revocations() if app.settings.revocation and app.name != "identity" else None
        self._follower = RevocationFollower(app.settings, revocations) if revocations is not None else None
        self._equipment = Equipment(
            application=app.name,
            settings=app.settings,
            verifier=verifier or verifier_for(app.settings, app.own_keys if app.name == "identity" else None),
            limit=Limit(app.settings.max_concurrent_rpcs),
            revocations=revocations,
        )
        self._router = Router(self._equipment, self._missing)
        self._health = health.aio.HealthServicer()
        identity = Identity(app.name, app.version, app.settings.profile)
        self._status = StatusServicer(identity, self._probes)
        self._grpc: grpc.aio.Server | None = None
        self._metrics: Any = None
        self._log = telemetry.logger(app.name)
        self._stopping = False

    @property
    def ready(self) -> bool:
        """Whether the application has started and nobody asked it to stop."""
        return self._status.ready_since is not None and not self._stopping

    async def bind(self, port: int, metrics_port: int | None) -> None:
        """Binds the ports and answers health and status.

        Args:
            port: gRPC port; 0 for any free one, see `self.port` afterwards.
            metrics_port: port of `/metrics`, on `metrics_host`; None for none.

        Raises:
            PortInUse: one of them is taken.
            StartFailed: certificates are wanted and missing.
        """
        host = self.settings.host
        if port:
            _require_free(host, port)
        self._grpc = grpc.aio.server(
            options=_options(self.settings),
            maximum_concurrent_rpcs=self.settings.max_concurrent_rpcs * _HARD_LIMIT_FACTOR,
        )
        self._grpc.add_generic_rpc_handlers((self._router,))
        for mount in _plumbing(self._health, self._status):
            self._router.add(mount)
        await self._health.set("", _NOT_SERVING)
        try:
            self.port = self._open(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except RuntimeError as error:
            raise PortInUse(_port_in_use(port)) from error
        if metrics_port is not None:
            self._metrics = _serve_metrics(self.settings.metrics_host, metrics_port)
        await self._grpc.start()

    def _open(self, address: str) -> int:
        assert self._grpc is not None
        if not self.settings.mtls:
            return self._grpc.add_insecure_port(address)
        try:
            credentials = self.settings.tls_files(self.settings.service).server_credentials()
        except OSError as error:
            raise StartFailed(f"{self.app.name} cannot start: {error}") from None
        return self._grpc.add_secure_port(address, credentials)

    async def start(self) -> None:
        """Starts the application and opens its methods.

        Raises:
            StartFailed: the application could not; it has been stopped again.
        """
        started = time.monotonic()
        try:
            mounts = await self.app.start()
            for mount in [*mounts, *self._late_plumbing(mounts)]:
                self._router.add(mount)
        except Exception as error:
            self._log.exception("start failed")
            with contextlib.suppress(Exception):
                await self.app.stop()
            raise StartFailed(f"{self.app.name} cannot start: {_plainly(error)}") from error
        if self._follower is not None:
            self._follower.start()
        self._status.ready_since = time.monotonic()
        for name in ("", *(mount.descriptor.full_name for mount in mounts)):
            await self._health.set(name, _SERVING)
        seconds = round(time.monotonic() - started, 3)
        self._log.info("serving", port=self.port, version=self.app.version, start_seconds=seconds)

    async def stop(self) -> None:
        """Says NOT_SERVING, lets balancers notice, finishes the calls in flight, then stops the application."""
        self._stopping = True
        if self._follower is not None:
            await self._follower.stop()
        await self._health.enter_graceful_shutdown()
        if self._status.ready_since is not None:
            self._log.info("draining", seconds=self.settings.drain_seconds)
            await asyncio.sleep(self.settings.drain_seconds)
        self._equipment.lifetime.end_streams()
        if self._grpc is not None:
            await self._grpc.stop(self.settings.grace_seconds)
        if self._status.ready_since is not None:
            await self.app.stop()
            self._status.ready_since = None
        await self._equipment.verifier.close()
        if self._metrics is not None:
            server, thread = self._metrics
            await asyncio.to_thread(server.shutdown)
            server.server_close()
            await asyncio.to_thread(thread.join, 2)
        self._log.info("stopped")

    async def _probes(self) -> dict[str, Probe]:
        probes = await self.app.probes()
        if self._follower is not None:
            probes["revocations"] = Probe(self._follower.probe, required=False)
        return probes

    def _missing(self, path: str) -> CineError:
        if self._status.ready_since is None:
            return Unavailable(f"{self.app.name} is starting; try again shortly", retry_after=0.5)
        return NotImplementedYet(f"{self.app.name} has no method {path[:200]}")

    def _late_plumbing(self, mounts: list[Mount]) -> list[Mount]:
        """Feed and reflection: what is only known once the application has started."""
        late = []
        feed = self.app.feed()
        names = [mount.descriptor.full_name for mount in mounts]
        if feed is not None:
            described = feed_pb2.DESCRIPTOR.services_by_name["FeedService"]
            late.append(Mount(feed, feed_pb2_grpc.add_FeedServiceServicer_to_server, described, infrastructure=True))
            names.append(described.full_name)
        if self.settings.environment != "production":
            names += ["cine.common.v1.StatusService", health.SERVICE_NAME, reflection.SERVICE_NAME]
            late.append(
                Mount(
                    reflection.aio.ReflectionServicer(names),
                    reflection_pb2_grpc.add_ServerReflectionServicer_to_server,
                    cast(ServiceDescriptor, reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]),
                    infrastructure=True,
                    access=int(access_pb2.ACCESS_PUBLIC),
                )
            )
        return late


def _plainly(error: Exception) -> str:
    return error.message if isinstance(error, CineError) else f"{type(error).__name__}: {telemetry.redact(str(error))}"


def _plumbing(health_servicer: Any, status_servicer: StatusServicer) -> list[Mount]:
    return [
        Mount(
            health_servicer,
            health_pb2_grpc.add_HealthServicer_to_server,
            cast(ServiceDescriptor, health_pb2.DESCRIPTOR.services_by_name["Health"]),
            infrastructure=True,
            access=int(access_pb2.ACCESS_PUBLIC),
        ),
        Mount(
            status_servicer,
            status_pb2_grpc.add_StatusServiceServicer_to_server,
            status_pb2.DESCRIPTOR.services_by_name["StatusService"],
            infrastructure=True,
        ),
    ]


def _options(settings: ServiceSettings) -> list[tuple[str, int]]:
    return [
        # with SO_REUSEPORT a second process would bind the same port and silently take half the connections
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", _MAX_ANSWER_BYTES),
        ("grpc.max_metadata_size", 32 * 1024),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]


def _require_free(host: str, port: int) -> None:
    """Tries the port before gRPC does: its own failure comes with pages of C++ log."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(_port_in_use(port)) from error
            raise PortInUse(f"port {port} cannot be bound: {os.strerror(error.errno or 0)}") from error


def _port_in_use(port: int) -> str:
    return f"port {port} is in use; set CINE_PORT_BASE to another base or stop the process that holds it"


def _serve_metrics(host: str, port: int) -> Any:
    try:
        return start_http_server(port, addr=host, registry=telemetry.REGISTRY)
    except OSError as error:
        raise PortInUse(_port_in_use(port)) from error


def run(app: Application) -> None:
    """Serves an application until SIGTERM or SIGINT; a second signal ends the process at once.

    Raises:
        SystemExit: 3 when a port is taken, 4 when the application cannot start; one plain line on stderr says which.
    """
    telemetry.set_up(app.settings, name=app.name, version=app.version)
    try:
        asyncio.run(_serve(app))
    except PortInUse as error:
        print(f"{app.name}: {error}", file=sys.stderr)
        raise SystemExit(EXIT_PORT_IN_USE) from None
    except StartFailed as error:
        print(str(error), file=sys.stderr)
        raise SystemExit(EXIT_START_FAILED) from None
    finally:
        telemetry.shut_down()


def _spare_collections() -> None:
    """Keeps collections of garbage from stopping the process for a tenth of a second and more.

    Each full one looks at all objects there are, and most live as long as the process: modules, contracts, statements. Once these are there
    they are looked at no more, and the rest less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)


async def _serve(app: Application) -> None:
    settings = app.settings
    if settings.environment == "development":
        await asyncio.to_thread(ensure_mesh_keys, settings.var_dir)
        if settings.mtls and settings.tls_dir is None:
            await asyncio.to_thread(ensure_tls, settings.var_dir)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)  # asked twice: no more waiting
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    server = Server(app)
    await server.bind(settings.grpc_port, settings.metrics_port)
    starting = asyncio.create_task(server.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting  # raises what made it fail
            _spare_collections()
            await stopping
        else:
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
            await app.stop()
    finally:
        await server.stop()
        await client.close_channels()
        stopping.cancel()
