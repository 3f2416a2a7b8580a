"""The process that trains: started, listened to, ended."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Any, Final, Self

from cine_recommender.training.outcome import TrainingJob
from cinemesh.as_child import as_child

_COMMAND: Final = (sys.executable, "-m", "cine_recommender.training")
_LINE_BYTES: Final = 1_048_576
_GOODBYE_SECONDS: Final = 3.0


class TrainingProcess:
    """A training in a process of its own: it may take all the time and memory it likes, and ends when we end.

    Attributes:
        pid: of the process.
    """

    def __init__(self, process: Process) -> None:
        """Made by `start`."""
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(cls, job: TrainingJob) -> Self:
        """Starts a training.

        Raises:
            OSError: the machine gives no process.
        """
        # it reads no settings: what is secret in ours is none of its business
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CINE_")}
        process = await asyncio.create_subprocess_exec(
            *as_child(_COMMAND), stdin=PIPE, stdout=PIPE, env=environment, limit=_LINE_BYTES
        )
        made = cls(process)
        assert process.stdin is not None
        with suppress(ConnectionError):  # it died; `heard` says so
            process.stdin.write(job.model_dump_json().encode())
            await process.stdin.drain()
        process.stdin.close()
        return made

    async def heard(self, seconds: float) -> dict[str, Any] | None:
        """Returns the next thing it says; None at its end.

        Raises:
            TimeoutError: it said nothing for so many seconds.
        """
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), seconds)
        told: dict[str, Any] | None = json.loads(line) if line.endswith(b"\n") else None
        return told

    async def ended(self) -> int:
        """Returns its exit status, below 0 for the signal that ended it; one that lingers is ended."""
        with suppress(TimeoutError):
            return await asyncio.wait_for(self._process.wait(), _GOODBYE_SECONDS)
        await self.end()
        return self._process.returncode or 0

    async def end(self) -> None:
        """Ends it, with SIGTERM first."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _GOODBYE_SECONDS)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
