"""The real mesh, started as `make run` starts it, on ports and in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cinemesh.testing.ports import free_base
from tests.integration import prepared

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mesh:
    base: int
    address: str
    environment: dict[str, str]

    def cine(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cine_cli", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=200, check=False
        )

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.address}{path}", timeout=10, trust_env=False)

    def status(self) -> dict[str, Any]:
        return json.loads(self.cine("status", "--json").stdout)


@contextmanager
def started(folder: Path, *, base: int = 0, https: bool = False, **more: str) -> Iterator[Mesh]:
    """Starts the mesh for the block.

    Args:
        folder: where everything of it is kept.
        base: of its ports, from `cinemesh.testing.ports.free_base`, where its address must be known beforehand.
        https: whether it has a port for HTTPS.
        more: settings of its environment.
    """
    base = base or free_base()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CINE_", "TMDB_"))}
    own = {
        "CINE_PORT_BASE": str(base),
        "CINE_GATEWAY_PORT": str(base + 300),
        "CINE_VAR_DIR": str(folder / "var"),
        "CINE_MERGED_CSV": str(folder / "movies_merged.csv"),
        "CINE_DATA_DIR": "",
        "CINE_GATEWAY_RATE_LIMIT": "0",
        **({"CINE_GATEWAY_HTTPS_PORT": str(base + 301)} if https else {}),
        **more,
    }
    made = Mesh(base, f"http://127.0.0.1:{base + 300}", {**kept, **own})
    if not own["CINE_DATA_DIR"]:
        prepared.put_into(folder)
    try:
        up = made.cine("up", "--json")  # what did not come up whole may run in parts all the same
        assert up.returncode == 0, up.stdout + up.stderr
        yield made
    finally:
        down = made.cine("stop")
    assert down.returncode == 0, down.stdout + down.stderr
