"""PostgreSQL behind a bounded pool of threads, one connection each at most."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path
from typing import Any, NoReturn

import sqlalchemy as sa
import sqlalchemy.exc as sae
from psycopg.pq import TransactionStatus

from cinemesh import errors
from cinemesh.db.faults import RETRYABLE_STATES, sql_state
from cinemesh.db.job import Job

_ATTEMPTS = 6
_CONNECT_SECONDS = 3
_POOL_SECONDS = 5.0
_RECYCLE_SECONDS = 1800
_IDLE_IN_TRANSACTION_SECONDS = 60


def create_engine(url: sa.URL, *, pool: int, statement_timeout: float) -> sa.Engine:
    """Returns an engine with the settings of the house: UTC, READ COMMITTED, timeouts.

    Args:
        url: with the driver `psycopg`.
        pool: most connections at a time.
        statement_timeout: seconds after which the server cancels a statement, and a wait for a lock; infinite for none.
    """
    milliseconds = 0 if statement_timeout == inf else int(statement_timeout * 1000)
    options = (
        f"-c timezone=UTC -c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
        # a forgotten transaction holds back the feed of everybody
        f" -c idle_in_transaction_session_timeout={_IDLE_IN_TRANSACTION_SECONDS * 1000}"
    )
    return sa.create_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=_POOL_SECONDS,
        pool_recycle=_RECYCLE_SECONDS,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "keepalives_idle": 30,
            "tcp_user_timeout": 10_000,
            "options": options,
        },
    )


class _Lost(Exception):
    """The connection broke before COMMIT was sent, so nothing was kept; the cause is what showed it."""


class PostgresBackend:
    """Runs each job in a transaction of its own on one of `pool` threads.

    Connections are not tried before they are used: that would be a round trip a job. One that turns out to be dead before COMMIT was
    sent costs the job a second run, on a new connection.
    """

    dialect = "postgresql"

    def __init__(self, url: sa.URL, *, pool: int, statement_timeout: float) -> None:
        self._url = url
        self._pool = pool
        self._timeout = statement_timeout
        self._count = threading.Lock()
        self.commits = 0

    def open(self) -> None:
        """Makes the pool ready. The first connection is made by the first job, so that a service starts before its database."""
        self._engine = create_engine(self._url, pool=self._pool, statement_timeout=self._timeout)
        # a read sees one snapshot however many statements it has, as on SQLite, and cannot write by mistake
        self._snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._threads = ThreadPoolExecutor(self._pool, thread_name_prefix="cine-postgres")

    def submit(self, job: Job) -> None:
        """Queues a job."""
        self._threads.submit(self._run, job)

    def close(self) -> None:
        """Finishes what is queued, then closes the connections. Nothing may be submitted any more."""
        self._threads.shutdown(wait=True)
        self._engine.dispose()

    async def backup(self, target: Path) -> NoReturn:  # noqa: ARG002 - the other backend's signature
        """Refused: PostgreSQL has tools of its own."""
        raise errors.FailedPrecondition("This store is PostgreSQL: back it up with pg_dump or by archiving its WAL.")

    def _run(self, job: Job) -> None:
        if job.abandoned:
            return
        lost = False
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._attempt(job)
            except _Lost as loss:
                # the pool gives up all its older connections with this one; a new one that breaks as well is no accident
                if not lost and attempt < _ATTEMPTS:
                    lost = True
                    continue
                job.fail(loss.__cause__ or loss)
            except BaseException as fault:
                if sql_state(fault) in RETRYABLE_STATES and attempt < _ATTEMPTS:
                    time.sleep(random.uniform(0, 0.01 * 2**attempt))  # those who collided must not meet again
                    continue
                job.fail(fault)
            break
        Job.deliver([job])

    def _attempt(self, job: Job) -> None:
        if not job.writes:
            options: dict[str, Any] = self._snapshot
        elif job.serializable:
            options = {"isolation_level": "SERIALIZABLE"}
        else:
            options = {}
        with self._engine.connect() as connection:
            if options:
                connection = connection.execution_options(**options)
            committing = False
            try:
                with connection.begin() as transaction:
                    job.execute(connection)
                    if job.writes:
                        _refuse_lost_work(connection, transaction)
                        committing = True
                    else:
                        # it ends with COMMIT, too, though there is nothing to keep: with a ROLLBACK the driver drops every prepared
                        # statement
                        job.callbacks = ()
            except BaseException as fault:
                if connection.invalidated and not committing:
                    raise _Lost from fault
                raise
        if job.writes:
            with self._count:
                self.commits += 1


def _refuse_lost_work(connection: sa.Connection, transaction: sa.Transaction) -> None:
    """PostgreSQL answers COMMIT of a failed transaction with a quiet ROLLBACK; nobody may take that for success."""
    driver: Any = connection.connection.dbapi_connection
    failed = driver.info.transaction_status == TransactionStatus.INERROR
    if failed or not transaction.is_active:
        with contextlib.suppress(sae.SQLAlchemyError):
            transaction.rollback()
        raise RuntimeError("fn(session) swallowed a failed statement, so nothing of it can be kept; use begin_nested()")
