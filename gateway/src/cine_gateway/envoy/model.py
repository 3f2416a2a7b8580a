"""What the template is filled with: clusters, routes and replies, worked out from the contracts and the settings."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cine.common.v1 import access_pb2
from cine_gateway.contracts import Binding, Contracts, Method, Service
from cine_gateway.settings import GatewaySettings, split_address
from cinemesh import topology

PORTAL = "portal"
LIMITER = "limiter"
HASHING = frozenset(f"/cine.identity.v1.AuthService/{name}" for name in ("Login", "Register", "ResetPassword"))
"""Calls that anybody may make and that wait for a password hash. Two cores do under eight of those a second, so most of a flood would be
sent away by Identity, one by one and behind each other; the gateway sends it away before it costs anything."""


@dataclass(frozen=True)
class Cluster:
    """A service with every process that answers for it."""

    name: str
    endpoints: tuple[tuple[str, int], ...]

    @property
    def discovery(self) -> str:
        """`STATIC` when every endpoint is an IP address, else `STRICT_DNS`."""
        return "STATIC" if all(_is_address(host) for host, _ in self.endpoints) else "STRICT_DNS"


@dataclass(frozen=True)
class Policy:
    """How long calls may take and what may be sent again."""

    seconds: float
    safe: bool
    stream: bool = False
    refused: bool = False
    hashing: bool = False


@dataclass(frozen=True)
class CallRoute:
    """Methods of one service that share a policy; `regex` matches their native paths."""

    regex: str
    cluster: str
    policy: Policy


def served(contracts: Contracts) -> tuple[Service, ...]:
    """Returns the services that the gateway routes: those that one process owns, not what every process mounts."""
    return tuple(service for service in contracts.services if service.owner in topology.SERVICES)


def clusters(contracts: Contracts, settings: GatewaySettings) -> tuple[Cluster, ...]:
    """Returns one cluster for each process that owns a served service."""
    owners = sorted({service.owner for service in served(contracts)})
    return tuple(Cluster(owner, tuple(split_address(one) for one in settings.endpoints(owner))) for owner in owners)


def call_routes(contracts: Contracts, settings: GatewaySettings) -> tuple[CallRoute, ...]:
    """Returns the native routes, a few for each service: methods that share a policy share a route."""
    routes: list[CallRoute] = []
    for service in served(contracts):
        groups: dict[Policy, list[str]] = defaultdict(list)
        for method in service.methods:
            groups[_policy(method, settings)].append(method.name)
        prefix = "/" + service.full_name.replace(".", r"\.")
        for policy, names in sorted(groups.items(), key=lambda group: -len(group[1])):
            routes.append(CallRoute(f"{prefix}/(?:{'|'.join(sorted(names))})", service.owner, policy))
    return tuple(routes)


def _policy(method: Method, settings: GatewaySettings) -> Policy:
    if method.internal:
        return Policy(seconds=0, safe=False, refused=True)
    if method.client_streaming or method.server_streaming:
        return Policy(settings.stream_seconds, safe=False, stream=True)
    if method.access == access_pb2.ACCESS_ADMIN:
        return Policy(settings.admin_seconds, method.safe)
    return Policy(settings.request_seconds, method.safe, hashing=method.path in HASHING)


def uploads(contracts: Contracts) -> str:
    """Returns an expression for the REST paths that take a body of any size in pieces, or nothing."""
    return _rest_paths(contracts, lambda method: method.client_streaming)


def hashing_paths(contracts: Contracts) -> str:
    """Returns an expression for the REST paths of the calls that wait for a password hash."""
    return _rest_paths(contracts, lambda method: method.path in HASHING)


def _rest_paths(contracts: Contracts, wanted: Callable[[Method], bool]) -> str:
    methods = (method for service in served(contracts) for method in service.methods if wanted(method))
    return "|".join(sorted({binding.regex for method in methods for binding in method.bindings}))


def secret_paths(contracts: Contracts) -> str:
    """Returns an expression for the REST paths that hold a secret themselves (a field marked `debug_redact`), or nothing."""
    regexes = {
        binding.regex
        for service in served(contracts)
        for method in service.methods
        for binding in method.bindings
        if any(contracts.field(method.input_type, name).options.debug_redact for name in binding.variables)
    }
    return "|".join(sorted(regexes))


def cors_methods(contracts: Contracts) -> str:
    """Returns the verbs that any REST path takes, for the preflight answer."""
    return ", ".join(sorted({binding.verb for binding in _bindings(served(contracts))} | {"OPTIONS"}))


def _bindings(services: Iterable[Service]) -> Iterator[Binding]:
    for service in services:
        for method in service.methods:
            yield from method.bindings


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
