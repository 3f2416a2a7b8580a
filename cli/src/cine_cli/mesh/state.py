"""What the supervisor tells the outside: one JSON file, replaced atomically, and whether its writer still lives."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil


@dataclass
class ProcessState:
    """One process as the supervisor sees it; `since` and `create_time` are Unix seconds, `pid` 0 when it is down."""

    name: str
    pid: int = 0
    create_time: float = 0.0
    ready: bool = False
    restarts: int = 0
    last_exit: int | None = None
    since: float = 0.0
    log: str = ""


@dataclass
class MeshState:
    """The whole mesh; `phase` is "starting", "running" or "stopping"."""

    supervisor_pid: int
    supervisor_create_time: float
    phase: str
    gateway_port: int
    port_base: int
    started_at: float
    ready_at: float = 0.0
    processes: list[ProcessState] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        """Whether every process answers its check."""
        return bool(self.processes) and all(p.ready for p in self.processes)


def state_file(var_dir: Path) -> Path:
    """Returns the path of the state file."""
    return var_dir / "run" / "mesh.json"


def write_state(var_dir: Path, state: MeshState) -> None:
    """Replaces the state file; a reader sees the old or the new one, never half."""
    target = state_file(var_dir)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".mesh-")
    with os.fdopen(descriptor, "w") as handle:
        json.dump(asdict(state), handle)
    Path(name).replace(target)


def read_state(var_dir: Path) -> MeshState | None:
    """Returns the state of the mesh running from this folder, or None when its supervisor is gone."""
    try:
        raw = json.loads(state_file(var_dir).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    raw["processes"] = [ProcessState(**process) for process in raw["processes"]]
    state = MeshState(**raw)
    return state if alive(state.supervisor_pid, state.supervisor_create_time) else None


def alive(pid: int, create_time: float) -> bool:
    """Returns whether this very process still runs: a pid alone may have been given to another."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - create_time) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
