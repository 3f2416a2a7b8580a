"""What a model costs: seconds, and the most memory the process held meanwhile."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


@dataclass
class Spent:
    """Filled when the block ends.

    Attributes:
        seconds: wall clock.
        peak_mib: most resident memory of the process since the block began; since the process began where the kernel keeps no such mark.
    """

    seconds: float = 0.0
    peak_mib: float = 0.0


@contextmanager
def measured() -> Iterator[Spent]:
    """Measures what happens in the block."""
    with suppress(OSError):
        _CLEAR.write_text("5")  # the mark of the most memory held starts anew
    spent = Spent()
    began = time.perf_counter()
    try:
        yield spent
    finally:
        spent.seconds = time.perf_counter() - began
        spent.peak_mib = _peak_mib()


def _peak_mib() -> float:
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
