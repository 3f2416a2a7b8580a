"""Errors on the wire: what a service raises arrives with its details, what it did not mean to raise is masked."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from cine.common.v1 import reason_pb2
from cinemesh import errors
from cinemesh.client import failure_of
from cinemesh.errors import CineError, Reason
from cinemesh.testing import running

SECRET = "postgresql://cine:hunter2@10.0.0.7/identity"


def raising(error: BaseException) -> Any:
    async def behaviour(request: Any, context: Any) -> Any:
        raise error

    return behaviour


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (errors.InvalidArgument("no", violations=[("genre[0]", "unknown")]), "INVALID_ARGUMENT", Reason.INVALID_FIELD),
        (errors.NotFound("no", reason=Reason.MOVIE_NOT_FOUND), "NOT_FOUND", Reason.MOVIE_NOT_FOUND),
        (errors.AlreadyExists("no"), "ALREADY_EXISTS", Reason.ALREADY_EXISTS),
        (errors.FailedPrecondition("no"), "FAILED_PRECONDITION", Reason.FAILED_PRECONDITION),
        (errors.Aborted("no"), "ABORTED", Reason.ETAG_MISMATCH),
        (errors.Unauthenticated("no"), "UNAUTHENTICATED", Reason.TOKEN_MISSING),
        (errors.PermissionDenied("no"), "PERMISSION_DENIED", Reason.ACCESS_DENIED),
        (errors.ResourceExhausted("no", retry_after=1.5), "RESOURCE_EXHAUSTED", Reason.RATE_LIMITED),
        (errors.Unavailable("no", reason=Reason.MODEL_NOT_READY), "UNAVAILABLE", Reason.MODEL_NOT_READY),
        (errors.DeadlineExceeded("no"), "DEADLINE_EXCEEDED", Reason.DEADLINE_EXCEEDED),
        (errors.NotImplementedYet("no"), "UNIMPLEMENTED", Reason.NOT_IMPLEMENTED),
        (errors.DataLoss("no"), "DATA_LOSS", Reason.DATA_CORRUPT),
        (errors.Internal("no"), "INTERNAL", Reason.INTERNAL),
    ],
)
async def test_a_raised_error_arrives_whole(
    app: Any, stub_class: Any, echo_contract: Any, error: CineError, status: str, reason: Reason
) -> None:
    app.on["fail"] = raising(error)
    async with running(app) as server:
        answer = await refused(
            server.stub(stub_class).Echo(echo_contract.EchoRequest(text="fail"), metadata=(("x-request-id", "abc-1"),))
        )
    assert answer.code() is grpc.StatusCode[status]
    assert answer.details() == "no"
    told = failure_of(answer)
    assert type(told) is type(error)
    assert told.reason is reason
    assert told.violations == error.violations
    assert told.retry_after == error.retry_after
    assert told.metadata == {"request_id": "abc-1"}


async def test_an_unexpected_exception_is_masked_and_logged_once_without_its_secrets(
    app: Any, stub_class: Any, echo_contract: Any, log_lines: Any
) -> None:
    app.on["boom"] = raising(RuntimeError(f"cannot reach {SECRET}"))
    async with running(app) as server:
        answer = await refused(server.stub(stub_class).Echo(echo_contract.EchoRequest(text="boom")))
    wire = f"{answer.details()} {answer.trailing_metadata()} {answer.debug_error_string()}"
    assert answer.code() is grpc.StatusCode.INTERNAL
    assert "hunter2" not in wire and "RuntimeError" not in wire and "10.0.0.7" not in wire
    lines = log_lines()
    stacks = [line for line in lines if "exception" in line]
    assert len(stacks) == 1
    assert "RuntimeError" in stacks[0]["exception"] and "in behaviour" in stacks[0]["exception"]
    assert "hunter2" not in str(lines)
    request_id = stacks[0]["request_id"]
    assert answer.details() == f"internal error, request id {request_id}"
    assert failure_of(answer).metadata["request_id"] == request_id


async def test_a_fault_in_a_stream_is_masked_after_what_was_sent(app: Any, stub_class: Any, echo_contract: Any) -> None:
    app.on["boom"] = raising(RuntimeError(SECRET))
    received = []
    async with running(app) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for answer in server.stub(stub_class).Repeat(echo_contract.EchoRequest(text="boom", count=3)):
                received.append(answer.count)  # noqa: PERF401 - what came before the error counts
    assert received == [0, 1, 2]
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "hunter2" not in str(caught.value)


async def test_an_error_inside_a_task_group_keeps_its_meaning(app: Any, stub_class: Any, echo_contract: Any) -> None:
    async def grouped(request: Any, context: Any) -> Any:
        async with asyncio.TaskGroup() as group:
            group.create_task(raising(errors.NotFound("not there"))(request, context))

    app.on["group"] = grouped
    async with running(app) as server:
        answer = await refused(server.stub(stub_class).Echo(echo_contract.EchoRequest(text="group")))
    assert (answer.code(), answer.details()) == (grpc.StatusCode.NOT_FOUND, "not there")


async def test_a_peer_that_is_away_is_unavailable_and_not_a_fault(
    app: Any, stub_class: Any, echo_contract: Any
) -> None:
    async def asks_a_peer(request: Any, context: Any) -> Any:
        async with grpc.aio.insecure_channel("127.0.0.1:1") as nobody:
            return await stub_class(nobody).Echo(echo_contract.EchoRequest(), timeout=2)

    app.on["peer"] = asks_a_peer
    async with running(app) as server:
        answer = await refused(server.stub(stub_class).Echo(echo_contract.EchoRequest(text="peer")))
    assert answer.code() is grpc.StatusCode.UNAVAILABLE
    assert failure_of(answer).reason is Reason.DEPENDENCY_UNAVAILABLE
    assert "127.0.0.1" not in str(answer.details())


async def test_an_answer_that_is_no_message_is_masked(app: Any, stub_class: Any, echo_contract: Any) -> None:
    async def nothing(request: Any, context: Any) -> Any:
        return None

    app.on["none"] = nothing
    async with running(app) as server:
        answer = await refused(server.stub(stub_class).Echo(echo_contract.EchoRequest(text="none")))
    assert answer.code() is grpc.StatusCode.INTERNAL
    assert "NoneType" not in str(answer.details())


async def test_ready_made_bytes_are_sent_as_they_are(app: Any, stub_class: Any, echo_contract: Any) -> None:
    async def precomputed(request: Any, context: Any) -> Any:
        return echo_contract.EchoResponse(text="from bytes", count=7).SerializeToString()

    app.on["bytes"] = precomputed
    async with running(app) as server:
        answer = await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="bytes"))
    assert (answer.text, answer.count) == ("from bytes", 7)


async def test_long_errors_fit_into_trailers(app: Any, stub_class: Any, echo_contract: Any) -> None:
    error = errors.InvalidArgument("x" * 50_000, violations=[(f"field_{n}", "y" * 5_000) for n in range(500)])
    app.on["long"] = raising(error)
    async with running(app) as server:
        answer = await refused(server.stub(stub_class).Echo(echo_contract.EchoRequest(text="long")))
    assert answer.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert 1 <= len(failure_of(answer).violations) <= 50


def test_reasons_are_those_of_the_contract() -> None:
    contract = {name.removeprefix("REASON_") for name in reason_pb2.Reason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118
    assert {reason.value for reason in Reason} == contract
