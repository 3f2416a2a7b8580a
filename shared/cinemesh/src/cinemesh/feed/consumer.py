"""Follows the feed of another service: every event applied once, in order, whatever dies in between."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import grpc
from prometheus_client import Counter, Gauge
from sqlalchemy.orm import Session

from cine.common.v1 import feed_pb2
from cinemesh import errors, telemetry
from cinemesh.db import Database
from cinemesh.feed import log
from cinemesh.feed.bookmark import Bookmark, Handler, Moved, ParkedEvent

if TYPE_CHECKING:
    from cine.common.v1.feed_pb2_grpc import FeedServiceAsyncStub

_APPLIED = Counter("cine_feed_applied", "Events applied.", ["consumer"], registry=telemetry.REGISTRY)
_FAILED = Counter(
    "cine_feed_failed_attempts", "Attempts to apply that raised.", ["consumer"], registry=telemetry.REGISTRY
)
_PARKED = Gauge(
    "cine_feed_parked", "Events put aside because they could not be applied.", ["consumer"], registry=telemetry.REGISTRY
)
_LAG = Gauge(
    "cine_feed_lag_seconds", "Age of the oldest event known and not applied.", ["consumer"], registry=telemetry.REGISTRY
)
# the store, not the event, is at fault: try for as long as it takes
_PASSING = (errors.Unavailable, errors.DeadlineExceeded, errors.Aborted, errors.ResourceExhausted)
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 10.0
_RENEW_SECONDS = 300.0
_SETTLE_SECONDS = 0.3


def each(handler: Callable[[Session, feed_pb2.Event], None]) -> Handler:
    """Returns a handler of batches that calls `handler` for one event after another."""

    def handle(session: Session, events: Sequence[feed_pb2.Event]) -> None:
        for event in events:
            handler(session, event)

    return handle


class Consumer:
    """One follower of one feed.

    The cursor lies in the consumer's own store and moves in the transaction of the effect. Instances of one name that share a
    store take turns. An event that comes again is left out. An event whose handler keeps raising is put aside in `feed_parked`,
    with a log line and a metric; beyond `park_limit` of them the handler itself is taken to be broken, and the consumer stands
    still until it works again.
    """

    def __init__(
        self,
        name: str,
        stub: Callable[[], FeedServiceAsyncStub],
        db: Database,
        handler: Handler,
        *,
        types: Sequence[str] = (),
        rebuild: Callable[[], Awaitable[None]] | None = None,
        batch: int = 256,
        attempts: int = 5,
        park_limit: int = 100,
        first_wait: float = _FIRST_WAIT,
    ) -> None:
        """Prepares; `start` follows in the background, `catch_up` follows to the present end.

        Args:
            name: names the cursor, such as "recommender.catalog"; at most 100 characters.
            stub: returns a stub of the feed; called for every connection.
            db: the consumer's own store, migrated.
            handler: applies a batch of events in the session given; it must not touch anything else. May be run again after
                a rollback, and after `rebuild` with events it has seen.
            types: types wanted; empty for all.
            rebuild: makes the projection anew when the feed no longer has what was missed; afterwards every kept event comes
                again. Without it the consumer stands still then, and says so.
            batch: most events applied in one transaction.
            attempts: how often one event is tried before it is put aside.
            park_limit: most events put aside.
            first_wait: seconds before the first retry; doubles up to 10.
        """
        self.name = name
        self._stub = stub
        self._handler = handler
        self._types = list(types)
        self._rebuild = rebuild
        self._batch = batch
        self._attempts = attempts
        self._park_limit = park_limit
        self._first_wait = first_wait
        self._bookmark = Bookmark(db, name)
        self._task: asyncio.Task[None] | None = None
        self._log = telemetry.logger(name)
        self._problem = "not started"
        self._problem_since = time.time()
        self._oldest_waiting: float | None = None
        self._fruitless = 0

    @property
    def lag_seconds(self) -> float:
        """Age of the oldest event that arrived and is not applied; while not connected, the time since then; else 0."""
        now = time.time()
        since = [self._problem_since] if self._problem else []
        if self._oldest_waiting is not None:
            since.append(self._oldest_waiting)
        return max((now - moment for moment in since), default=0.0)

    async def start(self) -> None:
        """Begins to follow in the background, and reconnects for ever."""
        if self._task is None:
            _LAG.labels(self.name).set_function(lambda: self.lag_seconds)
            self._task = asyncio.create_task(self._follow_for_ever(), name=f"feed {self.name}")

    async def stop(self) -> None:
        """Stops following; a transaction under way is either kept, cursor and all, or undone."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            self._trouble("stopped")

    async def catch_up(self) -> int:
        """Applies everything stored now and returns how many events that were; for jobs and tests.

        Raises:
            errors.Unavailable: the feed does not answer.
            errors.FailedPrecondition: the feed no longer has what was missed, and there is no `rebuild`.
        """
        while True:
            try:
                return await self._follow(once=True)
            except Moved:
                continue
            except grpc.aio.AioRpcError as fault:
                if fault.code() is grpc.StatusCode.FAILED_PRECONDITION:
                    if self._rebuild is None:
                        raise errors.FailedPrecondition(fault.details() or "The consumer must rebuild.") from None
                    await self._start_over()
                    continue
                raise errors.Unavailable(f"The feed that {self.name} follows does not answer.") from fault

    async def probe(self) -> str:
        """Says how the consumer is doing: `Probe(consumer.probe, required=False)`.

        Raises:
            errors.Unavailable: it does not follow at present; the message says why.
        """
        parked = await self._bookmark.parked_count()
        _PARKED.labels(self.name).set(parked)
        if self._problem:
            raise errors.Unavailable(f"{self._problem}, for {self.lag_seconds:.0f} s; {parked} parked")
        return f"following, {self.lag_seconds:.1f} s behind, {parked} parked"

    async def parked(self) -> list[ParkedEvent]:
        """Returns the events put aside, oldest first."""
        return await self._bookmark.parked()

    async def retry_parked(self) -> int:
        """Tries each event put aside once more, say after the handler was mended. Returns how many were applied.

        They are applied later than events that came after them: a handler must compare versions or times to allow this.
        """
        done = 0
        for parked in await self._bookmark.parked():
            try:
                done += await self._bookmark.apply_parked(parked.event, self._handler)
            except Exception as fault:
                self._log.warning(
                    "parked event still fails", event_id=parked.event.id, error=f"{type(fault).__name__}: {fault}"
                )
        _PARKED.labels(self.name).set(await self._bookmark.parked_count())
        return done

    async def _follow_for_ever(self) -> None:
        self._trouble("connecting")
        while True:
            try:
                try:
                    await self._follow(once=False)
                    self._trouble("the feed closed the stream")
                except grpc.aio.AioRpcError as fault:
                    await self._lost(fault)  # which may rebuild, and fail at that
            except Moved:
                continue
            except Exception as fault:
                self._trouble(f"failed: {type(fault).__name__}")
                self._log.exception("consumer failed", consumer=self.name)
            self._fruitless += 1
            await asyncio.sleep(self._wait_for(self._fruitless))

    async def _lost(self, fault: grpc.aio.AioRpcError) -> None:
        code = fault.code()
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return  # our own renewal
        if code is grpc.StatusCode.FAILED_PRECONDITION and self._rebuild is not None:
            await self._start_over()
            return
        self._trouble(f"the feed answers {code.name}")
        if code is grpc.StatusCode.UNAVAILABLE:
            if not self._fruitless:
                self._log.info("feed is away", consumer=self.name)
            return
        # waiting does not mend these: a person has to
        self._log.error("feed refuses", consumer=self.name, code=code.name, error=fault.details())
        self._fruitless = max(self._fruitless, 10)

    async def _start_over(self) -> None:
        assert self._rebuild is not None
        self._trouble("rebuilding")
        self._log.warning("feed no longer has what was missed: rebuilding", consumer=self.name)
        await self._rebuild()
        await self._bookmark.start_over()

    async def _follow(self, *, once: bool) -> int:
        cursor = await self._bookmark.cursor()
        applied = 0
        async with contextlib.aclosing(self._batches(cursor, once=once)) as batches:
            async for arrived in batches:
                events = log.beyond(cursor, arrived)
                if not events:
                    continue
                self._oldest_waiting = events[0].time.ToDatetime(tzinfo=dt.UTC).timestamp()
                cursor = await self._apply(cursor, events, once=once)
                self._oldest_waiting = None
                self._fruitless = 0
                applied += len(events)
        return applied

    async def _batches(self, cursor: str, *, once: bool) -> AsyncGenerator[list[feed_pb2.Event], None]:
        """Yields what has arrived, as much as there is at a time; when the applier is slow, gRPC stops the sender."""
        # a deadline, so that a connection that died unnoticed is noticed
        seconds = _RENEW_SECONDS * random.uniform(0.8, 1.0)
        call = self._stub().WatchEvents(
            feed_pb2.WatchEventsRequest(after=cursor, types=self._types, once=once), timeout=seconds
        )
        arrived: asyncio.Queue[feed_pb2.Event | None] = asyncio.Queue(maxsize=2 * self._batch)

        async def receive() -> None:
            try:
                await call.initial_metadata()
                # the server answers; it may still refuse the cursor, and says so at once
                timers.append(asyncio.get_running_loop().call_later(_SETTLE_SECONDS, self._well))
                async for answer in call:
                    await arrived.put(answer.event)
            except asyncio.CancelledError:
                if not call.cancelled():
                    raise  # ours: nobody reads the queue any more
            except grpc.aio.AioRpcError as fault:
                ended.append(fault)
            await arrived.put(None)

        ended: list[grpc.aio.AioRpcError] = []
        timers: list[asyncio.TimerHandle] = []
        receiving = asyncio.create_task(receive())
        try:
            while (event := await arrived.get()) is not None:
                batch = [event]
                while len(batch) < self._batch and not arrived.empty():
                    further = arrived.get_nowait()
                    if further is None:
                        arrived.put_nowait(None)
                        break
                    batch.append(further)
                yield batch
            if ended:
                raise ended[0]
        finally:
            for timer in timers:
                timer.cancel()
            receiving.cancel()
            call.cancel()

    async def _apply(self, cursor: str, events: list[feed_pb2.Event], *, once: bool) -> str:
        """Applies events in one transaction; when that fails, one by one, to find the one at fault. Returns the new cursor."""
        if len(events) > 1:
            try:
                return await self._persist(cursor, events)
            except Moved:
                raise
            except Exception as fault:
                self._log.warning("batch failed, applying one by one", consumer=self.name, error=type(fault).__name__)
        for event in events:
            cursor = await self._apply_one(cursor, event, once=once)
        return cursor

    async def _apply_one(self, cursor: str, event: feed_pb2.Event, *, once: bool) -> str:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._persist(cursor, [event])
            except Moved:
                raise
            except Exception as fault:
                _FAILED.labels(self.name).inc()
                self._log.warning(
                    "event failed",
                    consumer=self.name,
                    event_id=event.id,
                    type=event.type,
                    attempt=attempt,
                    exc_info=fault,
                )
                if attempt >= self._attempts and await self._may_park(once=once):
                    return await self._park(cursor, event, fault)
            await asyncio.sleep(self._wait_for(attempt))

    async def _may_park(self, *, once: bool) -> bool:
        parked = await self._bookmark.parked_count()
        if parked < self._park_limit:
            return True
        message = f"{parked} events are parked already: the handler seems broken"
        if once:
            raise errors.FailedPrecondition(f"{self.name} stands still: {message}.")
        self._trouble(message)
        self._log.error("consumer stands still", consumer=self.name, parked=parked)
        return False

    async def _park(self, cursor: str, event: feed_pb2.Event, fault: Exception) -> str:
        cursor = await self._bookmark.park(cursor, event, fault)
        _PARKED.labels(self.name).set(await self._bookmark.parked_count())
        self._log.error("event parked", consumer=self.name, event_id=event.id, type=event.type, subject=event.subject)
        return cursor

    async def _persist(self, cursor: str, events: list[feed_pb2.Event]) -> str:
        """Applies events; waits out a store that is away. Returns the new cursor."""
        attempt = 0
        while True:
            try:
                cursor = await self._bookmark.apply(cursor, events, self._handler)
            except _PASSING as fault:
                attempt += 1
                self._trouble(f"own store: {fault.message}")
                await asyncio.sleep(self._wait_for(attempt))
                continue
            self._well()
            _APPLIED.labels(self.name).inc(len(events))
            return cursor

    def _trouble(self, problem: str) -> None:
        if not self._problem:
            self._problem_since = time.time()
        self._problem = problem

    def _well(self) -> None:
        self._problem = ""

    def _wait_for(self, attempt: int) -> float:
        """Returns a jittered wait in seconds before attempt number `attempt` + 1."""
        longest = min(_LONGEST_WAIT, self._first_wait * 2.0 ** min(attempt - 1, 16))
        return longest * random.uniform(0.5, 1.0)
