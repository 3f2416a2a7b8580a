"""Metrics: how many calls, how long, how many at once, by method and outcome."""

from __future__ import annotations

import time
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from cinemesh import telemetry
from cinemesh.errors import Code
from cinemesh.interceptors.call import Call, Equipment, Method, Proceed

_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
HANDLED = Counter(
    "grpc_server_handled",
    "Calls answered, by outcome.",
    ("grpc_service", "grpc_method", "grpc_code"),
    registry=telemetry.REGISTRY,
)
SECONDS = Histogram(
    "grpc_server_handling_seconds",
    "Time from the first byte of the request to the last of the answer.",
    ("grpc_service", "grpc_method"),
    buckets=_BUCKETS,
    registry=telemetry.REGISTRY,
)
IN_FLIGHT = Gauge(
    "grpc_server_in_flight", "Calls being answered.", ("grpc_service", "grpc_method"), registry=telemetry.REGISTRY
)


def step(method: Method, equipment: Equipment, proceed: Proceed) -> Proceed:  # noqa: ARG001
    """Wraps the chain in counters, looked up once a method and code."""
    in_flight = IN_FLIGHT.labels(method.service, method.name)
    seconds = SECONDS.labels(method.service, method.name)
    handled: dict[Code, Counter] = {}

    async def around(call: Call) -> Any:
        in_flight.inc()
        try:
            return await proceed(call)
        finally:
            in_flight.dec()
            seconds.observe(time.perf_counter() - call.started)
            counter = handled.get(call.code)
            if counter is None:
                counter = handled[call.code] = HANDLED.labels(method.service, method.name, call.code.name)
            counter.inc()

    return around
