"""Make an environment ready: `bootstrap.py run` for serving, `dev` for tests and linters, `train` for training and exporting models.

Only the standard library, because nothing else exists yet. Packages come from the locked, hashed requirement files through
the pip that Python brings, so a proxy or mirror in the user's pip configuration is honoured. Our own packages run in place.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = {
    "run": (".venv", ("run.txt",)),
    "dev": (".venv-dev", ("dev.txt",)),
    "train": (".venv-train", ("train.txt", "train-weights.txt")),
}
#: Folders whose packages are importable in every environment, in the order of the house.
SOURCES = (
    "shared/contracts",
    "shared/cinemesh/src",
    "starter/src",
    "gateway/src",
    "cli/src",
    *(
        f"services/{s}/src"
        for s in ("identity", "catalog", "ratings", "watchlist", "recommender", "aesthetic", "sentiment")
    ),
)


def _fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


def _interpreter(folder: Path) -> Path:
    return folder / "bin" / "python"


def _create(folder: Path) -> None:
    if _interpreter(folder).exists():
        return
    print(f"creating {folder.name} with Python {sys.version_info.major}.{sys.version_info.minor}", flush=True)
    try:
        venv.create(folder, with_pip=True, symlinks=True)
    except subprocess.CalledProcessError:
        _fail("this Python cannot create environments with pip; on Debian or Ubuntu: apt-get install python3-venv")


def _install(folder: Path, locks: list[Path]) -> None:
    stamp = folder / ".lock-sha256"
    digest = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    lines = [line for lock in locks for line in lock.read_text().splitlines()]
    count = sum(1 for line in lines if line and not line.startswith((" ", "#")))
    print(f"installing up to {count} locked packages into {folder.name} (about a minute)", flush=True)
    # --no-deps: the lock is the whole closure, minus what requirements/overrides.txt leaves out on purpose
    command = [str(_interpreter(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = [option for lock in locks for option in ("-r", str(lock))]
    done = subprocess.run([*command, "--no-deps", "--require-hashes", *wanted], check=False)
    if done.returncode != 0:
        names = " and ".join(str(lock.relative_to(ROOT)) for lock in locks)
        _fail(f"pip could not install {names}; the lines above say why (a network or an index problem?)")
    stamp.write_text(digest)


def _link(folder: Path) -> None:
    site = next((folder / "lib").glob("python3*")) / "site-packages"
    (site / "cine.pth").write_text("".join(f"{ROOT / source}\n" for source in SOURCES))
    launcher = folder / "bin" / "cine"
    launcher.write_text(f'#!/bin/sh\nexec "{_interpreter(folder)}" -m cine_cli "$@"\n')
    launcher.chmod(0o755)


def main() -> None:
    """Prepares the environment named by the first argument; quick when it is ready."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever calls may have an older one
        _fail(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; name one with `make PYTHON=python3.12 …`"
        )
    if len(sys.argv) != 2 or sys.argv[1] not in ENVIRONMENTS:
        _fail(f"usage: bootstrap.py {'|'.join(ENVIRONMENTS)}")
    name, locks = ENVIRONMENTS[sys.argv[1]]
    folder = ROOT / name
    _create(folder)
    _install(folder, [ROOT / "requirements" / lock for lock in locks])
    if sys.argv[1] == "train":  # runs scripts that find what they import; it has no gRPC to generate contracts with
        return
    _link(folder)
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [str(_interpreter(folder)), str(ROOT / "scripts" / "generate.py"), "--quiet"], env=environment, check=False
    )
    if done.returncode != 0:
        _fail("the contracts could not be generated; the lines above say why")


if __name__ == "__main__":
    main()
