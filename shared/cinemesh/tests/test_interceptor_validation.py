"""Validation on the wire: every broken rule is named with its path; bytes that do not parse are the caller's fault, not ours."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cinemesh.client import failure_of
from cinemesh.errors import Reason
from cinemesh.testing import running

METHOD = "/cinemesh_test.v1.EchoService/Echo"


async def violations(call: Any) -> list[tuple[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    failure = failure_of(caught.value)
    assert failure.reason is Reason.INVALID_FIELD
    return list(failure.violations)


async def test_every_broken_rule_is_named_in_the_order_of_the_contract(
    app: Any, stub_class: Any, echo_contract: Any
) -> None:
    request = echo_contract.EchoRequest(
        text="x" * 51,
        count=-1,
        tags=["ok", "", "toolong"],
        inner={"name": "toolong", "parts": [{"name": "fine"}, {"name": "toolong"}]},
        year_min=2000,
        year_max=1990,
        weights={"plot": -1},
        order_by="random",
    )
    async with running(app) as server:
        told = await violations(server.stub(stub_class).Echo(request))
    assert told == [
        ("text", "must be at most 50 characters"),
        ("count", "must be greater than or equal to 0 and less than or equal to 10"),
        ("tags[1]", "must not be empty"),
        ("tags[2]", "must be at most 5 characters"),
        ("inner.name", "must be at most 5 characters"),
        ("inner.parts[1].name", "must be at most 5 characters"),
        ("year_max", "year_max must not be before year_min"),
        ('weights["plot"]', "must be greater than or equal to 0"),
        ("order_by", "must be one of title, newest"),
    ]


async def test_the_message_is_for_people(app: Any, stub_class: Any, echo_contract: Any) -> None:
    async with running(app) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub(stub_class).Echo(echo_contract.EchoRequest(count=11, year_min=3, year_max=2))
    assert caught.value.details() == (
        "count must be greater than or equal to 0 and less than or equal to 10; year_max must not be before year_min"
    )


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"\x0a\x02\xff\xfe", "text"),
        (b"\x1a\x02ok\x1a\x02\xc3\x28", "tags[1]"),
        (b"\x22\x04\x0a\x02\xff\xfe", "inner.name"),
        (b"\x22\x08\x12\x00\x12\x04\x0a\x02\xed\xa0", "inner.parts[1].name"),
        (b"\x3a\x05\x0a\x01\xff\x10\x01", "weights[0].key"),
    ],
)
async def test_invalid_utf8_names_the_field(app: Any, raw: bytes, field: str) -> None:
    async with running(app) as server:
        told = await violations(server.raw(METHOD)(raw))
    assert told == [(field, "is not valid UTF-8")]


@pytest.mark.parametrize(
    "raw", [b"\xff", b"\x0a\x05ab", b"\x07", b"\x08", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
)
async def test_bytes_that_are_no_message_are_the_callers_fault(app: Any, raw: bytes) -> None:
    async with running(app) as server:
        told = await violations(server.raw(METHOD)(raw))
    assert told[0][1] == "is not a valid protobuf message"


async def test_each_message_of_a_client_stream_is_checked(app: Any, stub_class: Any, echo_contract: Any) -> None:
    async def requests() -> Any:
        yield echo_contract.EchoRequest(text="good")
        yield echo_contract.EchoRequest(count=11)

    async with running(app) as server:
        stub = server.stub(stub_class)
        told = await violations(stub.Collect(requests()))
        answers = []
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for answer in stub.Chat(requests()):
                answers.append(answer.text)  # noqa: PERF401 - what came before the error counts
    assert told[0][0] == "count"
    assert answers == ["good"]
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_streams_work(app: Any, stub_class: Any, echo_contract: Any) -> None:
    async def requests() -> Any:
        for text in ("a", "b"):
            yield echo_contract.EchoRequest(text=text)

    async with running(app) as server:
        stub = server.stub(stub_class)
        collected = await stub.Collect(requests())
        chat = [answer.text async for answer in stub.Chat(requests())]
        repeated = [answer.count async for answer in stub.Repeat(echo_contract.EchoRequest(count=3))]
    assert (collected.text, collected.count, chat, repeated) == ("a,b", 2, ["a", "b"], [0, 1, 2])


async def test_a_message_beyond_the_limit_is_refused(app: Any, stub_class: Any, echo_contract: Any) -> None:
    async with running(app) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="x" * 10_000_000))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="still here"))).count == 1


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.one_of(st.binary(max_size=60), st.binary(max_size=20).map(lambda b: b"\x22" + bytes([len(b)]) + b)))
def test_any_bytes_are_either_a_message_or_a_named_fault(echo_contract: Any, raw: bytes) -> None:
    from cinemesh.errors import InvalidArgument
    from cinemesh.interceptors.validation import read

    try:
        message = read(raw, echo_contract.EchoRequest)
    except InvalidArgument as fault:
        assert fault.violations and fault.violations[0][1]
    else:
        assert echo_contract.EchoRequest.FromString(raw) == message or "nan" in str(message)
