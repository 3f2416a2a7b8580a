"""Files as what something was made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def file_stamp(path: Path) -> str:
    """Returns what changes when a file does: its size and time.

    Raises:
        OSError: there is no such file.
    """
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def read_object(path: Path) -> dict[str, Any]:
    """Returns the JSON object in a file; an empty one where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
