"""An open loop of HTTP requests: each is due at its own moment, and its time runs from then, so a stall shows in all that waited.

The client itself is as small as it can be: a general one takes more of a small machine than what is measured.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt


def encode(method: str, path: str, *, token: str = "", body: Any = None) -> bytes:
    """Returns a request as it goes over the wire."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "host: localhost", f"content-length: {len(content)}"]
    if token:
        lines.append(f"authorization: Bearer {token}")
    if content:
        lines.append("content-type: application/json")
    return "\r\n".join([*lines, "", ""]).encode() + content


class _Connection(asyncio.Protocol):
    """One keep-alive connection: a request at a time. Understands answers that say how long they are."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._held = bytearray()
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        head = self._held.find(b"\r\n\r\n")
        if head < 0:
            return
        length = 0
        for line in bytes(self._held[:head]).lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
            elif line.startswith(b"transfer-encoding:"):
                self._fail(RuntimeError("an answer without a length"))
                return
        if len(self._held) >= head + 4 + length:
            status = int(self._held[9:12])
            del self._held[: head + 4 + length]
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("the connection was closed"))

    def _fail(self, fault: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(fault)

    async def send(self, request: bytes) -> int:
        """Sends a request and returns the status of its answer."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def paced(
    host: str, port: int, rate: float, seconds: float, request: Callable[[int], bytes], *, connections: int = 64
) -> tuple[npt.NDArray[np.float64], Counter[int]]:
    """Sends requests at a steady rate.

    Args:
        host: whom to send to.
        port: where it listens.
        rate: requests a second.
        seconds: how long.
        request: makes request number n, counted from 0; see `encode`.
        connections: opened beforehand; a request that finds all of them busy waits, and its time runs.

    Returns:
        (n,) milliseconds from the moment each was due to its answer, and the answers by status.

    Raises:
        OSError: a connection was lost.
    """
    loop = asyncio.get_running_loop()
    opened = [(await loop.create_connection(_Connection, host, port))[1] for _ in range(connections)]
    free: deque[_Connection] = deque(opened)
    turns = asyncio.Semaphore(connections)
    taken: list[float] = []
    statuses: Counter[int] = Counter()
    wire = [request(number) for number in range(round(rate * seconds))]
    began = time.perf_counter() + 0.1

    async def one(number: int) -> None:
        async with turns:
            connection = free.popleft()
            status = await connection.send(wire[number])
            free.append(connection)
        taken.append((time.perf_counter() - began - number / rate) * 1000)
        statuses[status] += 1

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(len(wire)):
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                group.create_task(one(number))
    finally:
        for connection in opened:
            connection.close()
    return np.array(taken), statuses
