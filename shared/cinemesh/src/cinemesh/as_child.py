"""Starts programs that end when we do: `as_child.py SIGNAL PARENT USER COMMAND…` becomes COMMAND.

What has to be done between fork and exec is done here, in a small process of its own, instead of by `preexec_fn` or `user` of
`subprocess`: those make Python copy the whole process with fork and run on in the copy, which is not safe beside threads of gRPC and
others (Python's documentation of `subprocess`). Without them it uses vfork. Run by its path, this file needs the standard library alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
_SAME_USER = "-"


def as_child(command: Sequence[str], *, ending: signal.Signals = signal.SIGTERM, user: str | None = None) -> list[str]:
    """Returns the command line that runs a command so that it does not outlive this process.

    Args:
        command: program and arguments.
        ending: what the kernel sends it when the thread that started it is gone; Linux only, elsewhere it lives on.
        user: whom it runs as, with their groups; None for ourselves. Only root may name somebody.
    """
    return [sys.executable, "-I", "-S", __file__, str(int(ending)), str(os.getpid()), user or _SAME_USER, *command]


def _become(ending: int, parent: int, user: str, command: list[str]) -> None:
    if user != _SAME_USER:
        found = pwd.getpwnam(user)
        os.initgroups(user, found.pw_gid)
        os.setgid(found.pw_gid)
        os.setuid(found.pw_uid)
    if sys.platform == "linux":
        # after the change of user, which takes it back
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ending)
        if os.getppid() != parent:  # it went before we asked
            sys.exit(128 + ending)
    try:
        os.execvp(command[0], command)
    except OSError as fault:
        sys.exit(f"{command[0]}: {fault.strerror}")


if __name__ == "__main__":
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
