"""Channels to peers: deadlines, retries where the contract allows, and the caller's trail handed on.

The wrapper adds its part synchronously and returns gRPC's own call objects: interceptors of the aio client would cost a
task a call.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import weakref
from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

import grpc
from google.protobuf import descriptor_pb2
from opentelemetry import trace

from cinemesh import context, contracts, telemetry
from cinemesh.errors import DeadlineExceeded
from cinemesh.rpc_status import code_of, failure_of
from cinemesh.service_tokens import ServiceTokens, service_tokens_for
from cinemesh.settings import ServiceSettings
from cinemesh.tls import TlsFiles, open_channel

__all__ = ["DEFAULT_DEADLINE_SECONDS", "PeerChannel", "channel", "close_channels", "failure_of", "service_config"]

DEFAULT_DEADLINE_SECONDS: Final = 2.0
# gRPC rounds deadlines up by as much as 2 % on the wire, and a peer must never get longer than we have
_HANDED_ON: Final = 0.98
Credentials = Literal["service", "caller", "none"]
_OPTIONS: Final = (
    ("grpc.enable_retries", 1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
)
_Channels: TypeAlias = dict[tuple[str, TlsFiles | None], grpc.aio.Channel]
_channels: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Channels] = weakref.WeakKeyDictionary()


def channel(
    peer: str,
    settings: ServiceSettings,
    *,
    credentials: Credentials = "service",
    deadline: float = DEFAULT_DEADLINE_SECONDS,
) -> PeerChannel:
    """Returns a channel to a peer; all of one process share one connection per peer. Call it on the event loop.

    Args:
        peer: a service of the mesh, such as "catalog".
        settings: where the peers are, and the keys.
        credentials: "service" shows this service's token, "caller" hands on that of the call in progress, "none" shows
            none.
        deadline: seconds a unary answer may take, unless the call says otherwise; never more than the call in progress
            has left.

    Raises:
        ValueError: the peer is unknown, or its endpoints are several names instead of addresses.
        FileNotFoundError: `mtls` is on and a certificate is missing.
    """
    target = _target(peer, settings.endpoints(peer))
    tls = settings.tls_files(settings.service or "cli") if settings.mtls else None
    opened = _channels.setdefault(asyncio.get_running_loop(), {})
    if (target, tls) not in opened:
        config = service_config(peer, balanced="," in target)
        opened[target, tls] = open_channel(target, peer, tls, [*_OPTIONS, ("grpc.service_config", json.dumps(config))])
    tokens = service_tokens_for(settings) if credentials == "service" else None
    return PeerChannel(opened[target, tls], credentials, tokens, deadline)


async def close_channels() -> None:
    """Closes every channel of this event loop."""
    for opened in _channels.pop(asyncio.get_running_loop(), {}).values():
        await opened.close(None)


def _target(peer: str, endpoints: Sequence[str]) -> str:
    if len(endpoints) == 1:
        return endpoints[0]
    for endpoint in endpoints:
        try:
            ipaddress.IPv4Address(endpoint.rpartition(":")[0])
        except ValueError:
            raise ValueError(
                f"several endpoints of {peer} must be IPv4 addresses; a name must be one that resolves to all replicas"
            ) from None
    return "ipv4:" + ",".join(endpoints)


def service_config(peer: str, *, balanced: bool = False) -> dict[str, Any]:
    """Returns gRPC's service config for a peer: retries for the methods whose contract says NO_SIDE_EFFECTS, throttled.

    Args:
        peer: name of the service; its contracts are `cine.<peer>.v1` and the shared ones.
        balanced: whether there are several replicas: calls go round, past those whose health is not SERVING.
    """
    config: dict[str, Any] = {
        "loadBalancingConfig": [{"round_robin": {}}],
        # when most calls fail, retries stop: a peer that is down gets no more load than before
        "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
    }
    safe = [{"service": service, "method": method} for service, method in _without_side_effects(peer)]
    if safe:
        config["methodConfig"] = [
            {
                "name": safe,
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "0.5s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    if balanced:
        config["healthCheckConfig"] = {"serviceName": ""}
    return config


def _without_side_effects(peer: str) -> list[tuple[str, str]]:
    return [
        (service.full_name, method.name)
        for file in contracts.files(f"cine.{peer}.v1") + contracts.files("cine.common.v1")
        for service in file.services_by_name.values()
        for method in service.methods
        if method.GetOptions().idempotency_level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    ]


class PeerChannel(grpc.aio.Channel):
    """A channel whose calls carry deadline, request id, trace and token. Give it to any generated stub."""

    def __init__(
        self, inner: grpc.aio.Channel, credentials: Credentials, tokens: ServiceTokens | None, deadline: float
    ) -> None:
        """Wraps a channel; see `channel`."""
        self._inner = inner
        self._credentials = credentials
        self._tokens = tokens
        self._deadline = deadline

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Returns a callable for a method with one request and one answer."""
        return _PeerCall(self, method, self._inner.unary_unary(method, *args, **kwargs), self._deadline)

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Returns a callable for a method with a stream of answers; it has no default deadline."""
        return _PeerCall(self, method, self._inner.unary_stream(method, *args, **kwargs), None)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Returns a callable for a method with a stream of requests."""
        return _PeerCall(self, method, self._inner.stream_unary(method, *args, **kwargs), self._deadline)

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Returns a callable for a method with streams both ways; it has no default deadline."""
        return _PeerCall(self, method, self._inner.stream_stream(method, *args, **kwargs), None)

    def metadata(self) -> list[tuple[str, str]]:
        """Returns the headers of a call made now; for callers that bypass the stubs."""
        request = context.current()
        headers: list[tuple[str, str]] = []
        if request.request_id:
            headers.append(("x-request-id", request.request_id))
        if request.traceparent:
            headers.append(("traceparent", request.traceparent))
        if self._tokens is not None:
            headers.append(("authorization", f"Bearer {self._tokens.token()}"))
        elif self._credentials == "caller" and request.token:
            headers.append(("authorization", f"Bearer {request.token}"))
        return headers

    async def __aenter__(self) -> PeerChannel:
        """Enters; the shared connection is not this block's to close."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leaves the shared connection open."""

    async def close(self, grace: float | None = None) -> None:
        """Does nothing: the connection is shared; `close_channels` closes it."""

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Returns the state of the connection."""
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Waits until the state is another one."""
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Waits until the connection stands."""
        await self._inner.channel_ready()


class _PeerCall:
    """A method of a peer, ready to call."""

    __slots__ = ("_channel", "_deadline", "_inner", "_method")

    def __init__(self, channel: PeerChannel, method: str, inner: Any, deadline: float | None) -> None:
        self._channel = channel
        self._method = method
        self._inner = inner
        self._deadline = deadline

    def __call__(
        self,
        request: Any = None,
        *,
        timeout: float | None = None,
        metadata: Sequence[tuple[str, str | bytes]] | None = None,
        **options: Any,
    ) -> Any:
        """Starts the call.

        Raises:
            DeadlineExceeded: the call in progress has no time left; the peer is not asked.
        """
        limit = timeout if timeout is not None else self._deadline
        left = context.current().time_left()
        if left is not None:
            if left <= 0:
                raise DeadlineExceeded("the time given ran out before another service could be asked")
            shorter = left * _HANDED_ON
            limit = shorter if limit is None else min(limit, shorter)
        headers: list[tuple[str, str | bytes]] = [*self._channel.metadata(), *(metadata or ())]
        tracer = telemetry.tracer()
        if tracer is None:
            return self._inner(request, timeout=limit, metadata=headers, **options)
        return self._traced(tracer, request, limit, headers, options)

    def _traced(
        self,
        tracer: trace.Tracer,
        request: Any,
        limit: float | None,
        headers: list[tuple[str, str | bytes]],
        options: dict[str, Any],
    ) -> Any:
        service, _, name = self._method[1:].rpartition("/")
        facts = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
        span = tracer.start_span(self._method[1:], kind=trace.SpanKind.CLIENT, attributes=facts)
        identity = span.get_span_context()
        own = f"00-{identity.trace_id:032x}-{identity.span_id:016x}-{int(identity.trace_flags):02x}"
        headers = [pair for pair in headers if pair[0] != "traceparent"] + [("traceparent", own)]
        call = self._inner(request, timeout=limit, metadata=headers, **options)
        call.add_done_callback(lambda done: _end_soon(span, done))
        return call


_ending: set[asyncio.Task[None]] = set()  # asyncio itself holds tasks weakly


def _end_soon(span: trace.Span, call: Any) -> None:
    task = asyncio.ensure_future(_end(span, call))
    _ending.add(task)
    task.add_done_callback(_ending.discard)


async def _end(span: trace.Span, call: Any) -> None:
    code = code_of(await call.code())
    span.set_attribute("rpc.grpc.status_code", int(code))
    if code != 0:
        span.set_attribute("error.type", code.name)
        span.set_status(trace.Status(trace.StatusCode.ERROR, code.name))
    span.end()
