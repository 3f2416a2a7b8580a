"""Tracing on the wire: the caller's trace goes on, every hop is a child of the one before, faults are told once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from cinemesh import client, context, telemetry
from cinemesh.errors import NotFound
from cinemesh.testing import running

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TRACEPARENT = (("traceparent", f"00-{TRACE}-{PARENT}-01"),)


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    telemetry.use_tracer_provider(provider)
    yield memory
    telemetry.use_tracer_provider(None)


def finished(exporter: InMemorySpanExporter) -> list[Any]:
    return list(exporter.get_finished_spans())


async def test_every_hop_is_a_child_of_the_one_before(
    app: Any, stub_class: Any, echo_contract: Any, exporter: InMemorySpanExporter
) -> None:
    async with running(app) as server:
        peers = server.app.settings.model_copy(update={"peers": {"ratings": [server.address]}})

        async def asks_a_peer(request: Any, grpc_context: Any) -> Any:
            peer = stub_class(client.channel("ratings", peers))
            return await peer.Write(echo_contract.EchoRequest(text="second"))

        app.on["first"] = asks_a_peer
        await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="first"), metadata=TRACEPARENT)
        await client.close_channels()
    spans = {(span.name.rpartition("/")[2], span.kind): span for span in finished(exporter)}
    assert set(spans) == {("Echo", SpanKind.SERVER), ("Write", SpanKind.CLIENT), ("Write", SpanKind.SERVER)}
    first, asked, second = (
        spans[key] for key in (("Echo", SpanKind.SERVER), ("Write", SpanKind.CLIENT), ("Write", SpanKind.SERVER))
    )
    assert {f"{span.context.trace_id:032x}" for span in spans.values()} == {TRACE}
    assert f"{first.parent.span_id:016x}" == PARENT
    assert asked.parent.span_id == first.context.span_id
    assert second.parent.span_id == asked.context.span_id
    assert first.name == "cinemesh_test.v1.EchoService/Echo"
    assert dict(first.attributes)["rpc.grpc.status_code"] == 0
    assert dict(first.attributes) | {"rpc.system": "grpc", "rpc.service": "cinemesh_test.v1.EchoService"} == dict(
        first.attributes
    )


async def test_a_fault_is_an_error_told_once_and_redacted(
    app: Any, stub_class: Any, echo_contract: Any, exporter: InMemorySpanExporter
) -> None:
    async def boom(request: Any, grpc_context: Any) -> Any:
        raise ValueError("redis://:hunter2@cache is away")

    app.on["boom"] = boom
    async with running(app) as server:
        with pytest.raises(grpc.aio.AioRpcError):
            await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="boom"))
    (span,) = finished(exporter)
    assert span.status.status_code is StatusCode.ERROR
    (event,) = span.events
    assert event.name == "exception"
    assert dict(event.attributes)["exception.type"] == "builtins.ValueError"
    assert "hunter2" not in str(dict(event.attributes))
    assert dict(span.attributes)["rpc.grpc.status_code"] == 13


async def test_a_callers_mistake_is_no_error_of_the_server(
    app: Any, stub_class: Any, echo_contract: Any, exporter: InMemorySpanExporter
) -> None:
    async def missing(request: Any, grpc_context: Any) -> Any:
        raise NotFound("no")

    app.on["missing"] = missing
    async with running(app) as server:
        with pytest.raises(grpc.aio.AioRpcError):
            await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="missing"))
    (span,) = finished(exporter)
    assert span.status.status_code is StatusCode.UNSET
    assert span.events == ()
    assert dict(span.attributes)["rpc.grpc.status_code"] == 5
    assert dict(span.attributes)["error.type"] == "NOT_FOUND"


@pytest.mark.parametrize("header", ["", "garbage", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{PARENT}"])
async def test_a_broken_header_starts_a_new_trace(
    app: Any, stub_class: Any, echo_contract: Any, exporter: InMemorySpanExporter, header: str
) -> None:
    async with running(app) as server:
        await server.stub(stub_class).Echo(echo_contract.EchoRequest(), metadata=(("traceparent", header),))
    (span,) = finished(exporter)
    assert span.parent is None


async def test_while_tracing_is_off_the_callers_trace_is_handed_on_untouched(
    app: Any, stub_class: Any, echo_contract: Any
) -> None:
    seen = []

    async def look(request: Any, grpc_context: Any) -> Any:
        seen.append((context.current().trace_id, context.current().traceparent))
        return echo_contract.EchoResponse()

    app.on["look"] = look
    async with running(app) as server:
        for headers in (TRACEPARENT, (("traceparent", "garbage"),), ()):
            await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="look"), metadata=headers)
    assert seen == [(TRACE, TRACEPARENT[0][1]), ("", ""), ("", "")]
