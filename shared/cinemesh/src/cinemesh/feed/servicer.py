"""Serves the outbox of a service as `cine.common.v1.FeedService`."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from prometheus_client import Counter, Gauge

from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cinemesh import telemetry
from cinemesh.db import Database
from cinemesh.feed import log
from cinemesh.outbox import Outbox

_SERVED = Counter("cine_feed_served", "Events sent to consumers.", ["source"], registry=telemetry.REGISTRY)
_WATCHERS = Gauge("cine_feed_watchers", "Open feeds.", ["source"], registry=telemetry.REGISTRY)


class FeedServicer(feed_pb2_grpc.FeedServiceServicer):
    """Streams the events of one service to any number of consumers.

    Each stream reads a batch, hands it over at the consumer's pace (gRPC's flow control stops it in between) and only then
    reads the next. Commits of this process wake it: the first after a pause at once, further ones together, so that a store that is
    written to all the time is not also read for every write and consumer. Those of other replicas are noticed within `poll_seconds`.
    """

    def __init__(
        self, db: Database, outbox: Outbox, *, batch: int = 512, poll_seconds: float = 0.5, gather_seconds: float = 0.2
    ) -> None:
        """Takes the store and the outbox.

        Args:
            db: store of the service.
            outbox: the very object the service appends with: its commits wake the streams.
            batch: most events read at a time.
            poll_seconds: longest time until commits of another replica are noticed.
            gather_seconds: least time between two looks of a stream that has caught up.
        """
        self._db = db
        self._outbox = outbox
        self._batch = batch
        self._poll = poll_seconds
        self._gather = gather_seconds
        self._stopping = asyncio.Event()
        self._wake: set[asyncio.Event] = set()
        self._log = telemetry.logger(outbox.source)

    async def WatchEvents(
        self,
        request: feed_pb2.WatchEventsRequest,
        context: Any,
    ) -> AsyncIterator[feed_pb2.WatchEventsResponse]:
        """Streams events after a cursor; see feed.proto.

        Raises:
            errors.InvalidArgument: `after` is not a cursor, or `not_before` no moment.
            errors.FailedPrecondition: the cursor cannot be continued from: the consumer must rebuild.
        """
        types = sorted(set(request.types))
        not_before = log.moment(request)
        served = _SERVED.labels(self._outbox.source)
        with _WATCHERS.labels(self._outbox.source).track_inprogress(), self._outbox.listening() as committed:
            self._wake.add(committed)
            try:
                await self._mend()
                after = request.after
                cursor = await self._db.read(lambda session: log.start(session, after))
                while not self._stopping.is_set():
                    looked = asyncio.get_running_loop().time()
                    committed.clear()  # before the read: a commit during it must not be missed
                    look = partial(log.read_batch, after=cursor, types=types, limit=self._batch, not_before=not_before)
                    batch = await self._db.read(look)
                    for event in batch.events(self._outbox.source):
                        if self._stopping.is_set():
                            return
                        yield feed_pb2.WatchEventsResponse(event=event)
                    served.inc(len(batch.rows))
                    cursor = batch.reached
                    if len(batch.rows) == self._batch:
                        continue
                    if request.once:
                        return
                    await self._wait(committed, looked)
            finally:
                self._wake.discard(committed)

    async def _wait(self, committed: asyncio.Event, looked: float) -> None:
        if self._stopping.is_set():
            return
        with contextlib.suppress(TimeoutError):
            # many streams must not poll in step
            await asyncio.wait_for(committed.wait(), self._poll * random.uniform(0.8, 1.2))
        if not self._stopping.is_set():
            await asyncio.sleep(max(0.0, looked + self._gather - asyncio.get_running_loop().time()))

    async def _mend(self) -> None:
        if self._db.dialect == "postgresql" and await self._db.read(log.from_another_server):
            self._log.warning("outbox was restored from another server: consumers have to rebuild")
            epoch = secrets.token_hex(6)
            await self._db.write(lambda session: log.begin_another_life(session, epoch))

    def stop(self) -> None:
        """Ends every stream at its next event: a server that stops need not wait for consumers that never do."""
        self._stopping.set()
        for event in self._wake:
            event.set()
