"""`run(app)` as a process of its own: signals, ports, exit codes and what it prints when it cannot start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cinemesh.testing.ports import free_base

PROGRAM = """
import asyncio, sys
from typing import ClassVar
from cine.common.v1 import status_pb2, status_pb2_grpc
from cinemesh.errors import Unavailable
from cinemesh.server import Application, Mount, run
from cinemesh.settings import ServiceSettings, load

class Settings(ServiceSettings):
    service: ClassVar[str] = "catalog"
    behaviour: str = ""

class Catalog(Application):
    name = "catalog"
    def __init__(self, settings): self.settings = settings
    async def start(self):
        if self.settings.behaviour == "fail":
            raise Unavailable("the store of catalog cannot be opened: var/catalog is not writable")
        if self.settings.behaviour == "crash":
            raise RuntimeError("postgresql://cine:hunter2@db is away")
        if self.settings.behaviour == "hang":
            print("hanging", flush=True)
            await asyncio.Event().wait()
        return []
    async def stop(self):
        print("application stopped", flush=True)
        if self.settings.behaviour == "never-stops":
            await asyncio.Event().wait()

run(Catalog(load(Settings)))
"""


class Process:
    """A service process under test, with what it prints."""

    def __init__(self, folder: Path, base: int, **environment: str) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("CINE_")}
        own |= {"CINE_PORT_BASE": str(base), "CINE_DRAIN_SECONDS": "0", **environment}
        self.port = base + 2
        self.popen = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=folder,
            env=own,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_ready(self) -> None:
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            end = time.monotonic() + 30
            while time.monotonic() < end:
                assert self.popen.poll() is None, self.popen.stderr and self.popen.stderr.read()
                try:
                    if stub.Check(health_pb2.HealthCheckRequest(), timeout=1).status == 1:
                        return
                except grpc.RpcError:
                    pass
                time.sleep(0.05)
        raise AssertionError("not ready in time")

    def finish(self) -> tuple[int, str, str]:
        out, err = self.popen.communicate(timeout=30)
        return self.popen.returncode, out, err


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Process]]:
    processes: list[Process] = []
    yield processes
    for process in processes:
        if process.popen.poll() is None:
            process.popen.kill()
        process.popen.communicate()


def test_it_serves_health_and_metrics_and_ends_on_sigterm(tmp_path: Path, started: list[Process]) -> None:
    process = Process(tmp_path, free_base())
    started.append(process)
    process.wait_ready()
    with urllib.request.urlopen(f"http://127.0.0.1:{process.port + 100}/metrics", timeout=5) as answer:
        metrics = answer.read().decode()
    process.popen.send_signal(signal.SIGTERM)
    code, out, err = process.finish()
    assert code == 0, err
    assert "grpc_server_handled_total{" in metrics and "process_resident_memory_bytes" in metrics
    assert "application stopped" in out and '"message": "stopped"' in out
    assert err == ""
    assert oct((tmp_path / "var" / "keys" / "mesh.jwk").stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("offset", [2, 102])
def test_a_busy_port_is_said_plainly(tmp_path: Path, started: list[Process], offset: int) -> None:
    base = free_base()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", base + offset))
        holder.listen()
        process = Process(tmp_path, base)
        started.append(process)
        code, _, err = process.finish()
    assert code == 3
    assert err.strip() == (
        f"catalog: port {base + offset} is in use; set CINE_PORT_BASE to another base or stop the process that holds it"
    )


def test_a_second_copy_does_not_share_the_port(tmp_path: Path, started: list[Process]) -> None:
    first = Process(tmp_path, free_base())
    started.append(first)
    first.wait_ready()
    second = Process(tmp_path, first.port - 2)
    started.append(second)
    code, _, err = second.finish()
    assert code == 3 and f"port {first.port} is in use" in err
    first.wait_ready()


def test_a_missing_store_is_said_plainly(tmp_path: Path, started: list[Process]) -> None:
    process = Process(tmp_path, free_base(), CINE_CATALOG_BEHAVIOUR="fail")
    started.append(process)
    code, out, err = process.finish()
    assert code == 4
    assert err.strip() == "catalog cannot start: the store of catalog cannot be opened: var/catalog is not writable"
    assert "application stopped" in out  # half an application is closed too


def test_a_crash_at_the_start_shows_no_secret(tmp_path: Path, started: list[Process]) -> None:
    process = Process(tmp_path, free_base(), CINE_CATALOG_BEHAVIOUR="crash")
    started.append(process)
    code, out, err = process.finish()
    assert code == 4
    assert "RuntimeError" in err and "hunter2" not in err + out


def test_a_wrong_setting_is_named(tmp_path: Path, started: list[Process]) -> None:
    process = Process(tmp_path, free_base(), CINE_CATALOG_LOG_LEVEL="loud")
    started.append(process)
    code, _, err = process.finish()
    assert code == 2
    assert err.startswith("bad setting: CINE_LOG_LEVEL: ") and "loud" not in err


def test_sigterm_during_the_start_ends_it(tmp_path: Path, started: list[Process]) -> None:
    process = Process(tmp_path, free_base(), CINE_CATALOG_BEHAVIOUR="hang")
    started.append(process)
    assert process.popen.stdout is not None
    assert process.popen.stdout.readline().strip() == "hanging"
    process.popen.send_signal(signal.SIGTERM)
    code, out, _ = process.finish()
    assert code == 0 and "application stopped" in out


def test_a_second_signal_ends_it_at_once(tmp_path: Path, started: list[Process]) -> None:
    process = Process(tmp_path, free_base(), CINE_CATALOG_BEHAVIOUR="never-stops")
    started.append(process)
    process.wait_ready()
    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.stdout is not None
    while "application stopped" not in process.popen.stdout.readline():
        pass
    process.popen.send_signal(signal.SIGINT)
    code, _, _ = process.finish()
    assert code == 128 + signal.SIGINT
