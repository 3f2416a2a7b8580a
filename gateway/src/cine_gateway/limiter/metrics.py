"""Prometheus metrics of the limiter."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

from cinemesh.telemetry import REGISTRY

DECISIONS: Final = Counter("cine_limiter_calls", "Calls asked about, by outcome.", ["outcome"], registry=REGISTRY)
SHARED: Final = Gauge(
    "cine_limiter_shared", "1 while calls are counted in Redis, shared by all gateways.", registry=REGISTRY
)
REDIS_FAILURES: Final = Counter(
    "cine_limiter_redis_failures", "Times Redis did not answer a call or a look.", registry=REGISTRY
)
