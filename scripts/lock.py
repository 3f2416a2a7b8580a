"""Compile every locked requirement file: hashes for all platforms, no index address in any of them.

`requirements/run.txt` is the embedded mesh, `dev.txt` adds tests and linters, `train.txt` what exporting models needs. Each
service's own `requirements.txt` is compiled from its pyproject.toml under the constraints of run.txt, so that every image
carries the same versions.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
INDEX_ADDRESS = re.compile(r"https?://")


def _compile(source: Path, target: Path, *extra: str) -> None:
    print(f"locking {target.relative_to(ROOT)}", flush=True)
    options = (
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-header",
        "--quiet",
    )
    overrides = ("--override", str(REQUIREMENTS / "overrides.txt"))
    environment = {**os.environ}
    if "PIP_CERT" in environment:
        environment.setdefault("SSL_CERT_FILE", environment["PIP_CERT"])
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", *options, *overrides, *extra, str(source), "-o", str(target)],
        check=True,
        cwd=ROOT,
        env=environment,
    )
    if INDEX_ADDRESS.search(
        "\n".join(line for line in target.read_text().splitlines() if not line.strip().startswith("#"))
    ):
        sys.exit(f"error: {target.relative_to(ROOT)} names an address")


def main() -> None:
    """Compiles all of them; `--upgrade` and other options of `uv pip compile` are passed on."""
    extra = tuple(sys.argv[1:])
    constraints = ("-c", str(REQUIREMENTS / "run.txt"))
    _compile(REQUIREMENTS / "run.in", REQUIREMENTS / "run.txt", *extra)
    _compile(REQUIREMENTS / "dev.in", REQUIREMENTS / "dev.txt", *constraints, *extra)
    if (REQUIREMENTS / "train.in").exists():
        _compile(REQUIREMENTS / "train.in", REQUIREMENTS / "train.txt", *extra)
    for project in [*sorted((ROOT / "services").glob("*/pyproject.toml")), ROOT / "gateway/pyproject.toml"]:
        _compile(project, project.parent / "requirements.txt", *constraints, *extra)


if __name__ == "__main__":
    main()
