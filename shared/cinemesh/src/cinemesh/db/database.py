"""The store of a service: synchronous SQLAlchemy, off the event loop, one transaction a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import sqlalchemy as sa
import sqlalchemy.exc as sae
from prometheus_client import Histogram
from sqlalchemy.orm import Session

from cinemesh import errors, telemetry
from cinemesh.db.job import Job
from cinemesh.db.sqlite_backend import SqliteBackend

if TYPE_CHECKING:
    from cinemesh.db.postgres_backend import PostgresBackend

T = TypeVar("T")
_MAX_WAITING = 5_000
_SECONDS = Histogram(
    "cine_store_seconds",
    "Time of a store call, waiting for its turn included.",
    ["kind"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
    registry=telemetry.REGISTRY,
)
_READ_SECONDS, _WRITE_SECONDS = _SECONDS.labels("read"), _SECONDS.labels("write")


def parse_url(url: str) -> sa.URL:
    """Returns the URL with the driver this house uses.

    Raises:
        ValueError: it is no URL of SQLite or PostgreSQL; the message does not repeat it, as it may hold a password.
    """
    try:
        parsed = sa.make_url(url)
        backend = parsed.get_backend_name()
    except (sae.ArgumentError, sae.NoSuchModuleError, ValueError):
        raise ValueError(
            "the store's URL cannot be read; expected sqlite:///file or postgresql://user@host/name"
        ) from None
    if backend == "sqlite":
        return parsed.set(drivername="sqlite")
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    raise ValueError(f"stores are SQLite or PostgreSQL, not {backend}")


def sqlite_path(url: sa.URL) -> Path | None:
    """Returns the file of a SQLite URL; None for a database in memory."""
    return None if url.database in {None, "", ":memory:"} else Path(str(url.database))


class Database:
    """A service's own store.

    `fn(session)` runs on another thread, in a transaction that is committed when it returns and undone when it raises. It may be
    run more than once (a serialization failure, a group whose commit failed, a connection that turned out to be dead), so its only
    effects are those on the session; `after_commit` is for the rest. Rows it returns are detached: whole, but without lazy loading.

    On SQLite one thread owns the only connection, and writes that wait together share one commit. On PostgreSQL there are `pool`
    connections on as many threads.
    """

    def __init__(self, url: str, *, pool: int = 8, statement_timeout: float = 10.0) -> None:
        """Remembers where the store is; `open`, or the first call, opens it.

        Args:
            url: `sqlite:///relative/file`, `sqlite:////absolute/file`, `sqlite://` (in memory) or `postgresql://…`.
            pool: most connections to PostgreSQL; SQLite has one.
            statement_timeout: seconds one statement may take.

        Raises:
            ValueError: the URL is of neither kind.
        """
        parsed = parse_url(url)
        self._backend: SqliteBackend | PostgresBackend
        if parsed.get_backend_name() == "sqlite":
            self._backend = SqliteBackend(sqlite_path(parsed), statement_timeout=statement_timeout)
        else:
            from cinemesh.db.postgres_backend import PostgresBackend  # the driver is loaded where it is needed

            self._backend = PostgresBackend(parsed, pool=pool, statement_timeout=statement_timeout)
        self._opening: asyncio.Task[None] | None = None
        self._closed = False
        self._waiting: set[asyncio.Future[object]] = set()

    @property
    def dialect(self) -> str:
        """Either "sqlite" or "postgresql"."""
        return self._backend.dialect

    @property
    def commits(self) -> int:
        """Transactions committed since it was opened; on SQLite one may hold many writes."""
        return self._backend.commits

    async def open(self) -> None:
        """Opens the store; a second call does nothing. PostgreSQL need not answer yet, a SQLite file must.

        Raises:
            errors.FailedPrecondition: the file is in use by another process, or is not a store of ours.
            errors.DataLoss: the file is damaged.
            errors.Unavailable: the file cannot be opened, or the store was closed.
        """
        if self._closed:
            raise errors.Unavailable("The store is closed.")
        if self._opening is None:
            self._opening = asyncio.create_task(asyncio.to_thread(self._backend.open))
        try:
            await asyncio.shield(self._opening)
        except errors.CineError:
            self._opening = None  # the next call tries again
            raise

    async def close(self) -> None:
        """Finishes every call already made, then closes the store. Further calls are refused."""
        if self._closed:
            return
        self._closed = True
        if self._opening is None:
            return
        await asyncio.wait([self._opening])
        if not self._opening.cancelled() and self._opening.exception() is None:
            await asyncio.to_thread(self._backend.close)

    async def __aenter__(self) -> Self:
        """Opens the store."""
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the store."""
        await self.close()

    async def read(self, fn: Callable[[Session], T]) -> T:
        """Runs `fn(session)` on one consistent snapshot, and keeps no change.

        Raises:
            errors.Unavailable: the store does not answer, or is closed.
            errors.DeadlineExceeded: a statement took too long.
            errors.ResourceExhausted: too many calls wait already.
            errors.Internal: the store refused a statement, such as a write.
        """
        return await self._call(Job(fn, writes=False))

    async def write(self, fn: Callable[[Session], T], *, serializable: bool = False) -> T:
        """Runs `fn(session)` and returns its result once the change is durable.

        Cancelling the caller leaves either nothing or the whole change.

        Args:
            fn: the change.
            serializable: as if no other transaction ran meanwhile; PostgreSQL runs `fn` again when that fails. SQLite always
                is. Without it PostgreSQL is READ COMMITTED: lock the rows (`with_for_update`) that the change depends on.

        Raises:
            ConstraintViolated: a constraint of the schema was broken.
            errors.Aborted: it collided with other changes, several times.
            errors.Unavailable: the store does not answer; if the connection broke at the commit, the change may have been kept.
            errors.DeadlineExceeded: a statement took too long.
            errors.ResourceExhausted: too many calls wait already.
        """
        return await self._call(Job(fn, writes=True, serializable=serializable))

    async def _call(self, job: Job) -> T:
        if self._opening is None or not self._opening.done() or self._closed:
            await self.open()
        if self._closed:  # while it opened
            raise errors.Unavailable("The store is closed.")
        if len(self._waiting) >= _MAX_WAITING:
            raise errors.ResourceExhausted(
                "The store has too much to do.", reason=errors.Reason.OVERLOADED, retry_after=1.0
            )
        self._waiting.add(job.future)
        job.future.add_done_callback(self._waiting.discard)
        with (_WRITE_SECONDS if job.writes else _READ_SECONDS).time():
            self._backend.submit(job)
            result: T = await job.future
        return result

    async def probe(self) -> str:
        """Reads something and returns kind and version, such as "sqlite 3.40.1": `Probe(db.probe)`.

        Raises:
            CineError: the store does not answer, or answers too late.
        """
        statement = sa.text("SELECT sqlite_version()" if self.dialect == "sqlite" else "SHOW server_version")
        version = await self.read(lambda session: str(session.execute(statement).scalar_one()))
        return f"{self.dialect} {version.split()[0]}"

    async def backup(self, path: Path) -> None:
        """Copies a SQLite store to a file of its own while it goes on serving; replaces the file when the copy is whole.

        Raises:
            errors.FailedPrecondition: the store is PostgreSQL, or a backup is running.
            errors.InvalidArgument: the path is the store itself.
            errors.Unavailable: the file cannot be written.
        """
        await self.open()
        await self._backend.backup(path)
