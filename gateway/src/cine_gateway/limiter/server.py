"""The limiter's process: Envoy's `RateLimitService` over gRPC, health, metrics."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
import signal
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from prometheus_client import start_http_server

from cine_gateway.limiter import metrics, wire
from cine_gateway.limiter.window import Decision, MemoryWindow, Window
from cine_gateway.settings import GatewaySettings, split_address
from cinemesh import telemetry

_OPTIONS: Final = (("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 64 * 1024))


def window_for(settings: GatewaySettings) -> Window | None:
    """Returns where calls are counted: in Redis if the settings name one, else in memory; None when there is no limit."""
    if settings.rate_limit == 0:
        return None
    url = settings.cache_url
    if url is None:
        return MemoryWindow(settings.rate_limit, settings.rate_limit_window_seconds)
    from cine_gateway.limiter.redis_window import RedisWindow  # its library is a quarter of this process' memory

    return RedisWindow(url, settings.rate_limit, settings.rate_limit_window_seconds)


class Limiter:
    """Answers Envoy's question: may this call pass?"""

    def __init__(self, window: Window | None, limit: int, seconds: int) -> None:
        """Counts in `window`; without one, everything passes."""
        self._window = window
        self._limit = limit
        self._seconds = seconds
        self._passed = metrics.DECISIONS.labels("passed")
        self._refused = metrics.DECISIONS.labels("refused")

    async def answer(self, question: bytes, context: Any) -> bytes:  # noqa: ARG002 - the signature is gRPC's
        """Decides one call. Request and answer are serialized messages of Envoy's API."""
        response = wire.Response(overall_code=wire.OK)
        key = _key(wire.Request.FromString(question))
        if self._window is not None and key:
            decision = await self._window.hit(key)
            for name, value in headers(decision, self._limit, self._seconds):
                response.response_headers_to_add.add(key=name, value=value)
            if not decision.allowed:
                response.overall_code = wire.OVER_LIMIT
            (self._passed if decision.allowed else self._refused).inc()
        response.request_headers_to_add.add(key=wire.COUNTED_HEADER, value="1")
        answer: bytes = response.SerializeToString()
        return answer


def headers(decision: Decision, limit: int, seconds: int) -> list[tuple[str, str]]:
    """Returns what the caller is told: the three well-known headers, the two of the IETF's later drafts, and when to come again."""
    reset = max(1, math.ceil(decision.reset))
    told = [
        ("ratelimit-limit", str(limit)),
        ("ratelimit-remaining", str(decision.remaining)),
        ("ratelimit-reset", str(reset)),
        ("ratelimit-policy", f'"calls";q={limit};w={seconds}'),
        ("ratelimit", f'"calls";r={decision.remaining};t={reset}'),
    ]
    return told if decision.allowed else [*told, ("retry-after", str(reset))]


def _key(request: Any) -> str:
    """Returns whom a call counts for: the user of its verified token, else its address. Hashed: a store keeps no addresses."""
    entries = {entry.key: entry.value for descriptor in request.descriptors for entry in descriptor.entries}
    for name in (wire.USER_ENTRY, wire.ADDRESS_ENTRY):
        if value := entries.get(name):
            return hashlib.blake2b(f"{name}={value}".encode(), digest_size=16).hexdigest()
    return ""


@contextlib.asynccontextmanager
async def serving(settings: GatewaySettings, window: Window | None) -> AsyncIterator[Limiter]:
    """Serves on the limiter's port while the block runs.

    Raises:
        RuntimeError: the port is taken.
    """
    limiter = Limiter(window, settings.rate_limit, settings.rate_limit_window_seconds)
    server = grpc.aio.server(options=_OPTIONS)
    method: Any = grpc.unary_unary_rpc_method_handler(limiter.answer)  # bytes in, bytes out
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(wire.SERVICE, {wire.METHOD: method}),))
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    address = f"{settings.limiter_host}:{split_address(settings.limiter_endpoint)[1]}"
    credentials = _credentials(settings)
    if credentials is None:
        server.add_insecure_port(address)
    else:
        server.add_secure_port(address, credentials)
    await server.start()
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    try:
        yield limiter
    finally:
        await servicer.enter_graceful_shutdown()
        await server.stop(1.0)
        if window is not None:
            await window.close()


def _credentials(settings: GatewaySettings) -> grpc.ServerCredentials | None:
    if not settings.mtls:
        return None
    return settings.tls_files("limiter").server_credentials()


async def _serve(settings: GatewaySettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    window = window_for(settings)
    metrics.SHARED.set(0)
    if window is not None:
        await window.connect()
    log = telemetry.logger("limiter")
    async with serving(settings, window):
        where = "none" if window is None else "memory" if isinstance(window, MemoryWindow) else "redis"
        log.info("serving", limit=settings.rate_limit, seconds=settings.rate_limit_window_seconds, counted_in=where)
        await stop.wait()
    log.info("stopped")


def run(settings: GatewaySettings) -> None:
    """Serves until SIGTERM or SIGINT."""
    start_http_server(settings.limiter_metrics_port, addr=settings.metrics_host, registry=telemetry.REGISTRY)
    asyncio.run(_serve(settings))
