"""`make chaos-feed`: 100,000 events of Ratings reach everybody who follows, whoever is killed meanwhile.

People rate, keep diaries, review, like, comment, import and leave, by the calls of the real ratings process, while it and those who follow
it (Catalog, Watchlist, and a follower that only adds and subtracts) are killed by SIGKILL again and again. A proxy between
them delivers one event in twenty twice, half of those late. On PostgreSQL another replica has transactions open that take
seconds; on SQLite other programs try to get at the file. In the end every projection must equal one made of the tables of Ratings.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from cine.common.v1 import feed_pb2, feed_pb2_grpc
from cine_catalog.pipeline.columns import MERGED
from cine_catalog.pipeline.merged import write_merged
from cinemesh.client import channel, close_channels
from cinemesh.db import Database
from cinemesh.feed.log import Cursor, Position
from cinemesh.testing import settings_for
from cinemesh.testing.ports import free_base
from cinemesh.testing.postgres import PostgresServer
from tests.chaos.feed_checks import Stores, compare, reached, served_differs
from tests.chaos.feed_disturbances import LongTransactions, OtherPrograms
from tests.chaos.feed_relay import FeedRelay
from tests.chaos.feed_writers import Writers
from tests.chaos.follower import CONSUMER, FollowerSettings
from tests.chaos.service import ServiceProcess, Surroundings, film_title, film_year, surroundings

FILMS: Final = 400
AGAIN: Final = 0.05
CONSUMERS: Final = {"catalog": "catalog.ratings", "watchlist": "watchlist.ratings", "recommender": CONSUMER}
_KILLED: Final = {"ratings": 0.4, "catalog": 0.2, "watchlist": 0.2, "recommender": 0.2}
_HEARD_BY_ALL: Final = ("RatingChanged", "RatingDeleted", "DiaryEntryChanged", "DiaryEntryDeleted")
_SETTLE_SECONDS: Final = 120.0
_SETTLE_TIMES: Final = 5
_TAKEN_IN_SECONDS: Final = 20.0
_PROGRESS_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Wanted:
    """How much is to happen.

    Attributes:
        events: events, at least.
        kills: SIGKILLs, of all processes together.
        longest: seconds that a transaction of another replica is open at most.
        seed: of everything that chance decides but the moments themselves.
    """

    events: int
    kills: int
    longest: float = 4.0
    seed: int = 1


@dataclass
class Report:
    """What a run gave."""

    store: str
    events: int = 0
    seconds: float = 0.0
    delivered: int = 0
    doubled: Counter[str] = field(default_factory=Counter)
    restarts: dict[str, list[float]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    disturbances: Counter[str] = field(default_factory=Counter)
    longest_transaction: float = 0.0
    problems: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Returns the figures as plain values."""
        return {
            "store": self.store,
            "events": self.events,
            "seconds": round(self.seconds, 1),
            "delivered": self.delivered,
            "delivered_again": dict(self.doubled),
            "kills": {name: len(one) for name, one in self.restarts.items()},
            "ready_again_max_s": {name: round(max(one), 2) for name, one in self.restarts.items() if one},
            "calls": dict(self.outcomes),
            "disturbances": dict(self.disturbances),
            "longest_transaction_s": round(self.longest_transaction, 1),
            "problems": self.problems,
        }


def write_films(path: Path, films: int) -> None:
    """Writes the pipeline's result that Catalog serves: films with a title and a year."""
    ids = range(1, films + 1)
    rows: dict[str, list[Any]] = {
        "movie_id": list(ids),
        "title": [film_title(movie_id) for movie_id in ids],
        "year": [film_year(movie_id) for movie_id in ids],
    }
    series = {name: pl.Series(rows.get(name, [None] * films), dtype=dtype) for name, dtype in MERGED.items()}
    write_merged(
        path,
        pl.DataFrame(series),
        fingerprint="chaos",
        base_source="movielens",
        synthetic_audience=False,
        counts={},
        options={},
    )


