"""`make chaos-histories`: thousands of concurrent calls on ratings and watchlists, processes killed in between, histories checked.

Several clients rate, read and delete the same films of the same people (or put them on a watchlist) over native gRPC, against the real
service process on SQLite and on PostgreSQL. With `--kills` the process is killed by SIGKILL again and again while they go on. Every call is
noted with the time it was sent and answered; at the end everything is read once more, and each film of each person must have an order
of its calls that explains all answers (`linearizability`). So an acknowledged write that is lost, done twice, or
undone shows. Printed: calls by outcome, anomalies, how long each restart took.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import grpc
import numpy as np

from cine.ratings.v1 import ratings_pb2, ratings_pb2_grpc
from cine.watchlist.v1 import watchlist_pb2, watchlist_pb2_grpc
from cinemesh.testing.ports import free_base
from cinemesh.testing.postgres import PostgresServer
from tests.chaos.linearizability import NEVER, Anomaly, Operation, anomalies
from tests.chaos.models import step
from tests.chaos.service import FILMS, ServiceProcess, under_test

#: Calls on one film of one person: enough to race, few enough to check.
CALLS_A_KEY = 25
_HOT_KEYS = 6
_DEADLINE = 5.0
_ABSENT = {grpc.StatusCode.NOT_FOUND}
#: Nothing happened, and the service says so.
_REFUSED = {grpc.StatusCode.ABORTED, grpc.StatusCode.RESOURCE_EXHAUSTED}
Answer = Any


class Subject(Protocol):
    """What is called: one service, seen as a store of (id, value) by person and film."""

    async def write(self, film: int, value: float) -> tuple[str, float]:
        """Creates or changes."""
        ...

    async def read(self, film: int) -> Answer:
        """Returns (id, value) or "absent"."""
        ...

    async def delete(self, id_: str) -> Answer:
        """Returns "deleted" or "absent"."""
        ...

    def values(self) -> list[float]:
        """Returns what may be written."""
        ...


class Ratings:
    """Ratings, through the ratings service."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._stub: Any = ratings_pb2_grpc.RatingsServiceStub(channel)
        self._with: Any = {"metadata": [("authorization", f"Bearer {token}")], "timeout": _DEADLINE}

    async def write(self, film: int, value: float) -> tuple[str, float]:
        """Rates."""
        answer = await self._stub.RateMovie(ratings_pb2.RateMovieRequest(movie_id=film, overall=value), **self._with)
        return answer.rating_id, answer.overall

    async def read(self, film: int) -> Answer:
        """Reads the rating."""
        try:
            answer = await self._stub.GetMyRating(ratings_pb2.GetMyRatingRequest(movie_id=film), **self._with)
        except grpc.aio.AioRpcError as fault:
            return _absent(fault)
        return answer.rating_id, answer.overall

    async def delete(self, id_: str) -> Answer:
        """Takes the rating back."""
        try:
            await self._stub.DeleteRating(ratings_pb2.DeleteRatingRequest(rating_id=id_), **self._with)
        except grpc.aio.AioRpcError as fault:
            return _absent(fault)
        return "deleted"

    def values(self) -> list[float]:
        """Half stars."""
        return [n / 2 for n in range(11)]


