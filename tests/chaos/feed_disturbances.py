"""What else goes on in the store of a service that tells: transactions that stay open for seconds, and other programs at its file."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from ulid import ULID

from cine_ratings.domain.diary import DiaryWish
from cine_ratings.domain.rating import RatingWish, Score
from cine_ratings.flows.diary_book import DiaryBook
from cine_ratings.flows.rating_book import RatingBook
from cine_ratings.store.schema import people
from cinemesh.db import Database
from cinemesh.errors import CineError
from cinemesh.outbox import Outbox
from cinemesh.projections import person_rows
from tests.chaos.feed_checks import PHANTOM

_AT_ONCE: Final = 3
_OF_ONE_PERSON: Final = 6


class _Undone(Exception):
    """The transaction is to be rolled back."""


class LongTransactions:
    """Another replica of Ratings whose transactions take seconds; for PostgreSQL.

    Some take their transaction id first and write last: others change the same things meanwhile, and the ids say nothing of the order.
    Some write first and are committed last: others wait for them. One in five is rolled back in the end.

    Args:
        url: store of Ratings.
        somebody: chooses whose ratings are changed.
        films: ids of films are 1 to this.
        chooser: decides everything else.
        longest: seconds that one is open at most, apart from waits.

    Attributes:
        outcomes: transactions by what became of them.
        longest: seconds that the longest was open.
    """

    def __init__(
        self, url: str, somebody: Callable[[], str], films: int, chooser: random.Random, longest: float = 4.0
    ) -> None:
        self._url = url
        self._longest = longest
        self._somebody = somebody
        self._films = films
        self._random = chooser
        outbox = Outbox("ratings")
        self._ratings = RatingBook(outbox)
        self._diary = DiaryBook(self._ratings, outbox)
        self.outcomes: Counter[str] = Counter()
        self.longest = 0.0

    async def run(self, enough: Callable[[], bool]) -> None:
        """Has a few open at any time until there is enough."""
        async with Database(self._url, pool=_AT_ONCE) as database, asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._one_after_another(database, enough))

    async def _one_after_another(self, database: Database, enough: Callable[[], bool]) -> None:
        while not enough():
            began = time.monotonic()
            late = self._random.random() < 0.6
            # whoever rates one of the films of one that wrote already waits as long
            before, after = (self._random.uniform(0.1, 1.0), 0.0) if late else (0.0, self._random.uniform(0.05, 0.3))
            change = self._change(before * self._longest, after * self._longest)
            try:
                await database.write(change)
                self.outcomes["id first, writes last" if late else "writes first, commit last"] += 1
            except _Undone:
                self.outcomes["rolled back"] += 1
            except CineError as refused:
                self.outcomes[f"refused {type(refused).__name__}"] += 1
            self.longest = max(self.longest, time.monotonic() - began)
            await asyncio.sleep(self._random.uniform(0.0, 0.5))

    def _change(self, before: float, after: float) -> Callable[[Session], None]:
        person = self._somebody()
        films = self._random.sample(range(1, self._films + 1), min(_OF_ONE_PERSON, self._films))
        wishes = [RatingWish(film, Score(self._random.randint(0, 10))) for film in films]
        # twice in one transaction: both events bear the same moment
        wishes.append(RatingWish(films[0], Score(self._random.randint(0, 10))))
        day = dt.date(2023, 1, 1) + dt.timedelta(days=self._random.randrange(300))
        watched = DiaryWish(films[-1], day, overall=None, rate=False)
        undone = self._random.random() < 0.2

        def change(session: Session) -> None:
            session.execute(sa.text("SELECT pg_current_xact_id()"))
            time.sleep(before)
            if person_rows.is_gone(session, people, person):
                raise _Undone  # as every write of the service
            self._ratings.apply(session, person, wishes)
            self._diary.apply(session, person, [watched])
            time.sleep(after)
            if undone:
                raise _Undone

        return change


class OtherPrograms:
    """Programs that open the file of a SQLite store: refused while the service lives, and quickly gone when it is dead.

    Attributes:
        outcomes: attempts by what became of them.
        faults: what must not have happened.
    """

    def __init__(self, path: Path, chooser: random.Random) -> None:
        self._path = path
        self._random = chooser
        self.outcomes: Counter[str] = Counter()
        self.faults: list[str] = []

    async def run(self, serving: asyncio.Event, enough: Callable[[], bool]) -> None:
        """Tries to write beside the service that has the file open, until there is enough."""
        while not enough():
            await serving.wait()
            let_in = await asyncio.to_thread(self._write, 0.0)
            if let_in and serving.is_set():
                self.faults.append("another program could write to the store of a service that runs")
            self.outcomes["let in as the service died" if let_in else "refused"] += 1
            await asyncio.sleep(self._random.uniform(0.5, 2.0))

    async def between(self) -> None:
        """Holds a transaction open for a moment after the service died, and goes without committing."""
        if await asyncio.to_thread(self._write, self._random.uniform(0.0, 0.5)):
            self.outcomes["open between two lives of the service"] += 1

    def _write(self, seconds: float) -> bool:
        """Returns whether it could begin to write; what it wrote is never committed."""
        with contextlib.closing(sqlite3.connect(self._path, timeout=0.05, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                phantom = (str(ULID()), PHANTOM, "nothing", dt.datetime.now(dt.UTC).isoformat(" "), b"", "")
                connection.execute(
                    "INSERT INTO outbox (event_id, type, subject, time, data, traceparent) VALUES (?, ?, ?, ?, ?, ?)",
                    phantom,
                )
            except sqlite3.OperationalError as refused:
                if "locked" not in str(refused):
                    self.faults.append(f"the store cannot be opened: {refused}")
                return False
            time.sleep(seconds)
            return True
