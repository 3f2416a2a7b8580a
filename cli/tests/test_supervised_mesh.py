"""The supervisor with real child processes (small ones): starts, restarts, reports, stops, says which port is busy."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cine_cli.mesh import launch, supervisor
from cine_cli.mesh.plan import MeshOptions, ProcessPlan, plan
from cine_cli.mesh.state import read_state
from cinemesh import topology
from cinemesh.testing.ports import free_port

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *args): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def small_plan(names: tuple[str, ...]) -> list[ProcessPlan]:
    ports = [free_port() for _ in names]
    return [
        ProcessPlan(name, (sys.executable, "-c", SERVER, str(port)), (port,), "http")
        for name, port in zip(names, ports, strict=True)
    ]


@pytest.fixture
def options(tmp_path: Path) -> MeshOptions:
    return MeshOptions(port_base=50050, gateway_port=8000, var_dir=tmp_path)


@pytest.fixture
async def mesh(options: MeshOptions, monkeypatch: pytest.MonkeyPatch) -> Iterator[supervisor.Supervisor]:
    processes = small_plan(("one", "two", "envoy"))
    monkeypatch.setattr(supervisor, "plan", lambda _options: processes)
    made = supervisor.Supervisor(options)
    running = asyncio.create_task(made.run())
    yield made
    if not running.done():
        os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 20)


async def until(condition, seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a state file is polled, as its readers do
            await asyncio.sleep(0.05)


async def test_killed_process_comes_back_and_is_counted(mesh: supervisor.Supervisor, options: MeshOptions) -> None:
    await until(lambda: mesh.state.ready)
    one = mesh.state.processes[0]
    before = one.pid
    os.kill(before, signal.SIGKILL)
    await until(lambda: one.pid not in (0, before) and one.ready)
    assert one.restarts == 1 and one.last_exit == -signal.SIGKILL
    await until(lambda: (state := read_state(options.var_dir)) is not None and state.processes[0].restarts == 1)


async def test_stopping_leaves_no_process(mesh: supervisor.Supervisor, options: MeshOptions) -> None:
    await until(lambda: mesh.state.ready)
    pids = [process.pid for process in mesh.state.processes]
    os.kill(os.getpid(), signal.SIGTERM)
    await until(lambda: not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids))


async def test_memory_of_every_process_is_told(mesh: supervisor.Supervisor) -> None:
    await until(lambda: mesh.state.ready)
    assert all(process["rss_mib"] > 1 for process in launch.describe(mesh.state)["processes"])


def test_busy_port_is_named_with_who_wants_it(options: MeshOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        monkeypatch.setattr(launch, "plan", lambda _options: [ProcessPlan("catalog", ("true",), (port,), "grpc")])
        with pytest.raises(launch.MeshFailed, match=f"port {port}, wanted by catalog, is in use"):
            launch.start(options)


def test_state_of_a_dead_supervisor_is_no_state(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "mesh.json").write_text('{"half')
    assert read_state(tmp_path) is None


def test_plan_has_every_service_the_portal_and_envoy_last(options: MeshOptions) -> None:
    names = [process.name for process in plan(options)]
    assert names == [*topology.SERVICES, "portal", "limiter", "envoy"]
    ports = [port for process in plan(options) for port in process.ports]
    assert len(ports) == len(set(ports))


def test_replicas_get_ports_of_their_own(options: MeshOptions) -> None:
    more = MeshOptions(options.port_base, options.gateway_port, options.var_dir, {"recommender": 3})
    replicas = [process for process in plan(more) if process.name.startswith("recommender")]
    assert [process.name for process in replicas] == ["recommender", "recommender-1", "recommender-2"]
    assert len({process.ports[0] for process in replicas}) == 3
