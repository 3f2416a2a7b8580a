"""The log of answers: kept without making anybody wait, found again at once.

An answer is taken down in a bounded queue; a task works out its details and writes many at a time. What does not fit is lost, counted and
logged: an answer is worth more than the note of it. Until it is in the store an answer is found in the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from prometheus_client import Counter, Gauge

from cine.common.v1 import film_card_pb2
from cine_recommender.domain import impression_bytes
from cine_recommender.domain.impression import Details, Impression
from cine_recommender.store import Transaction
from cine_recommender.store import impressions as store
from cinemesh import telemetry
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import Aborted, CineError, DeadlineExceeded, NotFound, ResourceExhausted, Unavailable
from cinemesh.projections import Films

KEPT_FOR: Final = dt.timedelta(days=30)
"""How long an answer can be explained, as the contract promises."""
CAPACITY: Final = 2_000
_BATCH: Final = 100
_GATHER_SECONDS: Final = 0.2
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 10.0
_FLUSH_SECONDS: Final = 5.0
_REPORT_SECONDS: Final = 60.0
_BREATH_SECONDS: Final = 0.0002
_NOTHING_SECONDS: Final = 0.0001
"""Details that took less were at hand."""
# the store is away or busy: what waits goes on waiting
_PASSING: Final = (Unavailable, DeadlineExceeded, Aborted, ResourceExhausted)

_KEPT = Counter("cine_recommender_impressions_kept", "Answers kept in the log.", registry=telemetry.REGISTRY)
_LOST = Counter(
    "cine_recommender_impressions_lost",
    "Answers that are not in the log: `overload` when there were too many, `fault` when details failed, `stop` at the end.",
    ["reason"],
    registry=telemetry.REGISTRY,
)
_WAITING = Gauge("cine_recommender_impressions_waiting", "Answers not in the store yet.", registry=telemetry.REGISTRY)


@dataclass(frozen=True, slots=True)
class Explained:
    """An answer with all that was known of it.

    Attributes:
        impression: the answer.
        details: of the films shown, in their order.
        cards: film cards by id, of the films shown and of those that spoke for them; unknown ones are missing.
    """

    impression: Impression
    details: Details
    cards: dict[int, film_card_pb2.FilmCard]


class Impressions:
    """Keeps what was shown to whom.

    Args:
        database: the store.
        films: knows titles.
        capacity: most answers that wait to be written.
        clock: tells the time.
    """

    def __init__(self, database: Database, films: Films, *, capacity: int = CAPACITY, clock: Clock = utc_now) -> None:
        self._database = database
        self._films = films
        self._capacity = capacity
        self._clock = clock
        self._waiting: dict[tuple[str, str], Impression] = {}
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # one thread: working out details must not take the processor from answers
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="impressions")
        self._log = telemetry.logger("recommender")
        self._reported_at = -_REPORT_SECONDS
        self._lost_since = 0

    def record(self, impression: Impression) -> None:
        """Takes down an answer. Returns at once; under overload the answer is counted as lost instead. Call it on the event loop."""
        key = (impression.user_id, impression.request_id)
        if len(self._waiting) >= self._capacity and key not in self._waiting:
            self._lose(1, "overload")
            return
        self._waiting[key] = impression
        _WAITING.set(len(self._waiting))
        self._arrived.set()

    async def find(self, user_id: str, request_id: str) -> Impression | None:
        """Returns an answer that a person got in the last 30 days, also one of a moment ago; None when there is none.

        Raises:
            Unavailable: the store does not answer.
        """
        waiting = self._waiting.get((user_id, request_id))
        if waiting is not None:
            return waiting
        since = self._clock() - KEPT_FOR
        return await self._database.read(lambda tx: store.find(tx, user_id, request_id, since))

    async def explain(self, user_id: str, request_id: str) -> Explained:
        """Returns an answer with everything that was known of it.

        Raises:
            NotFound: there is no such answer, it is somebody else's, or older than 30 days.
            Unavailable: the store does not answer.
        """
        impression = await self.find(user_id, request_id)
        if impression is None:
            problem = "names no answer that you got in the last 30 days"
            raise NotFound(f"request_id {problem}", violations=[("request_id", problem)])
        details = await asyncio.get_running_loop().run_in_executor(
            None, lambda: impression_bytes.decode(impression.details())
        )
        named = set(impression.movie_ids)
        for films in (*(one.because for one in details.told), *details.signal_because.values()):
            named.update(one.movie_id for one in films)
        cards = await self._database.read(lambda tx: self._films.cards(tx, named))
        return Explained(impression, details, cards)

    async def start(self) -> None:
        """Begins to write in the background."""
        self._task = asyncio.create_task(self._run(), name="impressions")

    async def stop(self) -> None:
        """Writes what waits, for five seconds at most, then stops."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        with contextlib.suppress(TimeoutError, CineError):
            async with asyncio.timeout(_FLUSH_SECONDS):
                while self._waiting:
                    await self._write_some()
        if self._waiting:
            self._lose(len(self._waiting), "stop")
            self._waiting.clear()
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        attempt = 0
        while True:
            await self._arrived.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._arrived.clear()
            try:
                while self._waiting:
                    await self._write_some()
            except Exception as fault:
                wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(attempt, 16))
                attempt += 1
                self._log.warning(
                    "answers cannot be kept for now", error=type(fault).__name__, waiting=len(self._waiting)
                )
                self._arrived.set()
                await asyncio.sleep(wait)
            else:
                attempt = 0

    async def _write_some(self) -> None:
        """Writes a batch of those that wait longest."""
        batch = [impression for _, impression in zip(range(_BATCH), self._waiting.values(), strict=False)]
        rows = await asyncio.get_running_loop().run_in_executor(self._executor, self._rows, batch)

        kept = await self._write(rows)
        for impression in batch:
            key = (impression.user_id, impression.request_id)
            if self._waiting.get(key) is impression:  # not one that came since under the same id
                del self._waiting[key]
        _KEPT.inc(kept)
        _WAITING.set(len(self._waiting))

    async def _write(self, rows: Sequence[store.Row]) -> int:
        """Writes rows; when the store refuses one for good, the others alone. Returns how many were kept."""
        try:
            if rows:
                await self._database.write(lambda tx: store.keep(tx, rows))
        except _PASSING:
            raise
        except Exception:
            if len(rows) > 1:
                return sum([await self._write([row]) for row in rows])
            _LOST.labels("fault").inc()
            self._log.exception("an answer cannot be kept", request_id=rows[0]["request_id"])
            return 0
        return len(rows)

    def _rows(self, batch: Sequence[Impression]) -> list[store.Row]:
        rows = []
        for impression in batch:
            began = time.perf_counter()
            try:
                rows.append(store.row_of(impression))
            except Exception:
                _LOST.labels("fault").inc()
                self._log.exception("details of an answer failed", request_id=impression.request_id)
            if time.perf_counter() - began > _NOTHING_SECONDS:
                # hands the interpreter to the event loop, which would wait for it otherwise
                time.sleep(_BREATH_SECONDS)
        return rows

    def _lose(self, count: int, reason: str) -> None:
        _LOST.labels(reason).inc(count)
        self._lost_since += count
        now = time.monotonic()
        if now - self._reported_at >= _REPORT_SECONDS or reason == "stop":
            self._log.error("answers are not in the log", lost=self._lost_since, reason=reason)
            self._reported_at, self._lost_since = now, 0

    def forget(self, tx: Transaction, user_id: str) -> None:
        """Drops the answers that a person got, because they left; those on their way to the store go with `drop_departed`."""
        store.forget(tx, user_id)

    async def prune(self) -> int:
        """Drops answers older than 30 days; a job for `Housekeeping`. Returns how many."""
        before = self._clock() - KEPT_FOR
        total = 0
        while count := await self._database.write(lambda tx: store.prune(tx, before)):
            total += count
        return total