class Watchlist:
    """Films on a watchlist with their priority, through the watchlist service."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._stub: Any = watchlist_pb2_grpc.WatchlistServiceStub(channel)
        self._with: Any = {"metadata": [("authorization", f"Bearer {token}")], "timeout": _DEADLINE}

    async def write(self, film: int, value: float) -> tuple[str, float]:
        """Adds the film, or changes the priority of the item that is there."""
        request = watchlist_pb2.AddItemRequest(movie_id=film, priority=int(value))
        try:
            answer = await self._stub.AddItem(request, **self._with)
        except grpc.aio.AioRpcError as fault:
            if fault.code() is not grpc.StatusCode.ALREADY_EXISTS:
                raise
            found = await self.read(film)
            if found == "absent":
                raise Refused from None
            try:
                answer = await self._stub.UpdateItem(
                    watchlist_pb2.UpdateItemRequest(item_id=found[0], priority=int(value)), **self._with
                )
            except grpc.aio.AioRpcError as gone:
                if gone.code() in _ABSENT:
                    raise Refused from None
                raise
        return answer.item_id, float(answer.priority)

    async def read(self, film: int) -> Answer:
        """Looks for the film."""
        answer = await self._stub.ListItems(watchlist_pb2.ListItemsRequest(movie_id=film), **self._with)
        if len(answer.items) > 1:
            return "twice", float(len(answer.items))  # no model allows it
        return (answer.items[0].item_id, float(answer.items[0].priority)) if answer.items else "absent"

    async def delete(self, id_: str) -> Answer:
        """Takes the item off."""
        try:
            await self._stub.RemoveItem(watchlist_pb2.RemoveItemRequest(item_id=id_), **self._with)
        except grpc.aio.AioRpcError as fault:
            return _absent(fault)
        return "deleted"

    def values(self) -> list[float]:
        """Priorities."""
        return [float(n) for n in range(1, 11)]


class Refused(Exception):
    """The call had no effect, and this is known."""


def _absent(fault: grpc.aio.AioRpcError) -> str:
    if fault.code() in _ABSENT:
        return "absent"
    raise fault


SUBJECTS: dict[str, Callable[[grpc.aio.Channel, str], Subject]] = {"ratings": Ratings, "watchlist": Watchlist}


@dataclass
class Report:
    """What a run gave."""

    service: str
    store: str
    outcomes: Counter[str] = field(default_factory=Counter)
    history: list[Operation] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def figures(self, found: list[Anomaly]) -> dict[str, Any]:
        """Returns the figures as plain values."""
        times = np.array([(o.ended - o.began) * 1000 for o in self.history if o.answered and o.kind == "write"])
        return {
            "service": self.service,
            "store": self.store,
            "operations": len(self.history),
            "objects": len({o.key for o in self.history}),
            "acknowledged_writes": sum(o.answered and o.kind != "read" and o.got != "absent" for o in self.history),
            "outcomes": dict(self.outcomes),
            "anomalies": len(found),
            "seconds": round(self.seconds, 1),
            "write_p50_ms": round(float(np.percentile(times, 50)), 2) if len(times) else None,
            "write_p99_ms": round(float(np.percentile(times, 99)), 2) if len(times) else None,
            "kills": len(self.restarts),
            "ready_again_p50_s": round(float(np.median(self.restarts)), 2) if self.restarts else None,
            "ready_again_max_s": round(max(self.restarts), 2) if self.restarts else None,
        }


class Run:
    """Clients on one service, while it is killed or not."""

    def __init__(self, service: str, store: str, process: ServiceProcess, tokens: Any, seed: int) -> None:
        self.report = Report(service, store)
        self._service = service
        self._process = process
        self._tokens = tokens
        self._random = random.Random(seed)
        self._people: dict[int, str] = {}
        self._ids: dict[tuple[str, int], str] = {}
        self._keys = ((f"person-{n // FILMS}", n % FILMS + 1) for n in itertools.count())
        self._hot: list[tuple[str, int]] = []
        self._calls: Counter[tuple[str, int]] = Counter()
        self._left = 0

    def _key(self) -> tuple[str, int]:
        """Returns a film of a person: a few at a time, so that clients meet, each for a number of calls."""
        self._hot = [key for key in self._hot if self._calls[key] < CALLS_A_KEY]
        while len(self._hot) < _HOT_KEYS:
            self._hot.append(next(self._keys))
        key = self._random.choice(self._hot)
        self._calls[key] += 1
        return key

    async def operations(self, count: int, clients: int, kills: int) -> Report:
        """Makes calls until so many are made and the process was killed so often; then reads everything once more."""
        began = time.monotonic()
        self._left = count
        done = asyncio.Event()
        killing = asyncio.create_task(self._kill(kills, done)) if kills else None
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(self._client(killing))
        done.set()
        if killing is not None:
            await killing
        async with self._subjects() as subject_of:
            for person, film in list(self._calls):
                await self._call(subject_of(person), (person, film), "read", None)
        self.report.seconds = time.monotonic() - began
        return self.report

    async def _kill(self, kills: int, done: asyncio.Event) -> None:
        for _ in range(kills):
            await asyncio.sleep(self._random.uniform(0.02, 0.5))
            await self._process.kill()
            self.report.restarts.append(await self._process.start())
        done.set()

    @asynccontextmanager
    async def _subjects(self) -> AsyncIterator[Callable[[str], Subject]]:
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 200),
            ("grpc.enable_retries", 0),
        ]
        made: dict[str, tuple[float, Subject]] = {}
        async with grpc.aio.insecure_channel(self._process.address, options) as channel:

            def subject(person: str) -> Subject:
                if person not in made or time.monotonic() - made[person][0] > 200:  # tokens live five minutes
                    made[person] = (time.monotonic(), SUBJECTS[self._service](channel, self._tokens.user(person)))
                return made[person][1]

            yield subject

    async def _client(self, killing: asyncio.Task[None] | None) -> None:
        async with self._subjects() as subject_of:
            while self._left > 0 or (killing is not None and not killing.done()):
                self._left -= 1
                key = self._key()
                kind = self._random.choices(["write", "read", "delete"], [6, 3, 1])[0]
                if kind == "delete" and key not in self._ids:
                    kind = "write"
                sent = self._ids[key] if kind == "delete" else None
                await self._process.serving.wait()
                if not await self._call(subject_of(key[0]), key, kind, sent):
                    # its history has a call that may be anywhere: with a handful of those it could not be checked
                    self._calls[key] = CALLS_A_KEY

    async def _call(self, subject: Subject, key: tuple[str, int], kind: str, sent: Any) -> bool:
        """Makes one call and notes it. Returns whether there was an answer."""
        began = time.monotonic()
        try:
            if kind == "write":
                sent = self._random.choice(subject.values())
                got: Answer = await subject.write(key[1], sent)
                self._ids[key] = got[0]
            elif kind == "read":
                got = await subject.read(key[1])
            else:
                got = await subject.delete(sent)
        except Refused:
            self.report.outcomes["refused"] += 1
            return True
        except grpc.aio.AioRpcError as fault:
            if fault.code() in _REFUSED:
                self.report.outcomes[f"refused {fault.code().name}"] += 1
                return True
            self.report.outcomes[f"unknown {fault.code().name}"] += 1
            if fault.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                self.report.outcomes[f"said {fault.details()}"] += 1
            if kind != "read":
                self.report.history.append(Operation(key, kind, sent, None, began, NEVER))
            return False
        self.report.outcomes[f"{kind} ok"] += 1
        self.report.history.append(Operation(key, kind, sent, got, began, time.monotonic()))
        return True


async def run(service: str, store_url: str, folder: Path, base: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Runs one service on one store and returns its figures."""
    store = store_url.partition(":")[0].partition("+")[0]
    async with under_test(service, folder, base, store_url) as (process, tokens):
        report = await Run(service, store, process, tokens, arguments.seed).operations(
            arguments.operations, arguments.clients, arguments.kills
        )
    found = list(anomalies(report.history, step))
    for anomaly in found[:5]:
        print(anomaly, file=sys.stderr)
    return report.figures(found)