class Run:
    """One mesh, from its start to its end.

    Args:
        folder: its state.
        stores: URLs of the stores.
        around: stand-ins.
        wanted: how much is to happen.
        base: first port of the mesh.
    """

    def __init__(self, folder: Path, stores: Stores, around: Surroundings, wanted: Wanted, base: int) -> None:
        self.report = Report(stores.ratings.partition(":")[0].partition("+")[0])
        self._folder = folder
        self._stores = stores
        self._around = around
        self._events = wanted.events
        self._longest = wanted.longest
        self._random = random.Random(wanted.seed)
        self._kills = self._moments(wanted.kills)
        self._killing = sum(len(moments) for moments in self._kills.values())
        self._processes = {"ratings": ServiceProcess("ratings", folder, base, stores.ratings, around.peers)}
        self._base = base
        self._relay = FeedRelay(self._processes["ratings"].address, AGAIN, random.Random(wanted.seed + 1))
        self._writers = Writers(
            self._processes["ratings"], around.tokens, around.identity, FILMS, random.Random(wanted.seed + 2)
        )
        self._programs: OtherPrograms | None = None

    def _moments(self, kills: int) -> dict[str, list[int]]:
        """Chooses who is killed after how many events."""
        found: dict[str, list[int]] = {name: [] for name in _KILLED}
        names = self._random.choices(list(_KILLED), list(_KILLED.values()), k=kills)
        for name in [*list(_KILLED)[:kills], *names][:kills]:  # everybody at least once, where there are enough
            found[name].append(self._random.randrange(self._events))
        return {name: sorted(moments) for name, moments in found.items()}

    @property
    def told(self) -> int:
        """How many events the follower was told of."""
        return self._relay.told["recommender"]

    def _enough(self) -> bool:
        return self.told >= self._events and not self._killing

    async def go(self) -> Report:
        """Runs it all and compares in the end."""
        began = time.monotonic()
        async with self._mesh():
            await self._writers.arrive()
            watching = asyncio.create_task(self._say(began))
            try:
                async with asyncio.TaskGroup() as group:
                    for name in self._processes:
                        group.create_task(self._kill(name))
                    group.create_task(self._writers.run(16, 2, self._enough))
                    self._disturb(group)
                await self._settle()
            finally:
                watching.cancel()
        self.report.events, differences = await compare(self._stores)
        self._close(differences)
        self.report.seconds = time.monotonic() - began
        return self.report

    @asynccontextmanager
    async def _mesh(self) -> AsyncIterator[None]:
        merged = self._folder / "films" / "movies_merged.csv"
        write_films(merged, FILMS)
        async with self._relay.serving() as at_relay, AsyncExitStack() as stack:
            peers = {**self._around.peers, "ratings": at_relay}
            more = {"CINE_MERGED_CSV": str(merged), "CINE_CATALOG_AUDIENCE_SECONDS": "1"}
            for name, module in (("catalog", ""), ("watchlist", ""), ("recommender", "tests.chaos.follower")):
                self._processes[name] = ServiceProcess(
                    name, self._folder, self._base, self._stores.of(name), peers, module=module, more=more
                )
            for process in self._processes.values():
                stack.push_async_callback(process.kill)
            await asyncio.gather(*(process.start() for process in self._processes.values()))
            yield

    def _disturb(self, group: asyncio.TaskGroup) -> None:
        chooser = random.Random(self._random.random())
        if self.report.store == "postgresql":
            self._long = LongTransactions(
                self._stores.ratings, lambda: self._writers.somebody, FILMS, chooser, self._longest
            )
            group.create_task(self._long.run(self._enough))
        else:
            path = Path(self._stores.ratings.removeprefix("sqlite:///"))
            self._programs = OtherPrograms(path, chooser)
            group.create_task(self._programs.run(self._processes["ratings"].serving, self._enough))

    async def _kill(self, name: str) -> None:
        process = self._processes[name]
        times = self.report.restarts.setdefault(name, [])
        for moment in self._kills[name]:
            while self.told < moment:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.02)
            await asyncio.sleep(self._random.uniform(0.0, 0.3))
            await process.kill()
            if name == "ratings" and self._programs is not None:
                await self._programs.between()
            times.append(await process.start())
            self._killing -= 1

    async def _settle(self) -> None:
        """Waits until everybody has applied everything, and ends them."""
        for _ in range(_SETTLE_TIMES):
            wanted = await self._ends()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SETTLE_SECONDS):
                    while any(self._heard(name) < place for name, place in wanted.items()):  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
            addresses = self._processes["catalog"].address, self._processes["ratings"].address
            served = await served_differs(*addresses, FILMS, _TAKEN_IN_SECONDS)
            await asyncio.gather(*(self._processes[name].kill() for name in CONSUMERS))
            places = [await self._place(name) for name in CONSUMERS]
            if all(place >= wanted[name] for name, place in zip(CONSUMERS, places, strict=True)):
                self.report.problems += served
                return
            # what had arrived was not applied yet
            await asyncio.gather(*(self._processes[name].start() for name in CONSUMERS))
        self.report.problems.append("not everybody came to the end of the feed")

    def _heard(self, name: str) -> Position:
        return max(self._relay.delivered.get(name, {}).values(), default=Position(0, 0))

    async def _ends(self) -> dict[str, Position]:
        """Returns the last position that concerns each consumer, as the feed itself has it."""
        settings = settings_for(FollowerSettings, self._folder, peers={"ratings": [self._processes["ratings"].address]})
        stub: Any = feed_pb2_grpc.FeedServiceStub(channel("ratings", settings))
        ends = dict.fromkeys(CONSUMERS, Position(0, 0))
        async for answer in stub.WatchEvents(feed_pb2.WatchEventsRequest(once=True)):
            place = Cursor.decode(answer.event.cursor).position
            ends["recommender"] = place
            if answer.event.type.rpartition(".")[2] in _HEARD_BY_ALL:
                ends["catalog"] = ends["watchlist"] = place
        await close_channels()
        return ends

    async def _place(self, name: str) -> Position:
        async with Database(self._stores.of(name)) as database:
            return await database.read(lambda session: reached(session, CONSUMERS[name]))

    async def _say(self, began: float) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            kills = sum(len(times) for times in self.report.restarts.values())
            print(
                f"{self.report.store}: {self.told:,} events, {kills} kills, {sum(self._relay.doubled.values()):,} delivered again,"
                f" {time.monotonic() - began:.0f} s",
                file=sys.stderr,
                flush=True,
            )

    def _close(self, differences: list[str]) -> None:
        report = self.report
        report.delivered = self._relay.told.total()
        report.doubled, report.outcomes = self._relay.doubled, self._writers.outcomes
        report.problems += [*differences, *sorted(set(self._writers.faults))[:10]]
        if self._programs is not None:
            report.disturbances = self._programs.outcomes
            report.problems += sorted(set(self._programs.faults))
        else:
            report.disturbances, report.longest_transaction = self._long.outcomes, self._long.longest
        if report.events < self._events:
            report.problems.append(f"{report.events} events are fewer than wanted")


