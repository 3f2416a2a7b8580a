"""What is left of a call afterwards: one JSON line, a few counters, and the request id in everybody's hands."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import grpc
import pytest

from cinemesh import telemetry
from cinemesh.errors import NotFound
from cinemesh.interceptors.request_log import new_request_id
from cinemesh.testing import TokenFactory, running

ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}\Z")


def calls(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["message"] == "call"]


def sample(name: str, **labels: str) -> float:
    return telemetry.REGISTRY.get_sample_value(name, labels) or 0.0


async def test_one_line_a_call_says_what_happened(
    app: Any, stub_class: Any, echo_contract: Any, tokens: TokenFactory, log_lines: Any
) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = (("x-request-id", "edge-1"), ("traceparent", traceparent), *tokens.metadata(tokens.user()))
    async with running(app) as server:
        await server.stub(stub_class).ForUser(echo_contract.EchoRequest(text="private words"), metadata=headers)
    lines = log_lines()
    (line,) = calls(lines)
    assert line.pop("ms") >= 0
    assert re.fullmatch(r"ipv4:127\.0\.0\.1:\d+", line.pop("peer"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line.pop("time"))
    assert line == {
        "service": "echo",
        "method": "/cinemesh_test.v1.EchoService/ForUser",
        "code": "OK",
        "principal": "user",
        "request_id": "edge-1",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "level": "info",
        "message": "call",
    }
    assert "private words" not in str(lines) and "eyJ" not in str(lines)


async def test_failures_are_logged_with_their_reason_and_level(
    app: Any, stub_class: Any, echo_contract: Any, log_lines: Any
) -> None:
    async def missing(request: Any, context: Any) -> Any:
        raise NotFound("no")

    async def boom(request: Any, context: Any) -> Any:
        raise ValueError("no")

    app.on.update(missing=missing, boom=boom)
    async with running(app) as server:
        for text in ("missing", "boom"):
            with pytest.raises(grpc.aio.AioRpcError):
                await server.stub(stub_class).Echo(echo_contract.EchoRequest(text=text))
    told = [(line["code"], line["reason"], line["level"]) for line in calls(log_lines())]
    assert told == [("NOT_FOUND", "NOT_FOUND", "info"), ("INTERNAL", "INTERNAL", "error")]


async def test_the_request_id_comes_back_and_a_strange_one_is_replaced(
    app: Any, stub_class: Any, echo_contract: Any
) -> None:
    seen = []
    async with running(app) as server:
        stub = server.stub(stub_class)
        for given in ("edge-1", "", "with space", 'a"b', "x" * 65):
            call = stub.Echo(echo_contract.EchoRequest(), metadata=(("x-request-id", given),))
            await call
            seen.append((await call.trailing_metadata())["x-request-id"])
        stream = stub.Repeat(echo_contract.EchoRequest(count=1))
        assert ULID.match((await stream.initial_metadata())["x-request-id"])
    assert seen[0] == "edge-1"
    assert all(ULID.match(made) for made in seen[1:])
    assert len(set(seen)) == len(seen)


def test_request_ids_are_ulids() -> None:
    import ulid

    made = [new_request_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert [made_one[:10] for made_one in made] == sorted(made_one[:10] for made_one in made)
    assert abs(ulid.ULID.from_str(new_request_id()).timestamp - ulid.ULID().timestamp) < 5


async def test_calls_are_counted_by_method_and_outcome(app: Any, stub_class: Any, echo_contract: Any) -> None:
    labels = {"grpc_service": "cinemesh_test.v1.EchoService", "grpc_method": "Write"}
    entered, leave = asyncio.Event(), asyncio.Event()

    async def wait(request: Any, context: Any) -> Any:
        entered.set()
        await leave.wait()
        return echo_contract.EchoResponse()

    app.on["wait"] = wait
    before = {
        code: sample("grpc_server_handled_total", grpc_code=code, **labels) for code in ("OK", "INVALID_ARGUMENT")
    }
    timed = sample("grpc_server_handling_seconds_count", **labels)
    async with running(app) as server:
        stub = server.stub(stub_class)
        call = stub.Write(echo_contract.EchoRequest(text="wait"))
        await entered.wait()
        assert sample("grpc_server_in_flight", **labels) == 1
        leave.set()
        await call
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Write(echo_contract.EchoRequest(count=99))
    after = {code: sample("grpc_server_handled_total", grpc_code=code, **labels) for code in before}
    assert {code: after[code] - before[code] for code in before} == {"OK": 1, "INVALID_ARGUMENT": 1}
    assert sample("grpc_server_handling_seconds_count", **labels) == timed + 2
    assert sample("grpc_server_in_flight", **labels) == 0


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql+psycopg://cine:hunter2@db/cine", "hunter2"),
        ("redis://:hunter2@cache:6379", "hunter2"),
        ("Authorization: Bearer abcdef123456789", "abcdef123456789"),
        ("token eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl was refused", "eyJzdWIiOiI0MiJ9"),
        ("connect(user='cine', password='hunter2')", "hunter2"),
        ('{"client_secret": "hunter2", "name": "x"}', "hunter2"),
        ("TMDB_BEARER_TOKEN=hunter2hunter2", "hunter2"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, hidden: str) -> None:
    assert hidden not in telemetry.redact(text)
    assert "***" in telemetry.redact(text)


@pytest.mark.parametrize("text", ["no such film: The Secret", "https://image.example/p/1.jpg", "expected 3, got 4"])
def test_plain_text_stays(text: str) -> None:
    assert telemetry.redact(text) == text


def test_lines_of_libraries_are_json_and_redacted(log_lines: Any) -> None:
    import logging

    logging.getLogger("some.library").warning("cannot reach %s", "redis://:hunter2@cache:6379")
    (line,) = log_lines()
    assert (line["logger"], line["level"], line["message"]) == (
        "some.library",
        "warning",
        "cannot reach redis://:***@cache:6379",
    )
