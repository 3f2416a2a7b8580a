"""The buf scripts see what they are there for: run on a copy of the contracts in a repository of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUF = ROOT / "node_modules" / ".bin" / "buf"

pytestmark = pytest.mark.skipif(not BUF.exists(), reason="buf is not installed here (npm ci); make lint installs it")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A repository with a small part of the contracts landed."""
    for name in ("common", "catalog"):
        shutil.copytree(ROOT / "protos" / "cine" / name, tmp_path / "protos" / "cine" / name)
    (tmp_path / "scripts").mkdir()
    for name in ("generate.py", "lint_contracts.sh", "breaking.sh"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    (tmp_path / ".gitignore").write_text("shared/\nnode_modules\n")
    _git(tmp_path, "init", "-q")
    return tmp_path


def _git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def _run(folder: Path, script: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(
        ["sh", f"scripts/{script}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _edit(folder: Path, before: str, after: str) -> None:
    path = folder / "protos" / "cine" / "catalog" / "v1" / "events.proto"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def test_breaking_check_compares_with_what_landed(copy: Path) -> None:
    status, said = _run(copy, "breaking.sh")
    assert (status, "nothing to compare with yet" in said) == (0, True), said
    _git(copy, "add", "-A")
    _git(copy, "commit", "-qm", "first")
    _edit(copy, "bool added = 3;", "bool added = 3;\n  // How many.\n  int32 count = 4;")
    status, said = _run(copy, "breaking.sh")
    assert (status, "comparing with" in said) == (0, True), said
    _edit(copy, "string etag = 2;", "string tag = 2;")
    status, said = _run(copy, "breaking.sh")
    assert status == 1 and 'changed name from "etag" to "tag"' in said, said
    # landed or not, it stays a break against the commit before
    _git(copy, "commit", "-qam", "second")
    status, said = _run(copy, "breaking.sh")
    assert status == 1 and "MovieChanged" in said, said


def test_lint_sees_our_faults_and_nobody_elses(copy: Path) -> None:
    status, said = _run(copy, "lint_contracts.sh")
    assert status == 0, said
    _edit(copy, "  // Its etag after the change; read the film itself with BatchGetMovies or GetMovie.\n", "")
    status, said = _run(copy, "lint_contracts.sh")
    assert status != 0 and 'Field "etag"' in said, said
    assert "google/" not in said and "buf/" not in said
