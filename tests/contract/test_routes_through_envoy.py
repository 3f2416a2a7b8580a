"""Every route of the contracts reaches its call through a real Envoy, with and without a trailing slash.

What the golden file can't show: that Envoy's transcoder accepts every path template, and that literal paths win over variables.
Behind Envoy stands a server that knows no contract and answers any call with the name of the method it was sent to.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from cinemesh.testing.ports import free_port

ENVOY = Path(sys.executable).with_name("envoy")
DESCRIPTORS = Path(__file__).resolve().parents[2] / "shared" / "contracts" / "descriptors.binpb"


class _Echo(grpc.GenericRpcHandler):
    """Refuses every call with the method's name as the message."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        async def answer(requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
            async for _ in requests:
                pass
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, details.method)
            yield b""

        return grpc.stream_stream_rpc_method_handler(answer)


def _configuration(port: int, upstream: int, services: list[str]) -> dict[str, Any]:
    types = "type.googleapis.com/envoy.extensions"
    address = {"socket_address": {"address": "127.0.0.1", "port_value": upstream}}
    manager = {
        "@type": f"{types}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "contract",
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "echo"}}]}
            ]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.grpc_json_transcoder",
                "typed_config": {
                    "@type": f"{types}.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
                    "proto_descriptor": str(DESCRIPTORS),
                    "services": services,
                },
            },
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{types}.filters.http.router.v3.Router"},
            },
        ],
    }
    http2 = {"explicit_http_config": {"http2_protocol_options": {}}}
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    return {
        "static_resources": {
            "listeners": [
                {
                    "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
                    "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                }
            ],
            "clusters": [
                {
                    "name": "echo",
                    "load_assignment": {
                        "cluster_name": "echo",
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
                    },
                    "typed_extension_protocol_options": {options: {"@type": f"type.googleapis.com/{options}", **http2}},
                }
            ],
        }
    }


@pytest.fixture
async def gateway(routes: list[Any], tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Echo(),))
    upstream = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    port = free_port()
    services = sorted({route.call.split("/")[0] for route in routes if route.verb})
    configuration = tmp_path / "envoy.json"
    configuration.write_text(json.dumps(_configuration(port, upstream, services)))
    process = await asyncio.create_subprocess_exec(
        str(ENVOY),
        *("-c", str(configuration), "--disable-hot-restart", "--concurrency", "1", "-l", "critical"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        for _ in range(200):
            if process.returncode is not None:
                assert process.stdout is not None
                pytest.fail(f"Envoy refuses the contracts: {(await process.stdout.read()).decode()}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            break
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as client:
            yield client
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
        await server.stop(None)


async def test_every_route_reaches_its_call_in_both_slash_forms(
    gateway: httpx.AsyncClient, routes: list[Any], methods: dict[str, Any]
) -> None:
    limit = asyncio.Semaphore(16)

    async def reached(route: Any, slash: str) -> str:
        request = methods[route.call].input_type.fields_by_name

        def value(found: re.Match[str]) -> str:
            return "any-thing" if request[found[1]].type == request[found[1]].TYPE_STRING else "7"

        body = {"": None, "*": b"{}"}.get(route.body, b"bytes")
        async with limit:
            answer = await gateway.request(route.verb, re.sub(r"\{([^}]*)\}", value, route.path) + slash, content=body)
        wanted = f"/{route.call}"
        got = answer.headers.get("grpc-message", f"{answer.status_code} {answer.text}")
        return "" if got == wanted else f"{route.verb} {route.path}{slash}: {got}"

    over_rest = [route for route in routes if route.verb]
    assert len(over_rest) > 150
    found = await asyncio.gather(*(reached(route, slash) for route in over_rest for slash in ("", "/")))
    assert [problem for problem in found if problem] == []


async def test_other_paths_and_verbs_reach_no_call(gateway: httpx.AsyncClient) -> None:
    for verb, path in (("GET", "/api/v1/nothing"), ("PATCH", "/api/v1/movies/7"), ("GET", "/api/v1/movies/7/nothing")):
        answer = await gateway.request(verb, path)
        assert not answer.headers.get("grpc-message", "").startswith("/cine."), path