def main() -> int:
    """Runs every service on every store asked for; exits with 1 when a history has an anomaly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=50_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--kills", type=int, default=0, help="how often the process is killed meanwhile")
    parser.add_argument("--services", nargs="+", choices=sorted(SUBJECTS), default=sorted(SUBJECTS))
    parser.add_argument("--stores", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    postgres = PostgresServer()
    if "postgresql" in arguments.stores:
        postgres.start()
    bad = 0
    try:
        for service, store in itertools.product(arguments.services, arguments.stores):
            with tempfile.TemporaryDirectory() as name:
                url = f"sqlite:///{name}/store.sqlite3" if store == "sqlite" else postgres.create_database()
                figures = asyncio.run(run(service, url, Path(name), free_base(), arguments))
            bad += figures["anomalies"]
            print(json.dumps(figures) if arguments.json else _words(figures), flush=True)
    finally:
        if "postgresql" in arguments.stores:
            postgres.stop()
    return 1 if bad else 0


def _words(figures: dict[str, Any]) -> str:
    outcomes = ", ".join(f"{name} {count:,}" for name, count in sorted(figures["outcomes"].items()))
    lines = [
        f"{figures['service']} on {figures['store']}: {figures['operations']:,} operations on {figures['objects']:,} objects "
        f"in {figures['seconds']:.0f} s, {figures['anomalies']} anomalies",
        f"  {outcomes}",
        f"  {figures['acknowledged_writes']:,} acknowledged writes"
        + ("" if figures["anomalies"] else ", each there once: none lost, none doubled"),
        f"  a write takes {figures['write_p50_ms']} ms at the median, {figures['write_p99_ms']} ms at p99, answered ones alone",
    ]
    if figures["kills"]:
        lines.append(
            f"  killed {figures['kills']} times; serves again after {figures['ready_again_p50_s']} s at the median, "
            f"{figures['ready_again_max_s']} s at most"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
