"""SQLite behind one thread that owns the only connection: reads one after another, writes in groups that share a commit."""

from __future__ import annotations

import concurrent.futures
import contextlib
import queue
import threading
from pathlib import Path

from cinemesh import errors
from cinemesh.db.job import Job
from cinemesh.db.sqlite_backup import Copy
from cinemesh.db.sqlite_file import SqliteFile

_GROUP = 256


class _GroupLost(Exception):
    """SQLite rolled the whole transaction back, not just the savepoint (disk full, interrupted write)."""


class SqliteBackend:
    """Serves jobs from one queue on one thread."""

    dialect = "sqlite"

    def __init__(self, path: Path | None, *, statement_timeout: float) -> None:
        self.path = path
        self._timeout = statement_timeout
        self._queue: queue.SimpleQueue[Job | Copy | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._backing_up = False
        self._copies: list[Copy] = []
        self.commits = 0

    def open(self) -> None:
        """Starts the thread and waits until the file is open; raises what `SqliteFile` raises."""
        opened: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._serve, args=(opened,), name="cine-sqlite", daemon=True)
        self._thread.start()
        opened.result()

    def submit(self, job: Job) -> None:
        """Queues a job."""
        self._queue.put(job)

    def close(self) -> None:
        """Finishes what is queued, then closes the file. Nothing may be submitted any more."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _serve(self, opened: concurrent.futures.Future[None]) -> None:
        try:
            self._file = SqliteFile(self.path, statement_timeout=self._timeout)
            self._connection = self._file.engine.connect()
        except BaseException as failure:
            opened.set_exception(failure)
            return
        opened.set_result(None)
        try:
            while not self._stopping:
                self._run(self._next(wait=True))
                self._copy()
        finally:
            self._connection.close()
            self._file.close()

    def _next(self, *, wait: bool) -> list[Job]:
        """Returns what is queued, at most a group; waits for the first when told to."""
        found: list[Job] = []
        with contextlib.suppress(queue.Empty):
            while len(found) < _GROUP:
                item = self._queue.get(block=wait and not found)
                if isinstance(item, Job):
                    found.append(item)
                    continue
                if item is None:
                    self._stopping = True
                else:
                    self._copies.append(item)
                break
        return found

    def _run(self, jobs: list[Job]) -> None:
        # reads first: they need no disk, so they do not wait for the group's fsync
        for serve, mine in (
            (self._read, [job for job in jobs if not job.writes]),
            (self._write, [job for job in jobs if job.writes]),
        ):
            try:
                if mine:
                    serve(mine)
            except BaseException as fault:  # whatever it is, the thread lives on and nobody waits for ever
                waiting = [job for job in mine if not job.delivered]
                for job in waiting:
                    job.fail(fault)
                Job.deliver(waiting)

    def _read(self, jobs: list[Job]) -> None:
        self._file.raw.execute("PRAGMA query_only = 1")
        try:
            for job in jobs:
                if job.abandoned:
                    continue
                try:
                    with self._connection.begin() as transaction:
                        job.execute(self._connection)
                        transaction.rollback()
                except BaseException as fault:
                    job.fail(fault)
                job.callbacks = ()
                Job.deliver([job])
        finally:
            self._file.raw.execute("PRAGMA query_only = 0")

    def _write(self, jobs: list[Job]) -> None:
        jobs = [job for job in jobs if not job.abandoned]
        try:
            with self._connection.begin():
                for job in jobs:
                    self._write_one(job)
        except BaseException as fault:
            self._file.raw.rollback()  # SQLite keeps a transaction open whose COMMIT failed
            self._after_lost_group(jobs, fault)
            return
        if any(job.error is None for job in jobs):
            self.commits += 1
        Job.deliver(jobs)

    def _after_lost_group(self, jobs: list[Job], fault: BaseException) -> None:
        """Nothing of the group was kept: runs each alone, so that only the one at fault fails."""
        if len(jobs) == 1:
            jobs[0].fail(fault.__cause__ or fault if isinstance(fault, _GroupLost) else fault)
            Job.deliver(jobs)
            return
        for job in jobs:
            self._write([job])

    def _write_one(self, job: Job) -> None:
        savepoint = self._connection.begin_nested()
        try:
            job.execute(self._connection)
            if not savepoint.is_active:
                raise RuntimeError("fn(session) swallowed a failed flush, so nothing of it can be kept")
        except BaseException as fault:
            if not self._file.raw.in_transaction:
                raise _GroupLost from fault
            if savepoint.is_active:
                savepoint.rollback()
            job.fail(fault)
        else:
            savepoint.commit()

    async def backup(self, target: Path) -> None:
        """Copies the database to a file of its own while it goes on serving."""
        if self._backing_up:
            raise errors.FailedPrecondition("A backup is running already.")
        if self._is_mine(target):
            raise errors.InvalidArgument(
                "A backup cannot replace the store.", violations=[("path", "is the store itself")]
            )
        self._backing_up = True
        try:
            copy = Copy(target)
            self._queue.put(copy)
            await copy.save()
        finally:
            self._backing_up = False

    def _is_mine(self, target: Path) -> bool:
        return self.path is not None and target.absolute() == self.path.absolute()

    def _copy(self) -> None:
        copies, self._copies = self._copies, []
        for copy in copies:
            self._file.without_clock()
            copy.run(self._file.raw, lambda: self._run(self._next(wait=False)))
