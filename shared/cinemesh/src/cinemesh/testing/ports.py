"""Ports for the servers that tests start.

They lie below the range from which the kernel takes ports for outgoing connections (32768 to 60999 on Linux): one that was free
a moment ago may there be somebody's connection by the time the server binds it. They come round late: gRPC lets a new channel to an
address wait as long as an earlier one to the same address had to, whose server was gone. Test processes side by side (pytest-xdist)
take theirs from shares of their own.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import re
import socket
from collections.abc import Iterable, Sequence
from typing import Final

from cinemesh import topology

_SHARES: Final = 4
_SINGLE: Final = range(10_000, 17_600)
_BASES: Final = range(20_050, 32_050, 400)
_OFFSETS: Final = (*range(1, 9), *range(11, 19), *range(90, 120), 192, 300, 301)
"""Of the ports of a mesh with up to two replicas, and of its gateway where a test wants it beside."""


def _share(of: Sequence[int]) -> list[int]:
    """Returns what this process may take, in an order of its own."""
    worker = re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", ""))
    mine = list(of[int(worker[1]) % _SHARES :: _SHARES] if worker else of)
    random.Random(os.getpid()).shuffle(mine)
    return mine


_singles, _bases = itertools.cycle(_share(_SINGLE)), itertools.cycle(_share(_BASES))


def _free(ports: Iterable[int]) -> bool:
    with contextlib.ExitStack() as stack:
        for port in ports:
            try:
                stack.enter_context(socket.socket()).bind((topology.LOOPBACK, port))
            except OSError:
                return False
    return True


def free_port() -> int:
    """Returns a port of 127.0.0.1 that nobody holds now, another one each time.

    Raises:
        RuntimeError: there is none.
    """
    for port in itertools.islice(_singles, len(_SINGLE)):
        if _free([port]):
            return port
    raise RuntimeError("no free port")


def free_base() -> int:
    """Returns a base from which every port of a mesh is free; +300 and +301 are free for its gateway.

    Raises:
        RuntimeError: there is none.
    """
    for base in itertools.islice(_bases, len(_BASES)):
        if _free(base + offset for offset in _OFFSETS):
            return base
    raise RuntimeError("no free range of ports")
