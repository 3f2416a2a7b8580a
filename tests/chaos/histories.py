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
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from cinemesh.testing.ports import free_base
from cinemesh.testing.postgres import PostgresServer
from tests.chaos.linearizability import NEVER, Anomaly, Operation, anomalies
from tests.chaos.models import WRITES, effective, step
from tests.chaos.service import FILMS, ServiceProcess, under_test
from tests.chaos.subjects import SUBJECTS, Answer, Subject

#: Calls on one film of one person: enough to race, few enough to check.
CALLS_A_KEY = 25
_HOT_KEYS = 6
#: Nothing happened, and the service says so.
_REFUSED = {grpc.StatusCode.ABORTED, grpc.StatusCode.RESOURCE_EXHAUSTED}
_LOST = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class Refused(Exception):
    """The call had no effect, and this is known."""


class Unanswered(Exception):
    """Nobody knows whether the call had its effect."""


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
        times = np.array([(o.ended - o.began) * 1000 for o in self.history if o.answered and o.kind in WRITES])
        return {
            "service": self.service,
            "store": self.store,
            "operations": len(self.history),
            "objects": len({o.key for o in self.history}),
            "acknowledged_writes": sum(
                o.answered and o.kind != "read" and effective(o.kind, o.got) for o in self.history
            ),
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
        return self._random.choice(self._hot)

    async def operations(self, count: int, clients: int, kills: int) -> Report:
        """Makes calls until so many are made and the process was killed so often; then reads everything once more."""
        began = time.monotonic()
        self._left = count
        async with asyncio.TaskGroup() as group:  # a service that does not come back ends it all
            killing = group.create_task(self._kill(kills))
            for _ in range(clients):
                group.create_task(self._client(killing))
        async with self._subjects() as subject_of:
            for person, film in list(self._calls):
                await self._call(subject_of(person), (person, film), "read", None)
        self.report.seconds = time.monotonic() - began
        return self.report

    async def _kill(self, kills: int) -> None:
        for _ in range(kills):
            await asyncio.sleep(self._random.uniform(0.02, 0.5))
            await self._process.kill()
            self.report.restarts.append(await self._process.start())

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

    async def _client(self, killing: asyncio.Task[None]) -> None:
        async with self._subjects() as subject_of:
            while self._left > 0 or not killing.done():
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
        """Makes one call, or those of one write, and notes each. Returns whether all were answered."""
        note = partial(self._noted, key)
        try:
            if kind == "write":
                await subject.write(key[1], self._random.choice(subject.values()), note)
            elif kind == "read":
                await subject.read(key[1], note)
            else:
                await subject.delete(sent, note)
        except Refused:
            return True
        except Unanswered:
            return False
        return True

    async def _noted(self, key: tuple[str, int], kind: str, sent: Any, answer: Awaitable[Answer]) -> Answer:
        """Awaits the answer of a call and notes it.

        Raises:
            Refused: the service says that nothing happened.
            Unanswered: it says nothing.
        """
        self._left -= 1
        self._calls[key] += 1
        began = time.monotonic()
        try:
            got = await answer
        except grpc.aio.AioRpcError as fault:
            name = fault.code().name
            if fault.code() in _REFUSED:
                self.report.outcomes[f"refused {name}"] += 1
                raise Refused from None
            self.report.outcomes[f"unknown {name}"] += 1
            if fault.code() not in _LOST:
                self.report.outcomes[f"said {fault.details()}"] += 1
            if kind != "read":
                self.report.history.append(Operation(key, kind, sent, None, began, NEVER))
            raise Unanswered from None
        self.report.history.append(Operation(key, kind, sent, got, began, time.monotonic()))
        self.report.outcomes[f"{kind} {'ok' if effective(kind, got) else 'in vain'}"] += 1
        if isinstance(got, tuple):
            self._ids[key] = got[0]
        return got


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
    """Runs every service on every store asked for; exits with 1 when a history has an anomaly, or an answer is an error of the service."""
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
            bad += figures["anomalies"] + sum(n for name, n in figures["outcomes"].items() if name.startswith("said"))
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
