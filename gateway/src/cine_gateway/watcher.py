"""Runs Envoy and ends it kindly: `watcher.py ADMIN_PORT DRAIN_SECONDS GRACE_SECONDS ENVOY ARGUMENT…`.

Envoy drops calls in flight on SIGTERM. This process turns the signal into: announce the end on every connection, wait until no
call is in flight (or the grace is over), then stop. It needs the standard library alone, so that it stays small.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
import signal
import subprocess
import sys
import time
import urllib.request
from types import FrameType

_ACTIVE = re.compile(r"^http\.public\.downstream_rq_active: (\d+)$", re.MULTILINE)


_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """Asks the kernel to end Envoy when this process dies without a chance to do it; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Watcher:
    """Envoy as a child process."""

    def __init__(self, admin_port: int, drain_seconds: float, grace_seconds: float, command: list[str]) -> None:
        """Prepares; `run` starts it."""
        self._admin = f"http://127.0.0.1:{admin_port}"
        self._drain = drain_seconds
        self._grace = grace_seconds
        self._command = command
        self._asked = 0

    def run(self) -> int:
        """Runs Envoy until it ends or a signal asks for it. Returns its exit status, 0 when it was asked to end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        # in a group of its own: Ctrl-C in a terminal must reach this process only, or Envoy would not drain
        with subprocess.Popen(self._command, start_new_session=True, preexec_fn=_end_with_parent) as child:
            try:
                while self._asked == 0:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        return child.wait(timeout=0.2)
                self._drain_child(child)
            finally:
                child.terminate()
                try:
                    child.wait(timeout=5)
                except subprocess.TimeoutExpired:
                    child.kill()
        return 0

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is Python's
        self._asked += 1

    def _drain_child(self, child: subprocess.Popen[bytes]) -> None:
        begin = time.monotonic()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(
                urllib.request.Request(f"{self._admin}/drain_listeners?graceful", method="POST"), timeout=2
            ).close()
        while child.poll() is None and self._asked == 1:
            waited = time.monotonic() - begin
            if waited >= self._grace or (waited >= self._drain and self._active() == 0):
                return
            time.sleep(0.05)

    def _active(self) -> int:
        """Returns the number of calls in flight; 0 when Envoy does not say."""
        try:
            with urllib.request.urlopen(f"{self._admin}/stats?filter=downstream_rq_active", timeout=2) as answer:
                found = _ACTIVE.search(answer.read().decode())
        except OSError:
            return 0
        return int(found[1]) if found else 0


if __name__ == "__main__":
    port, drain, grace, *envoy = sys.argv[1:]
    sys.exit(Watcher(int(port), float(drain), float(grace), envoy).run())
