"""What every mesh of tests would make anew: the starter catalogue merged, and models trained on it. Made once, copied since.

`cine up` finds it up to date by its own stamps, so a mesh starts in a second or two. Where anything a model is made of has
changed, it is another folder; where settings of a test change it, `cine up` makes it again, as it would for a person.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SOURCES = (
    "starter/src",
    "cli/src/cine_cli",
    "services/catalog/src/cine_catalog/pipeline",
    "services/recommender/src/cine_recommender",
    "shared/cinemesh/src/cinemesh/textencoder",
    "shared/cinemesh/src/cinemesh/artifacts",
)


def put_into(folder: Path) -> None:
    """Copies catalogue and models into the folder of a mesh; times of files stay, since stamps are made of them."""
    made = _made()
    shutil.copytree(made, folder, dirs_exist_ok=True)


def _made() -> Path:
    digest = hashlib.sha256()
    for source in _SOURCES:
        for path in sorted((ROOT / source).rglob("*")):
            if path.is_file() and path.suffix in {".py", ".json", ".toml", ".jsonl", ".csv"}:
                digest.update(path.relative_to(ROOT).as_posix().encode())
                digest.update(path.read_bytes())
    home = Path(tempfile.gettempdir()) / f"cine-prepared-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    ready = home / digest.hexdigest()[:16]
    # several processes run tests: one makes it, the others wait
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.is_dir():
            for stale in home.glob("*/"):
                shutil.rmtree(stale)
            half = home / f"half-{os.getpid()}"
            _make(half)
            half.rename(ready)
    return ready


def _make(folder: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CINE_", "TMDB_"))}
    own = {
        "CINE_VAR_DIR": str(folder / "var"),
        "CINE_MERGED_CSV": str(folder / "movies_merged.csv"),
        "CINE_DATA_DIR": "",
    }
    for step in ("preprocess", "train"):
        subprocess.run(
            [sys.executable, "-m", "cine_cli", step, "--json"],
            cwd=ROOT,
            env={**kept, **own},
            check=True,
            stdout=subprocess.DEVNULL,
        )
