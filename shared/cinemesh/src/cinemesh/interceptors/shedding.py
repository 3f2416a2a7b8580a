"""Shedding: refuses at once what would only wait, so that the calls let in stay quick."""

from __future__ import annotations

from typing import Any

from prometheus_client import Counter

from cinemesh import telemetry
from cinemesh.errors import Reason, ResourceExhausted
from cinemesh.interceptors.call import Call, Equipment, Method, Proceed

SHED = Counter("grpc_server_shed", "Calls refused because the service was full.", registry=telemetry.REGISTRY)
_COME_BACK_SECONDS = 0.2


class Limit:
    """How many calls a server works on at once. Only touched on the event loop: no lock."""

    __slots__ = ("busy", "most")

    def __init__(self, most: int) -> None:
        """Allows `most` calls at once, at least 1."""
        self.most = most
        self.busy = 0


def step(method: Method, equipment: Equipment, proceed: Proceed) -> Proceed:
    """Wraps the chain in the limit; plumbing (health, status, feed) is always let in."""
    if method.infrastructure:
        return proceed
    limit = equipment.limit

    async def around(call: Call) -> Any:
        if limit.busy >= limit.most:
            SHED.inc()
            raise ResourceExhausted(
                f"{equipment.application} is at its limit of concurrent calls; try again shortly",
                reason=Reason.OVERLOADED,
                retry_after=_COME_BACK_SECONDS,
            )
        limit.busy += 1
        try:
            return await proceed(call)
        finally:
            limit.busy -= 1

    return around
