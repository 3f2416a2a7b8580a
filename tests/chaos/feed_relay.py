"""A proxy between a service and those who follow its feed, that delivers some events again: at once, or after others that came later."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import jwt

from cine.common.v1 import feed_pb2
from cinemesh.feed.log import Cursor, Position
from cinemesh.testing.ports import free_port

_WATCH = "/cine.common.v1.FeedService/WatchEvents"
_LATE_BY = 64
_HANDED_ON = {"authorization", "x-request-id", "traceparent"}
START = Position(0, 0)


class FeedRelay(grpc.GenericRpcHandler):
    """Hands every call on to the service, and its answers back.

    Args:
        upstream: address of the service.
        again: share of the events of a feed that are delivered twice.
        chooser: chooses which.

    Attributes:
        delivered: highest position delivered to each consumer, by type.
        told: how many different events each consumer was told of.
        doubled: how many were delivered again at once, and how many late.
    """

    def __init__(self, upstream: str, again: float, chooser: random.Random) -> None:
        self._upstream = upstream
        self._again = again
        self._random = chooser
        self._channel: grpc.aio.Channel | None = None
        self.delivered: dict[str, dict[str, Position]] = {}
        self.told: Counter[str] = Counter()
        self.doubled: Counter[str] = Counter()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serves for the block; yields its address."""
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers((self,))
        port = server.add_insecure_port(f"127.0.0.1:{free_port()}")
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 200),
            ("grpc.enable_retries", 0),
        ]
        async with grpc.aio.insecure_channel(self._upstream, options) as self._channel:
            await server.start()
            try:
                yield f"127.0.0.1:{port}"
            finally:
                await server.stop(None)

    def service(self, handler_call_details: Any) -> Any:
        """Returns the handler of a call: every method looks like one with a stream of answers, in bytes."""
        method: str = handler_call_details.method

        async def handle(request: bytes, context: Any) -> AsyncIterator[bytes]:
            async for answer in self._hand_on(method, request, context):
                yield answer

        return grpc.unary_stream_rpc_method_handler(handle)

    async def _hand_on(self, method: str, request: bytes, context: Any) -> AsyncIterator[bytes]:
        assert self._channel is not None
        headers = [(key, value) for key, value in context.invocation_metadata() or () if key in _HANDED_ON]
        call = self._channel.unary_stream(method)(request, metadata=headers, timeout=context.time_remaining())
        stream = _Stream(self, _caller(headers)) if method == _WATCH else None
        try:
            await call.initial_metadata()
            await context.send_initial_metadata(())
            async for answer in call:
                for one in [answer] if stream is None else stream.deliveries(answer):
                    yield one
        except grpc.aio.AioRpcError as fault:
            await context.abort(fault.code(), fault.details() or "", tuple(fault.trailing_metadata() or ()))
        finally:
            call.cancel()

    def lot(self) -> str:
        """Draws what becomes of a delivery: "" for nothing, "at once" or "late" for one more."""
        if self._random.random() >= self._again:
            return ""
        return self._random.choice(["at once", "late"])

    def older(self, recent: deque[bytes]) -> bytes:
        """Chooses one of those delivered before."""
        return self._random.choice(recent)


class _Stream:
    """The events of one call."""

    def __init__(self, relay: FeedRelay, consumer: str) -> None:
        self._relay = relay
        self._consumer = consumer
        self._recent: deque[bytes] = deque(maxlen=_LATE_BY)

    def deliveries(self, answer: bytes) -> Iterator[bytes]:
        self._note(answer)
        yield answer
        lot = self._relay.lot()
        if lot == "at once":
            self._relay.doubled[lot] += 1
            yield answer
        elif lot and self._recent:
            self._relay.doubled[lot] += 1
            yield self._relay.older(self._recent)
        self._recent.append(answer)

    def _note(self, answer: bytes) -> None:
        event = feed_pb2.WatchEventsResponse.FromString(answer).event
        place = Cursor.decode(event.cursor).position
        highest = self._relay.delivered.setdefault(self._consumer, {})
        if place > max(highest.values(), default=START):
            self._relay.told[self._consumer] += 1
            highest[event.type] = place


def _caller(headers: list[tuple[str, str]]) -> str:
    """Returns whose token a call shows; the service verifies it."""
    token = dict(headers).get("authorization", "").removeprefix("Bearer ")
    return str(jwt.decode(token, options={"verify_signature": False})["sub"]) if token else ""
