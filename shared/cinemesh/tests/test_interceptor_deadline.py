"""Deadlines on the wire: known to the handler, handed on, enforced, and work nobody waits for is stopped."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from cinemesh import context
from cinemesh.client import failure_of
from cinemesh.errors import Reason
from cinemesh.testing import running


class Work:
    """A behaviour that takes its time and remembers how it ended."""

    def __init__(self, seconds: float = 30) -> None:
        self.seconds = seconds
        self.left: float | None = None
        self.started = asyncio.Event()
        self.ended = asyncio.Event()
        self.cancelled = False

    async def __call__(self, request: Any, grpc_context: Any) -> Any:
        self.left = context.current().time_left()
        self.started.set()
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.ended.set()


async def test_the_handler_knows_what_is_left(app: Any, stub_class: Any, echo_contract: Any) -> None:
    work = app.on["work"] = Work(0)
    async with running(app) as server:
        with pytest.raises(grpc.aio.AioRpcError):  # it answers with nothing: only its deadline is of interest
            await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="work"), timeout=5)
    assert work.left is not None and 3 < work.left <= 5 * 1.02  # gRPC rounds up on the wire


async def test_work_stops_when_the_callers_deadline_passes(app: Any, stub_class: Any, echo_contract: Any) -> None:
    work = app.on["work"] = Work()
    async with running(app) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="work"), timeout=0.2)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(5):
            await work.ended.wait()
    assert work.cancelled


async def test_work_stops_when_the_caller_goes_away(
    app: Any, stub_class: Any, echo_contract: Any, log_lines: Any
) -> None:
    work = app.on["work"] = Work()
    async with running(app) as server:
        call = server.stub(stub_class).Echo(echo_contract.EchoRequest(text="work"))
        await work.started.wait()
        call.cancel()
        async with asyncio.timeout(5):
            await work.ended.wait()
    assert work.cancelled
    calls = [line for line in log_lines() if line["message"] == "call"]
    assert [line["code"] for line in calls] == ["CANCELLED"]
    assert calls[0]["level"] == "info"


async def test_a_call_without_a_deadline_gets_one(app: Any, stub_class: Any, echo_contract: Any) -> None:
    app.settings = app.settings.model_copy(update={"default_deadline_seconds": 0.2})
    work = app.on["work"] = Work()
    async with running(app) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="work"))
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert failure_of(caught.value).reason is Reason.DEADLINE_EXCEEDED
    assert work.cancelled and work.left is not None and work.left <= 0.2


async def test_a_timeout_of_the_services_own_is_not_the_callers_deadline(
    app: Any, stub_class: Any, echo_contract: Any
) -> None:
    async def own_timeout(request: Any, grpc_context: Any) -> Any:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(5)

    app.on["own"] = own_timeout
    async with running(app) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="own"))
    assert caught.value.code() is grpc.StatusCode.INTERNAL


async def test_an_expired_call_is_refused_before_any_work(app: Any, echo_contract: Any) -> None:
    """A deadline that passes on the way is played by a context that says so: on a loopback none is slow enough."""
    from cinemesh.interceptors import Equipment, Method, deadline
    from cinemesh.interceptors.call import Call
    from cinemesh.interceptors.shedding import Limit

    class Late:
        sent: Any = None

        def invocation_metadata(self) -> Any:
            return ()

        def trailing_metadata(self) -> Any:
            return ()

        def time_remaining(self) -> float:
            return 0.0

        async def abort(self, code: Any, details: str, trailers: Any) -> None:
            self.sent = code
            raise grpc.aio.AbortError

    async def work(call: Call) -> Any:
        raise AssertionError("nobody waits for this")

    late: Any = Late()
    equipment = Equipment("echo", app.settings, verifier=None, limit=Limit(1))  # type: ignore[arg-type]
    method = Method("/x.Y/Z", "x.Y", "Z", 1, echo_contract.EchoRequest)
    with pytest.raises(grpc.aio.AbortError):
        await deadline.step(method, equipment, work)(Call(method, b"", late))
    assert late.sent is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_cancellation_is_never_swallowed_in_a_stream(app: Any, stub_class: Any, echo_contract: Any) -> None:
    work = app.on["work"] = Work()
    async with running(app) as server:
        call = server.stub(stub_class).Repeat(echo_contract.EchoRequest(text="work", count=1))
        assert (await call.read()).count == 0
        await work.started.wait()
        call.cancel()
        async with asyncio.timeout(5):
            await work.ended.wait()
    assert work.cancelled