async def run(folder: Path, stores: Stores, wanted: Wanted) -> Report:
    """Runs a mesh on empty stores and returns what came of it."""
    async with surroundings(folder, FILMS) as around:
        return await Run(folder, stores, around, wanted, free_base()).go()


@contextlib.contextmanager
def empty_stores(store: str, folder: Path, postgres: PostgresServer) -> Any:
    """Yields empty stores for a run, of one kind."""
    names = ("ratings", *CONSUMERS)
    if store == "sqlite":
        yield Stores(**{name: f"sqlite:///{folder / name}.sqlite3" for name in names})
        return
    urls = {name: postgres.create_database() for name in names}
    try:
        yield Stores(**urls)
    finally:
        for url in urls.values():
            postgres.drop_database(url)


def main() -> int:
    """Runs every store asked for; exits with 1 when a projection is not what it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=100, help="SIGKILLs, of all processes together")
    parser.add_argument("--stores", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--longest", type=float, default=4.0, help="seconds that a transaction is open at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    wanted = Wanted(arguments.events, arguments.kills, arguments.longest, arguments.seed)
    bad = False
    with contextlib.ExitStack() as stack:
        postgres = PostgresServer()
        if "postgresql" in arguments.stores:
            stack.enter_context(postgres)
        for store in arguments.stores:
            with tempfile.TemporaryDirectory() as name, empty_stores(store, Path(name), postgres) as stores:
                made = asyncio.run(run(Path(name), stores, wanted))
            bad = bad or bool(made.problems)
            print(json.dumps(made.figures()) if arguments.json else words(made), flush=True)
    return 1 if bad else 0


def words(report: Report) -> str:
    """Returns a report to read."""
    figures = report.figures()
    longest = figures["ready_again_max_s"]
    kills = ", ".join(f"{name} {n} ({longest[name]} s)" for name, n in figures["kills"].items() if n)
    again = ", ".join(f"{count:,} {name}" for name, count in sorted(report.doubled.items()))
    others = ", ".join(f"{name} {count:,}" for name, count in sorted(report.disturbances.items()))
    calls = ", ".join(f"{name} {count:,}" for name, count in sorted(report.outcomes.items()))
    lines = [
        f"{report.store}: {report.events:,} events in {report.seconds:.0f} s; "
        + ("; ".join(report.problems) if report.problems else "every projection equals one made of the tables"),
        f"  {report.delivered:,} deliveries to three consumers, and again {again}",
        f"  killed, and ready again at the latest after: {kills}",
        f"  calls: {calls}",
        f"  beside: {others}" + (f"; longest {report.longest_transaction:.1f} s" if report.longest_transaction else ""),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
