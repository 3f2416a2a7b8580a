"""Calls to peers: what is handed on, when they end, what is tried again and what never is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

from cinemesh import client, context, contracts
from cinemesh.context import Principal, RequestContext
from cinemesh.errors import DeadlineExceeded
from cinemesh.testing import TokenFactory, running, settings_for
from cinemesh.testing.ports import free_port

SERVICE = "cinemesh_test.v1.EchoService"


@pytest.fixture(autouse=True)
async def closed_channels() -> AsyncIterator[None]:
    yield
    await client.close_channels()


@pytest.fixture
def retried(monkeypatch: pytest.MonkeyPatch, echo_contract: Any) -> None:
    """Makes the test contract one of the peer's, so that its NO_SIDE_EFFECTS methods are known."""
    own = contracts.files
    monkeypatch.setattr(
        contracts,
        "files",
        lambda package: [*own(package), *([echo_contract.DESCRIPTOR] if package == "cine.common.v1" else [])],
    )


def at(app: Any, *addresses: str) -> Any:
    return app.settings.model_copy(update={"peers": {"ratings": list(addresses)}})


def recording(app: Any, echo_contract: Any) -> list[tuple[RequestContext, dict[str, Any]]]:
    seen: list[tuple[RequestContext, dict[str, Any]]] = []

    async def record(request: Any, grpc_context: Any) -> Any:
        seen.append((context.current(), dict(grpc_context.invocation_metadata())))
        return echo_contract.EchoResponse()

    app.on["record"] = record
    return seen


async def test_request_id_trace_and_service_token_go_along(app: Any, stub_class: Any, echo_contract: Any) -> None:
    seen = recording(app, echo_contract)
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with running(app) as server:
        stub = stub_class(client.channel("ratings", at(app, server.address)))
        with context.using(RequestContext(request_id="edge-1", traceparent=traceparent, token="the-users-own")):
            await stub.ForService(echo_contract.EchoRequest(text="record"))
    (told, metadata) = seen[0]
    assert (told.request_id, told.traceparent) == ("edge-1", traceparent)
    assert told.principal == Principal("service", "catalog", frozenset({"service"}))
    assert "the-users-own" not in str(metadata)


async def test_the_callers_own_token_goes_along_when_asked_for(
    app: Any, stub_class: Any, echo_contract: Any, tokens: TokenFactory
) -> None:
    seen = recording(app, echo_contract)
    async with running(app) as server:
        stub = stub_class(client.channel("ratings", at(app, server.address), credentials="caller"))
        with context.using(RequestContext(token=tokens.user("77"))):
            await stub.ForUser(echo_contract.EchoRequest(text="record"))
        await stub.Echo(echo_contract.EchoRequest(text="record"))
    assert [told.principal.user_id for told, _ in seen] == ["77", ""]
    assert "authorization" not in seen[1][1]


async def test_a_call_has_a_deadline_that_shrinks_to_what_is_left(
    app: Any, stub_class: Any, echo_contract: Any
) -> None:
    left: list[float | None] = []

    async def look(request: Any, grpc_context: Any) -> Any:
        left.append(context.current().time_left())
        return echo_contract.EchoResponse()

    app.on["look"] = look
    request = echo_contract.EchoRequest(text="look")
    async with running(app) as server:
        stub = stub_class(client.channel("ratings", at(app, server.address)))
        await stub.Echo(request)
        await stub.Echo(request, timeout=50)
        with context.using(RequestContext(deadline=time.monotonic() + 1)):
            await stub.Echo(request)
            await stub.Echo(request, timeout=50)
        with context.using(RequestContext(deadline=time.monotonic() - 1)), pytest.raises(DeadlineExceeded):
            stub.Echo(request)
    # deadlines are rounded up by as much as 2 % on the wire: what we have left is handed on shorter by as much
    bounds = [2 * 1.02, 50 * 1.02, 1, 1]
    assert len(left) == 4
    assert all(seconds is not None and most / 2 < seconds <= most for seconds, most in zip(left, bounds, strict=True))


async def test_the_deadline_goes_on_from_hop_to_hop(app: Any, stub_class: Any, echo_contract: Any) -> None:
    left: list[float | None] = []
    async with running(app) as server:
        stub = stub_class(client.channel("ratings", at(app, server.address), deadline=30))

        async def hop(request: Any, grpc_context: Any) -> Any:
            left.append(context.current().time_left())
            if len(left) < 3:
                await asyncio.sleep(0.05)
                await stub.Echo(request)
            return echo_contract.EchoResponse()

        app.on["hop"] = hop
        await server.stub(stub_class).Echo(echo_contract.EchoRequest(text="hop"), timeout=3)
    first, second, third = (seconds or 0 for seconds in left)
    assert 3 * 1.02 >= first > second > third > 0, left


