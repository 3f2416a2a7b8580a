"""One unit of store work on its way from the event loop to a thread and back."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cinemesh import telemetry
from cinemesh.db.faults import translate

_log = telemetry.logger("store")
_AFTER_COMMIT = "cinemesh_after_commit"


class OwnedSession(Session):
    """A session whose transaction belongs to `Database`: it commits once, after `fn` returned, together with others."""

    def commit(self) -> NoReturn:
        """Refused: see the class."""
        raise RuntimeError(
            "fn(session) must not commit: its transaction ends when it returns; use begin_nested() for a part of it"
        )

    def rollback(self) -> NoReturn:
        """Refused: see the class."""
        raise RuntimeError(
            "fn(session) must not roll back: raise to undo everything, or use begin_nested() for a part of it"
        )


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Has `callback` called once the transaction of `session` is durable, and never when it is not.

    It runs on a store thread: it must be quick, must not raise and must not touch the store. The same callback given twice in
    one transaction is called once.
    """
    session.info.setdefault(_AFTER_COMMIT, {})[callback] = None


class Job:
    """A function to run in a transaction, and the future that waits for it."""

    __slots__ = (
        "_context",
        "_loop",
        "callbacks",
        "delivered",
        "error",
        "fn",
        "future",
        "result",
        "serializable",
        "writes",
    )

    def __init__(self, fn: Callable[[Session], Any], *, writes: bool, serializable: bool = False) -> None:
        self.fn = fn
        self.writes = writes
        self.serializable = serializable
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self._loop.create_future()
        # so that fn sees the request it serves: principal, trace, deadline
        self._context = contextvars.copy_context()
        self.result: Any = None
        self.error: BaseException | None = None
        self.callbacks: Iterable[Callable[[], None]] = ()
        self.delivered = False

    @property
    def abandoned(self) -> bool:
        """Whether the caller stopped waiting; work that has not begun is then left undone."""
        return self.future.cancelled()

    def execute(self, connection: sa.Connection) -> None:
        """Runs the function within the transaction that `connection` is in. May be called again after a rollback."""
        self.result, self.error, self.callbacks = None, None, ()
        session = OwnedSession(bind=connection, join_transaction_mode="rollback_only", expire_on_commit=False)
        try:
            self.result = self._context.copy().run(self.fn, session)
            session.flush()
            self.callbacks = session.info.get(_AFTER_COMMIT, ())
        finally:
            session.close()

    def fail(self, fault: BaseException) -> None:
        """Remembers why the function, or the commit, failed, in terms that are safe to show."""
        translated = translate(fault)
        if translated is not None:
            # the driver's own text may hold values and SQL; it stays reachable for a debugger, not for a log
            translated.__cause__ = None
            translated.__suppress_context__ = True
        self.result, self.callbacks = None, ()
        self.error = translated if translated is not None else fault

    def _settle(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        elif isinstance(self.error, StopIteration):  # a future refuses it
            self.future.set_exception(RuntimeError("fn(session) raised StopIteration"))
        else:
            self.future.set_exception(self.error)

    @staticmethod
    def deliver(jobs: Iterable[Job]) -> None:
        """Calls back what waits for a commit and wakes the callers, one wake-up an event loop. Called on a store thread."""
        by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        called: set[Callable[[], None]] = set()
        for job in jobs:
            job.delivered = True
            for callback in job.callbacks:
                if callback not in called:
                    called.add(callback)
                    try:
                        callback()
                    except Exception:
                        _log.exception("after_commit callback failed")
            by_loop.setdefault(job._loop, []).append(job)
        for loop, mine in by_loop.items():
            # a loop that closed has nobody left who waits
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle_all, mine)


def _settle_all(jobs: list[Job]) -> None:
    for job in jobs:
        job._settle()
