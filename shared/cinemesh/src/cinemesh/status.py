"""How a service says of itself whether it works: `StatusService` over the probes of the application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cine.common.v1 import status_pb2, status_pb2_grpc
from cinemesh import telemetry
from cinemesh.errors import CineError

PROBE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Probe:
    """How to ask a dependency whether it works.

    Attributes:
        check: returns a short detail (version, size), or raises; it has `PROBE_SECONDS` to answer.
        required: whether the service cannot work without the dependency.
    """

    check: Callable[[], Awaitable[str]]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Identity:
    """What a service says it is."""

    service: str
    version: str
    profile: str


class StatusServicer(status_pb2_grpc.StatusServiceServicer):
    """Answers `GetStatus`; every dependency is probed at once, and a slow one counts as away."""

    def __init__(self, identity: Identity, probes: Callable[[], Awaitable[dict[str, Probe]]]) -> None:
        """Takes what to say and whom to ask; `ready_since` is set when the service has started."""
        self._identity = identity
        self._probes = probes
        self.ready_since: float | None = None
        self._log = telemetry.logger(identity.service)

    async def GetStatus(  # noqa: N802 - named by the contract
        self,
        request: status_pb2.GetStatusRequest,  # noqa: ARG002
        context: Any,  # noqa: ARG002
    ) -> status_pb2.GetStatusResponse:
        """Says what runs, for how long, and whether its dependencies answer."""
        answer = status_pb2.GetStatusResponse(
            service=self._identity.service, version=self._identity.version, profile=self._identity.profile
        )
        if self.ready_since is None:
            return answer
        answer.uptime_seconds = int(time.monotonic() - self.ready_since)
        probes = await self._probes()
        answer.dependencies.extend(await asyncio.gather(*(self._ask(name, probe) for name, probe in probes.items())))
        answer.ready = all(dependency.ok for dependency in answer.dependencies if dependency.required)
        return answer

    async def _ask(self, name: str, probe: Probe) -> status_pb2.Dependency:
        started = time.perf_counter()
        ok = True
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                detail = await probe.check()
        except TimeoutError:
            ok, detail = False, f"no answer within {PROBE_SECONDS:g} s"
        except CineError as error:
            ok, detail = False, error.message
        except Exception as error:
            # its text may hold an address or a secret: the log has it, redacted, the caller gets the kind
            self._log.warning("probe failed", dependency=name, error=f"{type(error).__name__}: {error}")
            ok, detail = False, f"failed: {type(error).__name__}"
        latency = (time.perf_counter() - started) * 1000
        return status_pb2.Dependency(name=name, ok=ok, required=probe.required, latency_ms=latency, detail=detail)
