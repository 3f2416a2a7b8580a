"""Asks a process whether it is ready, over the port it serves."""

from __future__ import annotations

import re
import socket
from typing import Any

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cine_cli.mesh.plan import ProcessPlan
from cinemesh import topology
from cinemesh.tls import TlsFiles, open_channel

#: One cheap call to a service, and one to the portal; neither counts against the caller's limit.
_THROUGH_GATEWAY = ("/health", "/health/live")


def busy_ports(processes: list[ProcessPlan]) -> list[tuple[str, int]]:
    """Returns (process, port) for each planned port that somebody else listens on already."""
    busy = []
    for process in processes:
        for port in process.ports:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                # as the servers themselves do: a port in TIME_WAIT is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    busy.append((process.name, port))
    return busy


async def is_ready(process: ProcessPlan, seconds: float = 1.0, tls: TlsFiles | None = None) -> bool:
    """Returns whether the process answers and says that it is ready; never raises for one that does not."""
    if process.check == "grpc":
        return await _grpc_serving(process, seconds, tls)
    path = "/ready" if process.check == "envoy" else "/health/live"
    tls = tls if process.known_as else None
    scheme = "http" if tls is None else "https"
    return await _http_ok(f"{scheme}://127.0.0.1:{process.ports[0]}{path}", seconds, tls)


async def _grpc_serving(process: ProcessPlan, seconds: float, tls: TlsFiles | None) -> bool:
    try:
        opened = _channel(process, tls)
    except OSError:  # its certificate is not there, or not there yet
        return False
    async with opened as channel:
        try:
            # the published types leave the methods out
            stub: Any = health_pb2_grpc.HealthStub(channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=seconds)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _channel(process: ProcessPlan, tls: TlsFiles | None) -> grpc.aio.Channel:
    address = f"127.0.0.1:{process.ports[0]}"
    # a global subchannel pool would keep back-off state between probes and see a restarted server late
    options: list[tuple[str, Any]] = [("grpc.use_local_subchannel_pool", 1)]
    return open_channel(address, process.known_as, tls, options)


async def _http_ok(url: str, seconds: float, tls: TlsFiles | None) -> bool:
    try:
        verify = True if tls is None else tls.client_context()
    except OSError:  # as above
        return False
    async with httpx.AsyncClient(timeout=seconds, trust_env=False, verify=verify) as client:
        try:
            return (await client.get(url)).status_code == 200
        except httpx.HTTPError:
            return False


def gateway_answers(port: int, port_base: int) -> bool:
    """Returns whether calls come through the gateway: Envoy notices a healthy service a moment after it is one."""
    with httpx.Client(timeout=2.0, trust_env=False) as client:
        try:
            answered = all(client.get(f"http://127.0.0.1:{port}{path}").status_code < 500 for path in _THROUGH_GATEWAY)
            return answered and _gateway_sees_services(client, port_base)
        except httpx.HTTPError:
            return False


def _gateway_sees_services(client: httpx.Client, port_base: int) -> bool:
    """Returns whether Envoy holds a process of each service for healthy; asked of its admin port, which counts nobody's calls."""
    admin = f"http://127.0.0.1:{topology.admin_port(port_base)}"
    told = client.get(f"{admin}/stats", params={"filter": "membership_healthy$"}).text
    healthy = dict(re.findall(r"^cluster\.(\w+)\.membership_healthy: (\d+)$", told, re.MULTILINE))
    return all(int(healthy.get(service, 0)) > 0 for service in topology.SERVICES)
