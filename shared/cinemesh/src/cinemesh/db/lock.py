"""The lock that keeps a SQLite file to one process: a second connection to a WAL file can corrupt it (ADR 0003)."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from cinemesh import errors


class FileLock:
    """An exclusive lock beside a database file. The kernel drops it when the process dies, however it dies."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._name = database.name
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Takes the lock at once.

        Raises:
            errors.FailedPrecondition: another process, or another Database in this one, holds the file.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            by = f"pid {holder}" if holder.isdigit() else "another process"
            raise errors.FailedPrecondition(
                f"The store {self._name} is in use by {by}; a SQLite file is opened by one process only. Stop that one first, or"
                " use PostgreSQL."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Gives the lock back. The file stays: removing it would let two processes hold two files of one name."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None
