"""Turns a servicer into gRPC method handlers that go through the chain, and routes calls to them.

Requests reach the chain as bytes and are parsed there, so that what does not parse gets a proper error. A servicer
method may answer with a message or with bytes that are one already: precomputed answers are not built again on every
call.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias, cast

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from cine.common.v1 import access_pb2
from cinemesh import telemetry
from cinemesh.errors import CineError, NotImplementedYet, Unavailable
from cinemesh.interceptors import CHAIN, Call, Equipment, Method, Proceed
from cinemesh.interceptors.call import ServicerContext
from cinemesh.interceptors.refusal import refuse

Entry: TypeAlias = Callable[[Any, ServicerContext], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Mount:
    """A servicer to be served.

    Attributes:
        servicer: object with an async method for each call it answers; calls it leaves out answer UNIMPLEMENTED.
        add_to_server: the generated `add_<Service>Servicer_to_server`.
        descriptor: the service, such as `catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"]`.
        infrastructure: plumbing that is never shed and logged at debug level only.
        access: level for contracts that are not ours and so carry no access option (health, reflection).
    """

    servicer: Any
    add_to_server: Callable[[Any, Any], None]
    descriptor: ServiceDescriptor
    infrastructure: bool = False
    access: int | None = None


def unanswered(messages: ModuleType, stubs: ModuleType) -> list[Mount]:
    """Returns a mount for every service of a contract file, none of whose calls is built: each answers UNIMPLEMENTED.

    Frontends and generated clients can be written against such a service, and its access rules hold already.

    Args:
        messages: generated module of the contract, such as `sentiment_pb2`.
        stubs: its gRPC companion, such as `sentiment_pb2_grpc`.
    """
    services: list[ServiceDescriptor] = list(messages.DESCRIPTOR.services_by_name.values())
    return [
        Mount(
            getattr(stubs, f"{service.name}Servicer")(),
            getattr(stubs, f"add_{service.name}Servicer_to_server"),
            service,
        )
        for service in services
    ]


class _Recorder:
    """Stands in for a server while the generated code registers a servicer."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """Ignores the generic form: the registered one below says the same by name."""

    def add_registered_method_handlers(self, service_name: str, method_handlers: dict[str, Any]) -> None:
        """Keeps the handlers by full path."""
        self.handlers.update({f"/{service_name}/{name}": handler for name, handler in method_handlers.items()})


def build(mount: Mount, equipment: Equipment) -> dict[str, Any]:
    """Returns a gRPC method handler for every method of a mount, by full path.

    Raises:
        TypeError: the servicer does not belong to the descriptor, or one of its methods is not async.
    """
    recorder = _Recorder()
    mount.add_to_server(mount.servicer, recorder)
    built: dict[str, Any] = {}
    for described in mount.descriptor.methods:
        path = f"/{mount.descriptor.full_name}/{described.name}"
        registered = recorder.handlers.get(path)
        if registered is None:
            raise TypeError(f"{type(mount.servicer).__name__} was not registered for {path}: wrong add_to_server?")
        method = _method(described, mount)
        behaviour = getattr(mount.servicer, described.name)
        built[path] = _handler(method, equipment, _chain(method, equipment, _innermost(method, behaviour)))
    return built


def _method(described: MethodDescriptor, mount: Mount) -> Method:
    options = described.GetOptions().Extensions
    access = options[access_pb2.access] if mount.access is None else mount.access
    return Method(
        path=f"/{mount.descriptor.full_name}/{described.name}",
        service=mount.descriptor.full_name,
        name=described.name,
        access=int(access),
        request_type=GetMessageClass(described.input_type),
        client_streaming=described.client_streaming,
        server_streaming=described.server_streaming,
        infrastructure=mount.infrastructure,
        before_second_factor=options[access_pb2.before_second_factor],
    )


def _chain(method: Method, equipment: Equipment, innermost: Proceed) -> Proceed:
    proceed = innermost
    for _, step in reversed(CHAIN):
        proceed = step(method, equipment, proceed)
    return proceed


def to_bytes(answer: Message | bytes) -> bytes:
    """Serialises an answer; bytes are one already."""
    return answer if isinstance(answer, bytes) else answer.SerializeToString()


def _innermost(method: Method, behaviour: Callable[..., Any]) -> Proceed:
    """Returns the call of the servicer itself."""
    function = inspect.unwrap(behaviour)
    module = getattr(function, "__module__", "") or ""
    if module.endswith("_pb2_grpc"):  # the generated base class: the servicer does not have this method

        async def not_yet(call: Call) -> Any:
            raise NotImplementedYet(f"{call.method.name} is in the contract, and this version does not answer it yet")

        return not_yet
    if not (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
        raise TypeError(f"{method.path}: the method must be async, or it would block every other call")
    if not method.server_streaming:

        async def answer(call: Call) -> bytes:
            return to_bytes(await behaviour(call.request, call.context))

        return answer
    if inspect.isasyncgenfunction(function):

        async def stream(call: Call) -> None:
            write = call.context.write
            async with contextlib.aclosing(behaviour(call.request, call.context)) as answers:
                async for item in answers:
                    await write(to_bytes(item))

        return stream

    async def written(call: Call) -> None:
        await behaviour(call.request, call.context)  # answers through `context.write`

    return written


def _handler(method: Method, equipment: Equipment, chain: Proceed) -> Any:
    log = telemetry.logger(equipment.application)

    async def entry(request: Any, context: ServicerContext) -> Any:
        try:
            return await chain(Call(method, request, context))
        except (grpc.aio.AbortError, asyncio.CancelledError):
            raise
        except Exception:  # a fault in a step outside `errors`: gRPC would send its text to the client
            log.exception("fault in the interceptor chain", method=method.path)
            return await context.abort(grpc.StatusCode.INTERNAL, "internal error")

    served = _endless(method, equipment, entry) if method.infrastructure and method.server_streaming else entry
    if method.server_streaming:
        make = (
            grpc.stream_stream_rpc_method_handler if method.client_streaming else grpc.unary_stream_rpc_method_handler
        )
    else:
        make = grpc.stream_unary_rpc_method_handler if method.client_streaming else grpc.unary_unary_rpc_method_handler
    return make(served, request_deserializer=None, response_serializer=to_bytes)


def _endless(method: Method, equipment: Equipment, entry: Entry) -> Entry:
    """Lets a stream that waits for its caller to go be ended by a stopping server instead of holding it up."""
    lifetime = equipment.lifetime

    async def ended(request: Any, context: ServicerContext) -> Any:
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        lifetime.endless.add(task)
        try:
            return await entry(request, context)
        except asyncio.CancelledError:
            if not lifetime.stopping:
                raise
            task.uncancel()
            away = Unavailable(f"{equipment.application} is stopping; come again")
            return await refuse(Call(method, request, context), away, equipment.domain)
        finally:
            lifetime.endless.discard(task)

    return ended


class Router(grpc.GenericRpcHandler):
    """Finds the handler of a path; methods are added while the server runs, plumbing first.

    A path without a handler gets `missing()`: "starting" at first, "no such method" later.
    """

    def __init__(self, equipment: Equipment, missing: Callable[[str], CineError]) -> None:
        """Starts empty; `missing` says what to answer for a path without a handler."""
        self._equipment = equipment
        self._missing = missing
        self._handlers: dict[str, Any] = {}

    def add(self, mount: Mount) -> None:
        """Adds every method of a mount."""
        self._handlers.update(build(mount, self._equipment))

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Returns the handler of a call; gRPC asks for every call."""
        path: str = handler_call_details.method
        return self._handlers.get(path) or self._refusal(path)

    def _refusal(self, path: str) -> Any:
        # a stream handler serves every kind of call that only ever fails
        service, _, name = path.strip("/").rpartition("/")
        method = Method(path, service, name, int(access_pb2.ACCESS_PUBLIC), Message, True, True, infrastructure=True)

        async def entry(request: Any, context: ServicerContext) -> None:
            await refuse(Call(method, request, context), self._missing(path), self._equipment.domain)

        return grpc.stream_stream_rpc_method_handler(entry)
