"""The command line: what a supervisor starts and stops."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from cinemesh import topology


@pytest.fixture
def environment(mesh: Any, tmp_path: Path, port_base: int) -> dict[str, str]:
    """An environment for a second gateway before the same catalogue, on ports of its own."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "CINE_VAR_DIR": str(tmp_path / "var"),
        "CINE_PORT_BASE": str(port_base),
        "CINE_GATEWAY_PORT": str(port_base + 99),
        "CINE_PEERS": json.dumps({"catalog": [f"{topology.LOOPBACK}:{mesh.processes['catalog'].port}"]}),
        "CINE_GATEWAY_ACCESS_LOG": str(tmp_path / "access.log"),
        "CINE_GATEWAY_REQUEST_SECONDS": "1.5",
        "CINE_DRAIN_SECONDS": "0.2",
        "CINE_GATEWAY_RATE_LIMIT": "0",
    }


def run(environment: dict[str, str], *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cine_gateway", *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_render_writes_a_configuration_that_envoy_accepts(environment: dict[str, str], tmp_path: Path) -> None:
    done = run(environment, "render", "--check", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == (tmp_path / "var" / "gateway" / "envoy.yaml").resolve()


def test_envoy_finishes_calls_in_flight_when_it_is_asked_to_end(
    environment: dict[str, str], tmp_path: Path, until: Any
) -> None:
    with (tmp_path / "envoy.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cine_gateway", "envoy"],
            env=environment,
            cwd=tmp_path,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    url = f"http://{topology.LOOPBACK}:{environment['CINE_GATEWAY_PORT']}"
    answers: list[httpx.Response] = []

    def answered() -> bool:
        assert process.poll() is None, (tmp_path / "envoy.log").read_text()
        try:
            return httpx.get(f"{url}/api/v1/movies/603").status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(answered)
        slow = threading.Thread(target=lambda: answers.append(httpx.get(f"{url}/api/v1/movies/search?query=unhurried")))
        slow.start()
        admin = f"http://{topology.LOOPBACK}:{topology.admin_port(int(environment['CINE_PORT_BASE']))}"
        until(
            lambda: (
                "downstream_rq_active: 1" in httpx.get(f"{admin}/stats?filter=http.public.downstream_rq_active").text
            )
        )
        process.send_signal(signal.SIGTERM)
        slow.join(timeout=10)
        assert process.wait(timeout=15) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert [one.status_code for one in answers] == [200]
    with pytest.raises(httpx.TransportError):
        httpx.get(url)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux does this")
def test_envoy_does_not_outlive_a_watcher_that_is_killed(
    environment: dict[str, str], tmp_path: Path, until: Any
) -> None:
    admin = topology.admin_port(int(environment["CINE_PORT_BASE"]))

    def listening() -> bool:
        with socket.socket() as one:
            return one.connect_ex((topology.LOOPBACK, admin)) == 0

    with (tmp_path / "envoy.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cine_gateway", "envoy"],
            env=environment,
            cwd=tmp_path,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    until(listening)
    process.kill()
    process.wait()
    until(lambda: not listening())


@pytest.mark.parametrize(
    ("command", "setting"),
    [("envoy", "CINE_GATEWAY_PORT"), ("portal", "CINE_PORT_BASE"), ("limiter", "CINE_PORT_BASE")],
)
def test_a_busy_port_is_said_plainly(environment: dict[str, str], tmp_path: Path, command: str, setting: str) -> None:
    port = int(environment[setting])
    port = {"portal": topology.portal_port, "limiter": topology.limiter_port}.get(command, int)(port)
    with socket.socket() as holder:
        holder.bind((topology.LOOPBACK, port))
        holder.listen()
        done = run(environment, command, folder=tmp_path)
    assert done.returncode == 3
    assert done.stderr == f"gateway: port {port} is in use; set {setting} or stop the process that holds it\n"


def test_a_bad_setting_is_said_plainly(environment: dict[str, str], tmp_path: Path) -> None:
    done = run({**environment, "CINE_CORS_ORIGINS": "*"}, "render", folder=tmp_path)
    assert done.returncode == 2
    assert "is not an origin" in done.stderr
    assert "Traceback" not in done.stderr


def test_openapi_prints_the_document(environment: dict[str, str], tmp_path: Path) -> None:
    done = run(environment, "openapi", folder=tmp_path)
    assert '"openapi": "3.1.0"' in done.stdout
