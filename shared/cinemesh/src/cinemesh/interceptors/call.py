"""What the steps of the chain share: the method, the call in progress, and the shape of a step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import grpc
from google.protobuf.message import Message

from cinemesh import context as request_context
from cinemesh.errors import CineError, Code

if TYPE_CHECKING:
    from cinemesh.auth import TokenVerifier
    from cinemesh.interceptors.shedding import Limit
    from cinemesh.revocation import Revocations
    from cinemesh.settings import ServiceSettings

ServicerContext: TypeAlias = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Method:
    """A method as its contract describes it, with what is worth knowing before the first call.

    Attributes:
        path: "/cine.catalog.v1.CatalogService/GetMovie".
        service: "cine.catalog.v1.CatalogService".
        name: "GetMovie".
        access: value of `(cine.common.v1.access)`; 0 when the option is missing.
        before_second_factor: value of `(cine.common.v1.before_second_factor)`.
        request_type: class of the request, or of each request of a stream.
        client_streaming: whether the client sends a stream.
        server_streaming: whether the server answers with a stream.
        infrastructure: whether it is plumbing (health, reflection, status, feed): never shed, logged at debug level.
    """

    path: str
    service: str
    name: str
    access: int
    request_type: type[Message]
    client_streaming: bool = False
    server_streaming: bool = False
    infrastructure: bool = False
    before_second_factor: bool = False


@dataclass(slots=True)
class Lifetime:
    """Whether the server is on its way out, and the streams that would never end by themselves (feed, health watch)."""

    stopping: bool = False
    endless: set[asyncio.Task[Any]] = field(default_factory=set)

    def end_streams(self) -> None:
        """Ends the endless streams: their callers come again, to this process' successor."""
        self.stopping = True
        for task in self.endless:
            task.cancel()


@dataclass(frozen=True, slots=True)
class Equipment:
    """What the steps of one server work with."""

    application: str
    settings: ServiceSettings
    verifier: TokenVerifier
    limit: Limit
    revocations: Revocations | None = None
    lifetime: Lifetime = field(default_factory=Lifetime)

    @property
    def domain(self) -> str:
        """Domain of `ErrorInfo`: "<service>.cine"."""
        return f"{self.application}.cine"


class Call:
    """One call on its way through the chain.

    Attributes:
        method: its method.
        context: gRPC's own context.
        request: bytes, then the parsed message; for a client stream, an async iterator of the same.
        metadata: invocation metadata; of a repeated key the last value.
        info: what the rest of the process may know, see `cinemesh.context`.
        code: outcome; the steps outside `errors` read it when the call is over.
        failure: what the client was told, when it failed.
        fault: the unexpected exception behind an INTERNAL, for the trace.
        started: `time.perf_counter()` at the start.
    """

    __slots__ = ("code", "context", "failure", "fault", "info", "metadata", "method", "request", "started")

    def __init__(self, method: Method, request: Any, context: ServicerContext) -> None:
        """Starts the clock and makes the call the current one of this task."""
        self.started = time.perf_counter()
        self.method = method
        self.request = request
        self.context = context
        self.metadata: dict[str, str | bytes] = dict(context.invocation_metadata() or ())
        self.info = request_context.RequestContext(method=method.path)
        self.code: Code = Code.OK
        self.failure: CineError | None = None
        self.fault: BaseException | None = None
        request_context.enter(self.info)

    def header(self, name: str) -> str:
        """Returns a text header of the request; empty when it is missing."""
        value = self.metadata.get(name, "")
        return value if isinstance(value, str) else ""


Proceed: TypeAlias = Callable[[Call], Awaitable[Any]]
"""The rest of the chain: returns the answer of a unary method, None once a stream has been written."""

Requests: TypeAlias = AsyncIterator[Any]


class Step(Protocol):
    """One step: built once a method, wraps the rest of the chain. Everything that can be computed beforehand is."""

    def __call__(self, method: Method, equipment: Equipment, proceed: Proceed, /) -> Proceed:
        """Returns the chain that starts with this step."""
        ...