async def test_streams_carry_the_same_trail(app: Any, stub_class: Any, echo_contract: Any) -> None:
    async def requests() -> Any:
        yield echo_contract.EchoRequest(text="a")

    async with running(app) as server:
        stub = stub_class(client.channel("ratings", at(app, server.address)))
        with context.using(RequestContext(request_id="edge-7")):
            repeat = stub.Repeat(echo_contract.EchoRequest(count=2))
            assert [one.count async for one in repeat] == [0, 1]
            assert (await repeat.initial_metadata())["x-request-id"] == "edge-7"
            assert (await stub.Collect(requests())).count == 1
            assert [one.text async for one in stub.Chat(requests())] == ["a"]


async def test_one_connection_a_peer(app: Any) -> None:
    settings = at(app, "127.0.0.1:1")
    first, second = client.channel("ratings", settings), client.channel("ratings", settings, credentials="none")
    assert first._inner is second._inner
    with pytest.raises(ValueError, match="unknown service"):
        client.channel("nobody", settings)
    with pytest.raises(ValueError, match="IPv4"):
        client.channel("ratings", at(app, "a.example:1", "b.example:1"))


async def test_only_methods_without_side_effects_are_tried_again_and_only_when_unavailable(
    app: Any, stub_class: Any, echo_contract: Any, retried: None
) -> None:
    from cinemesh.errors import Internal, ResourceExhausted, Unavailable

    tries: list[str] = []
    failing = {"away": Unavailable("x"), "full": ResourceExhausted("x"), "fault": Internal("x")}

    async def fail(request: Any, grpc_context: Any) -> Any:
        tries.append(request.text)
        raise failing[request.text]

    app.on.update(dict.fromkeys(failing, fail))
    async with running(app) as server:
        for method, text, expected in (
            ("Echo", "away", 3),
            ("Write", "away", 1),
            ("Echo", "full", 1),
            ("Echo", "fault", 1),
        ):
            # a channel of its own each time: throttling remembers the failures before
            stub = stub_class(client.channel("ratings", at(app, server.address)))
            tries.clear()
            with pytest.raises(grpc.aio.AioRpcError):
                await getattr(stub, method)(echo_contract.EchoRequest(text=text))
            assert len(tries) == expected, (method, text)
            await client.close_channels()


async def test_a_peer_that_fails_every_time_gets_hardly_more_load(
    app: Any, stub_class: Any, echo_contract: Any, retried: None
) -> None:
    from cinemesh.errors import Unavailable

    tries = 0

    async def fail(request: Any, grpc_context: Any) -> Any:
        nonlocal tries
        tries += 1
        raise Unavailable("x")

    app.on["fail"] = fail
    calls = 200
    async with running(app) as server:
        stub = stub_class(client.channel("ratings", at(app, server.address)))
        for _ in range(calls):
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.Echo(echo_contract.EchoRequest(text="fail"))
    assert calls <= tries <= 1.2 * calls


async def test_calls_go_round_the_replicas_and_past_a_stopped_one(
    app: Any, stub_class: Any, echo_contract: Any, tmp_path: Path, retried: None
) -> None:
    kinds = type(app), type(app.settings)
    replicas = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        replica = kinds[0](settings_for(kinds[1], folder))

        async def answer(request: Any, grpc_context: Any, number: int = number) -> Any:
            return echo_contract.EchoResponse(count=number)

        replica.on["who"] = answer
        replicas.append(replica)
    request = echo_contract.EchoRequest(text="who")
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(running(replica)) for replica in replicas]
        settings = at(app, *(server.address for server in servers))
        stub = stub_class(client.channel("ratings", settings, credentials="none"))
        seen: list[int] = []
        async with asyncio.timeout(10):
            while set(seen) != {0, 1}:  # the second connection may stand a moment later
                seen.append((await stub.Echo(request)).count)
        settled = [(await stub.Echo(request)).count for _ in range(20)]
        assert settled.count(0) == settled.count(1) == 10
        await servers[0].server.stop()
        assert {(await stub.Echo(request)).count for _ in range(20)} == {1}


async def test_a_peer_that_comes_back_is_found_again(app: Any, stub_class: Any, echo_contract: Any) -> None:
    port = free_port()
    stub = stub_class(client.channel("ratings", at(app, f"127.0.0.1:{port}")))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Write(echo_contract.EchoRequest())
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    from cinemesh.server import Server

    server = Server(app)
    await server.bind(port, None)
    await server.start()
    answer = await stub.Write(echo_contract.EchoRequest(), wait_for_ready=True, timeout=10)
    assert answer.count == 1
    await server.stop()


def test_the_contracts_of_a_peer_are_found_without_being_imported() -> None:
    config = client.service_config("catalog")
    assert config["retryThrottling"] == {"maxTokens": 10, "tokenRatio": 0.1}
    assert {file.package for file in contracts.files("cine.catalog.v1")} == {"cine.catalog.v1"}
