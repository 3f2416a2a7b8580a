"""Opens one SQLite file with one connection, the settings of the house, and the lock that keeps every other process out."""

from __future__ import annotations

import os
import sqlite3
import time
from math import inf
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import StaticPool

from cinemesh import errors
from cinemesh.db.faults import translate
from cinemesh.db.lock import FileLock

APPLICATION_ID = 0x43494E45  # "CINE"
FORMAT = 1  # user_version: what this module means by the file's settings; tables are Alembic's business
_BUSY_SECONDS = 5.0
_CACHE_KIB = 32 * 1024
# SQLite asks whether to go on every so many instructions of its machine: about half a millisecond
_INSTRUCTIONS_BETWEEN_CHECKS = 10_000


class SqliteFile:
    """The only connection to a SQLite file. Not thread-safe: one thread at a time.

    Attributes:
        raw: the driver's connection, in autocommit mode; SQLAlchemy begins and ends transactions.
        engine: a SQLAlchemy engine that always hands out that connection.
    """

    def __init__(self, path: Path | None, *, statement_timeout: float = inf) -> None:
        """Opens the file, creating it and its folder when they do not exist.

        Args:
            path: the file; None for a database in memory.
            statement_timeout: seconds after which one statement is interrupted.

        Raises:
            errors.FailedPrecondition: another process has it open, or it is a database of something else.
            errors.DataLoss: it is damaged.
            errors.Unavailable: the folder or file cannot be opened.
        """
        self.path = path
        self._name = "in memory" if path is None else path.name
        self._lock: FileLock | None = None
        self._timeout = statement_timeout
        self._give_up_at = inf
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._lock = FileLock(path)
                self._lock.acquire()
                # only its owner may read it; the WAL takes the same mode
                os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, 0o600))
            except OSError as fault:
                self._release()
                raise errors.Unavailable(f"The store {self._name} cannot be opened: {fault.strerror}.") from None
        try:
            self.raw = self._connect()
        except BaseException:
            self._release()
            raise
        self.engine = self._engine()

    def _connect(self) -> sqlite3.Connection:
        target = ":memory:" if self.path is None else str(self.path)
        raw = sqlite3.connect(
            target, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        try:
            if self.path is not None:
                self._claim(raw)
            raw.execute("PRAGMA foreign_keys = ON")
            raw.execute("PRAGMA temp_store = MEMORY")
            raw.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            raw.set_progress_handler(self._past_its_time, _INSTRUCTIONS_BETWEEN_CHECKS)
        except sqlite3.Error as fault:
            raw.close()
            if getattr(fault, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise errors.FailedPrecondition(
                    f"The store {self._name} is open in another program; close it there first."
                ) from None
            raise (translate(fault) or fault) from None
        except BaseException:
            raw.close()
            raise
        return raw

    def _claim(self, raw: sqlite3.Connection) -> None:
        # exclusive: no shared-memory index, and a second connection of any program is refused by SQLite itself
        raw.execute("PRAGMA locking_mode = EXCLUSIVE")
        (owner,) = raw.execute("PRAGMA application_id").fetchone()
        (tables,) = raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = raw.execute("PRAGMA user_version").fetchone()
        if owner != APPLICATION_ID and (owner != 0 or tables or version):
            raise errors.FailedPrecondition(f"The file {self._name} is a SQLite database of another application.")
        if version > FORMAT:
            raise errors.FailedPrecondition(f"The store {self._name} was made by a newer version of CineAesthete.")
        (mode,) = raw.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise errors.FailedPrecondition(f"The store {self._name} lies on a file system without WAL support.")
        # an acknowledged write survives a power cut; group commit pays for it once for many
        raw.execute("PRAGMA synchronous = FULL")
        if owner != APPLICATION_ID:
            raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            raw.execute(f"PRAGMA user_version = {FORMAT}")

    def _engine(self) -> sa.Engine:
        engine = sa.create_engine("sqlite://", creator=lambda: self.raw, poolclass=StaticPool, hide_parameters=True)

        @event.listens_for(engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            # the driver's own idea of transactions breaks savepoints and DDL, so it is off
            connection.exec_driver_sql("BEGIN")

        @event.listens_for(engine, "before_cursor_execute")
        def _start_clock(*_: Any) -> None:
            self._give_up_at = time.monotonic() + self._timeout

        @event.listens_for(engine, "after_cursor_execute")
        def _keep_clock(*_: Any) -> None:
            # rows may still be fetched, which runs the statement on: give those the same time again
            self._give_up_at = time.monotonic() + self._timeout

        @event.listens_for(engine, "commit")
        def _stop_clock(_: sa.Connection) -> None:
            self._give_up_at = inf

        return engine

    def _past_its_time(self) -> int:
        return 1 if time.monotonic() > self._give_up_at else 0

    def without_clock(self) -> None:
        """Lets what is run on `raw` take as long as it needs, until the next statement of the engine."""
        self._give_up_at = inf

    def close(self) -> None:
        """Folds the WAL into the file, closes the connection and gives the lock back."""
        try:
            self.without_clock()
            if self.path is not None:
                self.raw.execute("PRAGMA optimize")
                self.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error:
            pass  # the WAL keeps what was committed; the next opening folds it in
        finally:
            self.engine.dispose()
            self.raw.close()
            self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
