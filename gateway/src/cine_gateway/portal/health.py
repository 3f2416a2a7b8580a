"""How the mesh is doing: asks every process of every service at once and says which one is down and why."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cine.common.v1 import status_pb2, status_pb2_grpc
from cine_gateway.settings import GatewaySettings
from cinemesh import topology
from cinemesh.tls import open_channel

_FRESH_SECONDS = 0.5


@dataclass(frozen=True)
class Answer:
    """What one process said, or why it said nothing.

    Attributes:
        latency_ms: time of the call, in milliseconds.
        status: its answer; None when it is down.
        reason: why it is down; empty otherwise.
    """

    latency_ms: float
    status: status_pb2.GetStatusResponse | None = None
    reason: str = ""

    @property
    def ready(self) -> bool:
        """Whether the process can do its work."""
        return self.status is not None and self.status.ready


class HealthMonitor:
    """Asks the StatusService of every process. One round serves everybody who asks within half a second."""

    def __init__(self, settings: GatewaySettings) -> None:
        """Prepares a channel to every process; connections are made at the first question."""
        self._seconds = settings.health_seconds
        options: list[tuple[str, int | str]] = [
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        tls = settings.tls_files("portal") if settings.mtls else None
        self._channels = {
            service: [open_channel(address, service, tls, options) for address in settings.endpoints(service)]
            for service in topology.SERVICES
        }
        self._limiter = open_channel(settings.limiter_endpoint, "limiter", tls, options)
        self._lock = asyncio.Lock()
        self._round: dict[str, list[Answer]] = {}
        self._asked = float("-inf")

    async def close(self) -> None:
        """Closes the channels."""
        everyone = [self._limiter, *(channel for channels in self._channels.values() for channel in channels)]
        await asyncio.gather(*(channel.close() for channel in everyone))

    async def ask(self) -> dict[str, list[Answer]]:
        """Returns the answers by service, one a process; never raises."""
        async with self._lock:
            if time.monotonic() - self._asked > _FRESH_SECONDS:
                services = list(self._channels)
                rounds = await asyncio.gather(
                    *(asyncio.gather(*(self._ask(channel) for channel in self._channels[one])) for one in services)
                )
                self._round = dict(zip(services, rounds, strict=True))
                self._asked = time.monotonic()
            return self._round

    async def _ask(self, channel: grpc.aio.Channel) -> Answer:
        begin = time.perf_counter()
        try:
            stub = status_pb2_grpc.StatusServiceStub(channel)
            status = await stub.GetStatus(status_pb2.GetStatusRequest(), timeout=self._seconds)
        except grpc.aio.AioRpcError as error:
            return Answer(_since(begin), reason=self._why(error))
        return Answer(_since(begin), status)

    async def ask_limiter(self) -> Answer:
        """Returns whether the gateway's rate limiter answers; without it Envoy counts by itself, for each gateway alone."""
        begin = time.perf_counter()
        try:
            stub: Any = health_pb2_grpc.HealthStub(self._limiter)  # the published types leave the methods out
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=self._seconds)
        except grpc.aio.AioRpcError as error:
            return Answer(_since(begin), reason=self._why(error))
        return Answer(_since(begin), status_pb2.GetStatusResponse(ready=True))

    def _why(self, error: grpc.aio.AioRpcError) -> str:
        # the library's own text holds addresses, so only the code is told
        code = error.code()
        if code is grpc.StatusCode.UNAVAILABLE:
            return "nothing answers on its port"
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"did not answer within {self._seconds:g} s"
        return f"answered {code.name}"


def _since(begin: float) -> float:
    return round((time.perf_counter() - begin) * 1000, 2)


def _process(answer: Answer) -> dict[str, Any]:
    if answer.status is None:
        return {"status": "down", "latency_ms": answer.latency_ms, "reason": answer.reason}
    status = answer.status
    dependencies = [
        {
            "name": one.name,
            "status": "ok" if one.ok else "down",
            "required": one.required,
            "latency_ms": round(one.latency_ms, 2),
            "detail": one.detail,
        }
        for one in status.dependencies
    ]
    failing = [one for one in status.dependencies if not one.ok]
    described: dict[str, Any] = {
        "status": "down" if not status.ready else "degraded" if failing else "ok",
        "version": status.version,
        "profile": status.profile,
        "uptime_seconds": status.uptime_seconds,
        "latency_ms": answer.latency_ms,
        "dependencies": dependencies,
    }
    if failing or not status.ready:
        described["reason"] = (
            "; ".join(f"{one.name}: {one.detail or 'does not answer'}" for one in failing) or "not ready yet"
        )
    return described


def _service(answers: list[Answer]) -> dict[str, Any]:
    """Describes a service: as its only process, or as the best of several with all of them listed."""
    processes = [_process(answer) for answer in answers]
    if len(processes) == 1:
        return processes[0]
    best = min(processes, key=lambda one: ("ok", "degraded", "down").index(one["status"]))
    broken = [(n, one) for n, one in enumerate(processes) if one["status"] != "ok"]
    described = {**best, "replicas": processes}
    if broken:
        described["status"] = "down" if best["status"] == "down" else "degraded"
        described["reason"] = "; ".join(f"replica {n}: {one['reason']}" for n, one in broken)
    return described


def detailed(answers: dict[str, list[Answer]], limiter: Answer) -> dict[str, Any]:
    """Returns the body of `/health/detailed`: `status` is "ok" or "degraded", `services` and `limiter` say why."""
    services = {name: _service(list(found)) for name, found in answers.items()}
    down = [name for name, one in services.items() if one["status"] == "down"]
    counting = {"status": "ok" if limiter.ready else "degraded", "latency_ms": limiter.latency_ms}
    if not limiter.ready:
        counting["reason"] = f"{limiter.reason}: each gateway counts calls by itself, minute by minute"
    whole = limiter.ready and all(one["status"] == "ok" for one in services.values())
    return {
        "status": "ok" if whole else "degraded",
        "checked_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "down": down,
        "services": services,
        "limiter": counting,
    }


def readiness(answers: dict[str, list[Answer]], required: list[str]) -> tuple[bool, dict[str, Any]]:
    """Returns whether every required service has a process that is ready, and the body of `/health/ready`."""
    missing = {
        name: next((answer.reason for answer in answers[name] if answer.reason), "not ready yet")
        for name in required
        if not any(answer.ready for answer in answers[name])
    }
    return not missing, {"status": "unavailable" if missing else "ok", "not_ready": missing}
