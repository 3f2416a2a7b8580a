"""A server while it starts, serves, is overrun and stops: what its callers see at each moment."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from cine.common.v1 import feed_pb2, feed_pb2_grpc, status_pb2, status_pb2_grpc
from cinemesh import telemetry
from cinemesh.client import failure_of
from cinemesh.errors import Code, Reason, Unavailable
from cinemesh.server import Mount, Probe, StartFailed
from cinemesh.testing import TokenFactory, running

ECHO = "cinemesh_test.v1.EchoService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


class Held:
    """A behaviour that answers only when it is let go."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.entered = asyncio.Event()
        self.leave = asyncio.Event()

    async def __call__(self, request: Any, context: Any) -> Any:
        self.entered.set()
        await self.leave.wait()
        return self.answer


async def test_while_the_application_starts_the_port_answers_and_says_so(
    app: Any, stub_class: Any, echo_contract: Any
) -> None:
    ready = asyncio.Event()
    app.before_start = ready.wait
    async with running(app, started=False) as server:
        health = server.stub(health_pb2_grpc.HealthStub)
        status = server.stub(status_pb2_grpc.StatusServiceStub)
        assert (await health.Check(health_pb2.HealthCheckRequest())).status == NOT_SERVING
        assert not (await status.GetStatus(status_pb2.GetStatusRequest())).ready
        early = await refused(server.stub(stub_class).Echo(echo_contract.EchoRequest()))
        assert early.code() is grpc.StatusCode.UNAVAILABLE
        assert failure_of(early).reason is Reason.DEPENDENCY_UNAVAILABLE
        assert "starting" in str(early.details())
        watch = health.Watch(health_pb2.HealthCheckRequest(service=""))
        assert (await watch.read()).status == NOT_SERVING
        ready.set()
        assert (await watch.read()).status == SERVING
        watch.cancel()
        assert (await health.Check(health_pb2.HealthCheckRequest(service=ECHO))).status == SERVING
        assert (await status.GetStatus(status_pb2.GetStatusRequest())).ready
        assert (await server.stub(stub_class).Echo(echo_contract.EchoRequest())).count == 1


async def test_an_application_that_cannot_start_says_why_and_is_stopped(app: Any) -> None:
    async def no_store() -> None:
        raise Unavailable("the store of echo cannot be opened: permission denied")

    app.before_start = no_store
    with pytest.raises(StartFailed, match="echo cannot start: the store of echo cannot be opened: permission denied"):
        async with running(app):
            pass
    assert app.stopped == 1


async def test_methods_nobody_has_are_unimplemented_with_details(app: Any, stub_class: Any, echo_contract: Any) -> None:
    async with running(app) as server:
        left_out = await refused(server.stub(stub_class).NotYet(echo_contract.EchoRequest()))
        unknown = await refused(server.raw("/cine.nobody.v1.Nothing/Do")(b""))
    for error in (left_out, unknown):
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert failure_of(error).reason is Reason.NOT_IMPLEMENTED
    assert "NotYet is in the contract" in str(left_out.details())


async def test_calls_beyond_the_limit_are_refused_with_details_and_plumbing_is_not(
    app: Any, stub_class: Any, echo_contract: Any
) -> None:
    app.settings = app.settings.model_copy(update={"max_concurrent_rpcs": 2})
    held = app.on["held"] = Held(echo_contract.EchoResponse(text="done"))
    shed = telemetry.REGISTRY.get_sample_value("grpc_server_shed_total") or 0
    async with running(app) as server:
        stub = server.stub(stub_class)
        inside = [asyncio.ensure_future(stub.Echo(echo_contract.EchoRequest(text="held"))) for _ in range(2)]
        while server.server._equipment.limit.busy < 2:  # noqa: ASYNC110 - both must be inside, and only it knows
            await asyncio.sleep(0.01)
        overrun = [await refused(stub.Echo(echo_contract.EchoRequest())) for _ in range(5)]
        check = await server.stub(health_pb2_grpc.HealthStub).Check(health_pb2.HealthCheckRequest())
        held.leave.set()
        finished = await asyncio.gather(*inside)
        after = await stub.Echo(echo_contract.EchoRequest())
    assert {error.code() for error in overrun} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    told = failure_of(overrun[0])
    assert told.reason is Reason.OVERLOADED and told.retry_after is not None
    assert check.status == SERVING
    assert [answer.text for answer in finished] == ["done", "done"]
    assert after.count == 1
    assert telemetry.REGISTRY.get_sample_value("grpc_server_shed_total") == shed + 5


async def test_a_stopping_server_finishes_what_is_in_flight(app: Any, stub_class: Any, echo_contract: Any) -> None:
    held = app.on["held"] = Held(echo_contract.EchoResponse(text="done"))
    async with running(app) as server:
        health = server.stub(health_pb2_grpc.HealthStub)
        watch = health.Watch(health_pb2.HealthCheckRequest(service=ECHO))
        assert (await watch.read()).status == SERVING
        call = server.stub(stub_class).Echo(echo_contract.EchoRequest(text="held"))
        await held.entered.wait()
        stopping = asyncio.create_task(server.server.stop())
        assert (await watch.read()).status == NOT_SERVING
        await asyncio.sleep(0.1)
        assert not stopping.done() and app.stopped == 0  # a call is still in flight: its store must stay open
        held.leave.set()
        assert (await call).text == "done"
        await stopping
        assert app.stopped == 1
        late = await refused(server.stub(stub_class).Echo(echo_contract.EchoRequest(), timeout=2))
        assert late.code() is grpc.StatusCode.UNAVAILABLE
    assert app.stopped == 1


