"""An online copy of a SQLite store: consistent, in one plain file, put in place only when it is whole."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

from cinemesh import errors
from cinemesh.db.faults import translate

_PAGES_A_STEP = 256  # 1 MiB between two looks at the queue of the store


class Abandoned(Exception):
    """Nobody waits for the copy any more."""


class Copy:
    """One copy: `run` is called on the store's thread, `save` on the event loop."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part = target.with_name(f".{target.name}.part")
        self._abandoned = False
        self._done: concurrent.futures.Future[None] = concurrent.futures.Future()

    def run(self, source: sqlite3.Connection, between_steps: Callable[[], None]) -> None:
        """Copies `source`, giving way to other work between steps; SQLite carries writes made there over to the copy."""

        def step(*_: int) -> None:
            if self._abandoned:
                raise Abandoned
            between_steps()

        if not self._done.set_running_or_notify_cancel():
            return
        try:
            self._part.unlink(missing_ok=True)
            os.close(os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            with contextlib.closing(sqlite3.connect(self._part, isolation_level=None)) as copy:
                copy.execute("PRAGMA synchronous = OFF")  # it is flushed as a whole before it gets its name
                source.backup(copy, pages=_PAGES_A_STEP, progress=step)
        except BaseException as fault:
            self._done.set_exception(fault)
        else:
            self._done.set_result(None)

    async def save(self) -> None:
        """Waits for the copy, checks it and puts it in place.

        Raises:
            errors.Unavailable: the target cannot be written.
            errors.DataLoss: the copy does not pass SQLite's check.
        """
        try:
            await asyncio.wrap_future(self._done)
            await asyncio.to_thread(self._finish)
        except OSError as fault:
            raise errors.Unavailable(f"The backup cannot be written: {fault.strerror}.") from None
        except sqlite3.Error as fault:
            raise (translate(fault) or fault) from None
        finally:
            self._abandoned = True
            self._part.unlink(missing_ok=True)

    def _finish(self) -> None:
        with contextlib.closing(sqlite3.connect(self._part, isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, without a WAL beside it
            (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise errors.DataLoss("The backup does not pass SQLite's check.")
            # who restores this file goes back in time: consumers of its feed must notice (ADR 0004)
            if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'outbox_state'").fetchone():
                copy.execute("UPDATE outbox_state SET epoch = ?", (secrets.token_hex(6),))
        descriptor = os.open(self._part, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._part.replace(self._target)
        folder = os.open(self._target.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
