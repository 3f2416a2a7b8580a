"""Who listens where. The only place that knows it: everything else asks.

Ports are counted from a base (`CINE_PORT_BASE`), so that several meshes run side by side on one machine: gRPC of the
seven services is +1 to +7, replica *n* (0-based) adds 10·n, Prometheus adds 100 to the gRPC port, the portal is +90,
Envoy's admin +91 and the rate limiter +92.
"""

from __future__ import annotations

from typing import Final

DEFAULT_PORT_BASE: Final = 50050
DEFAULT_GATEWAY_PORT: Final = 8000
MAX_REPLICAS: Final = 9
LOOPBACK: Final = "127.0.0.1"

SERVICES: Final[dict[str, int]] = {
    "identity": 1,
    "catalog": 2,
    "ratings": 3,
    "watchlist": 4,
    "recommender": 5,
    "aesthetic": 6,
    "sentiment": 7,
}
"""Every service, with the offset of its gRPC port."""

_REPLICA_STEP: Final = 10
_METRICS_OFFSET: Final = 100
_PORTAL_OFFSET: Final = 90
_ADMIN_OFFSET: Final = 91
_LIMITER_OFFSET: Final = 92


def grpc_port(name: str, base: int = DEFAULT_PORT_BASE, replica: int = 0) -> int:
    """Returns the gRPC port of a replica (0-based) of a service.

    Raises:
        ValueError: the service is not one of `SERVICES`, or the replica is not within 0..8.
    """
    if name not in SERVICES:
        raise ValueError(f"unknown service {name!r}; the mesh has {', '.join(SERVICES)}")
    if not 0 <= replica < MAX_REPLICAS:
        raise ValueError(f"replica {replica} of {name} is outside 0..{MAX_REPLICAS - 1}")
    return base + SERVICES[name] + _REPLICA_STEP * replica


def metrics_port(name: str, base: int = DEFAULT_PORT_BASE, replica: int = 0) -> int:
    """Returns the port of Prometheus' `/metrics` of a replica of a service."""
    return grpc_port(name, base, replica) + _METRICS_OFFSET


def portal_port(base: int = DEFAULT_PORT_BASE) -> int:
    """Returns the HTTP port of the portal (docs, health, explorer)."""
    return base + _PORTAL_OFFSET


def admin_port(base: int = DEFAULT_PORT_BASE) -> int:
    """Returns the port of Envoy's admin interface."""
    return base + _ADMIN_OFFSET


def limiter_port(base: int = DEFAULT_PORT_BASE) -> int:
    """Returns the gRPC port of the gateway's rate limiter."""
    return base + _LIMITER_OFFSET


def limiter_metrics_port(base: int = DEFAULT_PORT_BASE) -> int:
    """Returns the port of Prometheus' `/metrics` of the rate limiter."""
    return limiter_port(base) + _METRICS_OFFSET


def endpoints(name: str, base: int = DEFAULT_PORT_BASE, replicas: int = 1, host: str = LOOPBACK) -> list[str]:
    """Returns `host:port` of every replica of a service, for a client or a balancer."""
    return [f"{host}:{grpc_port(name, base, replica)}" for replica in range(max(replicas, 1))]
