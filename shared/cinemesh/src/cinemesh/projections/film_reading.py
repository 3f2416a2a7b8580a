"""Reads films from the catalogue: those that the feed says changed, or all of them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import random
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import grpc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine.common.v1 import film_card_pb2
from cinemesh import contracts, telemetry
from cinemesh.client import channel
from cinemesh.clock import utc_now
from cinemesh.db import Database
from cinemesh.feed import Consumer
from cinemesh.projections import film_rows
from cinemesh.projections.progress import ANY_VERSION, LeaseLost, Progress, State
from cinemesh.settings import ServiceSettings

_PACKAGE: Final = "cine.catalog.v1"
_SERVICE: Final = f"/{_PACKAGE}.CatalogService"
_DEADLINE_SECONDS: Final = 3.0
_FILL_SECONDS: Final = 600.0
_AT_ONCE: Final = 200
_IN_PARALLEL: Final = 8
_LOOK_AGAIN_SECONDS: Final = 30.0
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 15.0
PATIENCE: Final = dt.timedelta(minutes=3)
"""How long an answer that is not the one the feed announced is put down to a replica that is behind."""


class FilmReading:
    """The task that reads, woken by the feed.

    Attributes:
        problem: what is wrong at present; empty when nothing is.

    Args:
        settings: where the catalogue is.
        database: the service's store.
        table: the table "film".
        progress: how far the projection has come.
        name: of the projection, for the log.
    """

    def __init__(
        self, settings: ServiceSettings, database: Database, table: sa.Table, progress: Progress, name: str
    ) -> None:
        self._settings = settings
        self._database = database
        self._table = table
        self._progress = progress
        self._log = telemetry.logger(name)
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting_since: dict[int, float] = {}
        self.problem = "not started"

    def start(self, consumer: Consumer) -> None:
        """Begins; `consumer` is started once it has applied what is stored now, so that the first reading is not told of it twice."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(consumer), name="films")

    async def stop(self) -> None:
        """Stops at once; a half-done reading is begun again the next time."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.problem = "stopped"

    def wake(self) -> None:
        """Says that there may be something to read; may be called on any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has closed
                self._loop.call_soon_threadsafe(self._wake.set)

    async def cards(self, movie_ids: Sequence[int]) -> list[film_card_pb2.FilmCard]:
        """Asks for the cards of at most 200 films; those unknown to the catalogue are missing.

        Raises:
            grpc.aio.AioRpcError: it does not answer.
        """
        request = contracts.message(f"{_PACKAGE}.BatchGetMoviesRequest")(movie_ids=movie_ids)
        answer = await self._method("BatchGetMovies")(request)
        return list(answer.movies)

    def _method(self, name: str, *, stream: bool = False) -> Any:
        peer = channel("catalog", self._settings, deadline=_DEADLINE_SECONDS)
        make = peer.unary_stream if stream else peer.unary_unary
        return make(
            f"{_SERVICE}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=contracts.message(f"{_PACKAGE}.{name}Response").FromString,
        )

    async def _run(self, consumer: Consumer) -> None:
        following, fruitless = False, 0
        self.problem = "connecting"
        while True:
            try:
                if not following:
                    await consumer.catch_up()
                    await consumer.start()
                    following = True
                self._wake.clear()
                left = await self._work()
            except asyncio.CancelledError:
                raise
            except Exception as fault:
                fruitless += 1
                self._trouble(fault)
            else:
                fruitless = fruitless + 1 if left else 0
                self.problem = f"{left} films are not read yet" if left else ""
            await self._rest(fruitless)

    def _trouble(self, fault: Exception) -> None:
        answer = fault if isinstance(fault, grpc.aio.AioRpcError) else fault.__cause__
        if isinstance(answer, grpc.aio.AioRpcError):
            problem = f"the catalogue answers {answer.code().name}"
        else:
            problem = f"failed: {type(fault).__name__}"
        if problem != self.problem and not isinstance(fault, LeaseLost):
            self._log.warning("films cannot be read for now", problem=problem)
        self.problem = problem

    async def _rest(self, fruitless: int) -> None:
        if fruitless:
            wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(fruitless - 1, 16))
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))
            return
        with contextlib.suppress(TimeoutError):
            # also without being told: another replica may have died over its work
            await asyncio.wait_for(self._wake.wait(), _LOOK_AGAIN_SECONDS)

    async def _work(self) -> int:
        """Reads what is to be read. Returns how many are left: the catalogue that answered is behind, or another replica is at it."""
        state = await self._progress.state()
        pending = await self._database.read(lambda session: film_rows.marked(session, self._table, _AT_ONCE))
        if not state.wanted and not pending:
            self._waiting_since.clear()
            return 0
        if not await self._progress.take():
            return max(len(pending), 1)
        try:
            if state.wanted and not await self._fill(state):
                return 1
            return await self._read_marked()
        finally:
            await self._progress.give_back()

    async def _fill(self, state: State) -> bool:
        """Reads the whole catalogue. Returns whether it was the version wanted."""
        held = await self._database.read(lambda session: film_rows.etags(session, self._table))
        request = contracts.message(f"{_PACKAGE}.StreamMoviesRequest")()
        version, seen = "", set[int]()
        async for answer in self._method("StreamMovies", stream=True)(request, timeout=_FILL_SECONDS):
            version = answer.data_version
            if not self._believed(state, version):
                return False
            seen.update(movie.movie_id for movie in answer.movies)
            fresh = [movie for movie in answer.movies if held.get(movie.movie_id) != film_rows.announced_etag(movie)]
            rows = await asyncio.to_thread(_rows, fresh)
            await self._database.write(partial(self._put, rows=rows))
        if not seen and not self._believed(state, version):
            return False

        def finish(session: Session) -> None:
            film_rows.take_out(session, self._table, held.keys() - seen)
            film_rows.settle_marks(session, self._table)
            self._progress.filled(session, state.wanted)

        await self._database.write(finish)
        self._log.info("films read", total=len(seen), version=version)
        return True

    def _believed(self, state: State, version: str) -> bool:
        """Returns whether what is streamed is what was announced; a replica that is behind streams what was before."""
        if state.wanted in (ANY_VERSION, version) or state.wanted_at is None:
            return True
        return utc_now() - state.wanted_at > PATIENCE

    def _put(self, session: Session, *, rows: list[dict[str, Any]]) -> None:
        self._progress.hold(session)
        film_rows.put(session, self._table, rows)

    async def _read_marked(self) -> int:
        """Reads films that changed until none is left that can be. Returns how many are left."""
        while True:
            pending = await self._database.read(lambda session: film_rows.marked(session, self._table, _AT_ONCE))
            if not pending:
                self._waiting_since.clear()
                return 0
            turns = asyncio.Semaphore(_IN_PARALLEL)
            read = await asyncio.gather(*(self._read_one(wanted, turns) for wanted in pending))
            believe = self._overdue(pending)

            def change(session: Session, read: Any = read, believe: Any = believe) -> int:
                self._progress.hold(session)
                return film_rows.take_over(session, self._table, read, believe=believe)

            done = await self._database.write(change)
            if done < len(pending):
                return len(pending) - done

    async def _read_one(
        self, wanted: film_rows.Wanted, turns: asyncio.Semaphore
    ) -> tuple[film_rows.Wanted, dict[str, Any] | None]:
        request = contracts.message(f"{_PACKAGE}.GetMovieRequest")(movie_id=wanted.movie_id)
        async with turns:
            try:
                return wanted, film_rows.row_of(await self._method("GetMovie")(request))
            except grpc.aio.AioRpcError as fault:
                if fault.code() is grpc.StatusCode.NOT_FOUND:
                    return wanted, None
                raise

    def _overdue(self, pending: Sequence[film_rows.Wanted]) -> set[int]:
        now = time.monotonic()
        ids = [wanted.movie_id for wanted in pending]
        self._waiting_since = {movie_id: self._waiting_since.get(movie_id, now) for movie_id in ids}
        patience = PATIENCE.total_seconds()
        return {movie_id for movie_id, since in self._waiting_since.items() if now - since > patience}


def _rows(movies: Sequence[Any]) -> list[dict[str, Any]]:
    return [film_rows.row_of(movie) for movie in movies]