async def test_endless_streams_do_not_hold_up_a_stop(app: Any, tokens: TokenFactory) -> None:
    class Feed(feed_pb2_grpc.FeedServiceServicer):
        async def WatchEvents(self, request: Any, context: Any) -> Any:  # noqa: N802
            yield feed_pb2.WatchEventsResponse(event=feed_pb2.Event(id="1"))
            await asyncio.Event().wait()

    app.feed_servicer = Feed()
    app.settings = app.settings.model_copy(update={"grace_seconds": 60.0})
    async with running(app) as server:
        stub = server.stub(feed_pb2_grpc.FeedServiceStub)
        watch = stub.WatchEvents(feed_pb2.WatchEventsRequest(), metadata=tokens.metadata(tokens.service()))
        assert (await watch.read()).event.id == "1"
        async with asyncio.timeout(20):
            await server.server.stop()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await watch.read()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "stopping" in str(caught.value.details())


async def test_the_feed_is_for_services(app: Any, tokens: TokenFactory) -> None:
    class Feed(feed_pb2_grpc.FeedServiceServicer):
        async def WatchEvents(self, request: Any, context: Any) -> Any:  # noqa: N802
            yield feed_pb2.WatchEventsResponse()

    app.feed_servicer = Feed()
    async with running(app) as server:
        stub = server.stub(feed_pb2_grpc.FeedServiceStub)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.WatchEvents(feed_pb2.WatchEventsRequest(), metadata=tokens.metadata(tokens.admin())).read()
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_the_status_asks_every_dependency_and_tells_no_secret(app: Any) -> None:
    async def fine() -> str:
        return "62485 films"

    async def away() -> str:
        raise ConnectionError("redis://:hunter2@10.0.0.7 refused")

    async def hangs() -> str:
        await asyncio.Event().wait()
        return ""

    async def told() -> str:
        raise Unavailable("no model has been published")

    app.dependencies = {
        "store": Probe(fine),
        "cache": Probe(away, required=False),
        "slow": Probe(hangs, required=False),
        "model": Probe(told, required=False),
    }
    async with running(app) as server:
        stub = server.stub(status_pb2_grpc.StatusServiceStub)
        status = await stub.GetStatus(status_pb2.GetStatusRequest())
        app.dependencies["store"] = Probe(told)
        worse = await stub.GetStatus(status_pb2.GetStatusRequest())
    seen = {one.name: (one.ok, one.required, one.detail) for one in status.dependencies}
    assert seen == {
        "store": (True, True, "62485 films"),
        "cache": (False, False, "failed: ConnectionError"),
        "slow": (False, False, "no answer within 1 s"),
        "model": (False, False, "no model has been published"),
    }
    assert (status.service, status.version, status.profile, status.ready) == ("echo", "1.2.3", "embedded", True)
    assert not worse.ready


async def services(server: Any) -> set[str]:
    stub = server.stub(reflection_pb2_grpc.ServerReflectionStub)

    async def ask() -> Any:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    return {
        one.name async for answer in stub.ServerReflectionInfo(ask()) for one in answer.list_services_response.service
    }


async def test_reflection_lists_everything_in_development_and_is_off_in_production(app: Any) -> None:
    async with running(app) as server:
        assert await services(server) == {
            ECHO,
            "cine.common.v1.StatusService",
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        }
    app.settings = app.settings.model_copy(update={"environment": "production"})
    async with running(app) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await services(server)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_servicer_that_would_block_every_call_is_refused_at_the_start(app: Any) -> None:
    class Blocking(status_pb2_grpc.StatusServiceServicer):
        def GetStatus(self, request: Any, context: Any) -> Any:  # noqa: N802
            return status_pb2.GetStatusResponse()

    described = status_pb2.DESCRIPTOR.services_by_name["StatusService"]

    async def start() -> list[Mount]:
        return [Mount(Blocking(), status_pb2_grpc.add_StatusServiceServicer_to_server, described)]

    app.start = start
    with pytest.raises(StartFailed, match="GetStatus: the method must be async"):
        async with running(app):
            pass


async def test_health_of_a_service_that_is_not_here_is_not_found(app: Any, log_lines: Any) -> None:
    async with running(app) as server:
        error = await refused(
            server.stub(health_pb2_grpc.HealthStub).Check(health_pb2.HealthCheckRequest(service="cine.nobody"))
        )
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert [line for line in log_lines() if line["message"] == "call"] == []  # plumbing is logged at debug level


async def test_hostile_calls_never_become_our_fault(app: Any, tokens: TokenFactory) -> None:
    """Whatever arrives, the outcome is a code of the caller's making."""
    corpus = [b"", b"\x00", b"\xff" * 40, b"\x0a\x02\xff\xfe", b"\x22\x02" * 300, b"\x0a" * 1000, bytes(range(256))]
    headers = [(), (("x-request-id", '"{}<>' * 9),), (("authorization", "Bearer ."),), (("traceparent", "x" * 500),)]
    ours = {Code.INTERNAL, Code.UNKNOWN, Code.DATA_LOSS}
    outcomes = set()
    async with running(app) as server:
        for method in ("Echo", "ForUser", "Unstated", "NotYet", "Nothing"):
            call = server.raw(f"/{ECHO}/{method}")
            for raw in corpus:
                for header in headers:
                    try:
                        await call(raw, metadata=header, timeout=5)
                        outcomes.add(Code.OK)
                    except grpc.aio.AioRpcError as error:
                        outcomes.add(failure_of(error).code)
    assert not outcomes & ours
    assert Code.INVALID_ARGUMENT in outcomes
