"""mypy --strict over every package of the house, in one run so that they are checked against each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def targets() -> list[str]:
    """Returns the source folders and scripts to check, those that exist."""
    folders = [
        ROOT / "shared/cinemesh/src",
        ROOT / "starter/src",
        ROOT / "gateway/src",
        ROOT / "cli/src",
        ROOT / "scripts",
    ]
    folders += sorted((ROOT / "services").glob("*/src"))
    return [str(folder.relative_to(ROOT)) for folder in folders if any(folder.rglob("*.py"))]


if __name__ == "__main__":
    sys.exit(subprocess.run([sys.executable, "-m", "mypy", *targets()], cwd=ROOT, check=False).returncode)
