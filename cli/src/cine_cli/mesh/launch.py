"""Starts and stops the supervisor, and tells how the mesh does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from cine_cli.mesh.checks import busy_ports, gateway_answers
from cine_cli.mesh.plan import ROOT, MeshOptions, plan
from cine_cli.mesh.state import MeshState, alive, read_state

START_SECONDS = 90.0
STOP_SECONDS = 40.0
TAIL_LINES = 12


class MeshFailed(Exception):
    """The mesh did not start; the message says which process, and why where it is known."""


def start(options: MeshOptions, *, wait_seconds: float = START_SECONDS) -> MeshState:
    """Starts the mesh detached and waits until every process is ready.

    Returns:
        The state once ready; at once when it runs and is ready already.

    Raises:
        MeshFailed: a port is busy, or a process did not become ready in time.
    """
    running = read_state(options.var_dir)
    if running is None:
        _refuse_busy_ports(options)
        _spawn(options)
    deadline = time.monotonic() + wait_seconds
    while time.monotonic() < deadline:
        state = read_state(options.var_dir)
        if state is not None and state.ready and gateway_answers(state.gateway_port, state.port_base):
            return state
        if state is not None:
            _refuse_hopeless(state)
        time.sleep(0.1)
    state = read_state(options.var_dir)
    late = [p.name for p in state.processes if not p.ready] or ["envoy"] if state else ["the supervisor"]
    raise MeshFailed(f"not ready after {wait_seconds:.0f} s: {', '.join(late)}\n{_tails(state, late)}")


def _refuse_busy_ports(options: MeshOptions) -> None:
    busy = busy_ports(plan(options))
    if busy:
        lines = [f"port {port}, wanted by {name}, is in use{_holder(port)}" for name, port in busy]
        hint = "stop what uses it, or choose others with CINE_GATEWAY_PORT and CINE_PORT_BASE"
        raise MeshFailed("\n".join([*lines, hint]))


def _holder(port: int) -> str:
    """Returns " by name (pid n)" for the process that listens on a port, empty when the system does not tell."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,) and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return ""


def _spawn(options: MeshOptions) -> None:
    log_dir = options.var_dir / "log"
    log_dir.mkdir(parents=True, exist_ok=True)
    with (log_dir / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cine_cli.mesh.supervisor"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "CINE_VAR_DIR": str(options.var_dir)},
        )
    deadline = time.monotonic() + 15
    while read_state(options.var_dir) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise MeshFailed(f"the supervisor did not start; see {log_dir / 'supervisor.log'}")
        time.sleep(0.05)


def _refuse_hopeless(state: MeshState) -> None:
    """Gives up early on a process that keeps ending by itself while the mesh starts."""
    failing = [p.name for p in state.processes if p.restarts >= 4 and not p.ready]
    if failing:
        raise MeshFailed(f"{', '.join(failing)} ends as soon as it starts\n{_tails(state, failing)}")


def _tails(state: MeshState | None, names: list[str]) -> str:
    if state is None:
        return ""
    blocks = []
    for process in state.processes:
        if process.name in names:
            try:
                with Path(process.log).open(errors="replace") as log:
                    tail = "".join(log.readlines()[-TAIL_LINES:])
            except OSError:
                tail = "(no log)"
            blocks.append(f"--- {process.log}\n{tail}")
    return "\n".join(blocks)


def stop(options: MeshOptions) -> bool:
    """Stops the mesh that runs from this folder and waits until it is gone. Returns whether there was one."""
    state = read_state(options.var_dir)
    if state is None:
        return False
    os.kill(state.supervisor_pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while alive(state.supervisor_pid, state.supervisor_create_time):
        if time.monotonic() > deadline:
            raise MeshFailed(f"the supervisor (pid {state.supervisor_pid}) did not stop within {STOP_SECONDS:.0f} s")
        time.sleep(0.05)
    return True


def describe(state: MeshState) -> dict[str, Any]:
    """Returns the state for machines, with the resident memory of every process in MiB."""
    report = asdict(state)
    for process in report["processes"]:
        process["rss_mib"] = round(_resident_bytes(process["pid"]) / 2**20, 1)
    report["ready"] = state.ready
    return report


def _resident_bytes(pid: int) -> int:
    """Returns the resident memory of a process and its children (Envoy runs under its watcher); 0 when it is gone."""
    try:
        process = psutil.Process(pid) if pid else None
        family = [process, *process.children(recursive=True)] if process else []
        return sum(member.memory_info().rss for member in family)
    except psutil.Error:
        return 0
