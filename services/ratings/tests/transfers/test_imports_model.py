"""Imports and their undoing against what was there before, whatever was there and whatever the file says, on both stores.

Imported and undone, everything is as it was; imported twice, everything is as after the first time; what the person changes in between
stays as they left it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ulid import ULID

from cine_ratings.domain.diary import DiaryWish
from cine_ratings.domain.rating import RatingWish, Score
from cine_ratings.domain.review import wish_of
from cine_ratings.domain.transfers.job import MOST_ATTEMPTS, Import, State
from cine_ratings.domain.transfers.rows import Kind, Row
from cine_ratings.flows.diary_book import DiaryBook
from cine_ratings.flows.film_index import FilmFinder
from cine_ratings.flows.import_applying import ImportApplying
from cine_ratings.flows.import_matching import ImportMatching
from cine_ratings.flows.import_reading import Imports
from cine_ratings.flows.import_undoing import ImportUndoing
from cine_ratings.flows.import_worker import Bell, ImportWorker
from cine_ratings.flows.rating_book import RatingBook
from cine_ratings.flows.reviews import Reviews
from cine_ratings.settings import RatingsSettings
from cine_ratings.store import Transaction, import_rows, imports, review_tables, schema
from cine_ratings.store import ratings as rating_rows
from cine_ratings.store.import_tables import import_rows as row_table
from cinemesh.db import Database, mesh_tables, migrate
from cinemesh.outbox import Outbox
from cinemesh.projections import Films, People
from cinemesh.testing import settings_for
from cinemesh.testing.catalogue import film
from cinemesh.testing.seeds import seed_films

ADA = "ada"
NOW = dt.datetime(2026, 3, 14, 12, tzinfo=dt.UTC)
TITLES = {1: "The Matrix", 2: "Amélie", 3: "Rocky II"}
FILMS = st.sampled_from(sorted(TITLES))
HALVES = st.integers(0, 10)
MAYBE = st.none() | HALVES
DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 3))
WORDS = st.sampled_from(["Good.", "Bad.", "So-so."])
MOMENTS = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2025, 1, 1), timezones=st.just(dt.UTC))
TAGS = st.lists(st.sampled_from(["cinema", "home"]), unique=True, max_size=2).map(tuple)
SCORES = st.builds(Score, HALVES, MAYBE, MAYBE)
ENTRIES = st.builds(
    DiaryWish, FILMS, DAYS, rewatch=st.booleans(), overall=MAYBE, notes=st.sampled_from(["", "mine"]), tags=TAGS
)


@st.composite
def rows(draw: Any) -> Row:
    """A row of a file about one of the films."""
    kind = draw(st.sampled_from([Kind.RATING, Kind.WATCH, Kind.REVIEW]))
    movie_id = draw(FILMS)
    facts: dict[str, Any] = {"title": TITLES[movie_id], "whole": draw(st.booleans()), "at": draw(st.none() | MOMENTS)}
    if kind is Kind.RATING:
        facts |= {"overall": draw(HALVES), "plot": draw(MAYBE), "soundtrack": draw(MAYBE)}
    else:
        facts |= {"overall": draw(MAYBE), "rates": draw(st.booleans())}
    if kind is Kind.REVIEW:
        facts |= {"body": draw(WORDS), "spoilers": draw(st.booleans()), "logs": draw(st.booleans())}
    if kind is Kind.WATCH or facts.get("logs"):
        facts |= {"watched_on": draw(DAYS), "rewatch": draw(st.booleans()), "tags": draw(TAGS)}
    return Row(kind, **facts)


@dataclasses.dataclass
class Start:
    """What a person has before."""

    ratings: dict[int, Score]
    entries: list[DiaryWish]
    reviews: dict[int, str]


STARTS = st.builds(
    Start,
    st.dictionaries(FILMS, SCORES),
    st.lists(ENTRIES, max_size=4),
    st.dictionaries(FILMS, WORDS),
)


class NoWatchlist:
    async def apply(self, *_: Any) -> None:
        raise AssertionError("there is nothing for it")

    async def rollback(self, *_: Any) -> None:
        raise AssertionError("there is nothing for it")


class Room:
    """The flows of imports over a store, without a server around them."""

    def __init__(self, database: Database, folder: Path) -> None:
        settings = settings_for(
            RatingsSettings, folder, peers={"identity": ["127.0.0.1:1"], "catalog": ["127.0.0.1:1"]}
        )
        self.database = database
        outbox = Outbox("ratings")
        people = People("ratings", settings, database, schema.people, forget=lambda *_: None)
        self.films = films = Films("ratings", settings, database, schema.films)
        self.ratings = RatingBook(outbox, self.clock)
        self.diary = DiaryBook(self.ratings, outbox, self.clock)
        self.reviews = Reviews(database, outbox, films, people, self.ratings, self.clock)
        hands = (database, (self.ratings, self.diary), self.reviews, NoWatchlist(), people, outbox, self.clock)
        self.finder = FilmFinder(database, films)
        steps = {
            State.MATCHING: ImportMatching(database, self.finder, self.clock).step,
            State.APPLYING: ImportApplying(*hands).step,
            State.ROLLING_BACK: ImportUndoing(*hands).step,
        }
        self.worker = ImportWorker(database, steps, Bell(), self.clock)
        self.imports = Imports(database, films, Bell(), self.clock)
        self.seconds = 0

    def clock(self) -> dt.datetime:
        self.seconds += 1
        return NOW + dt.timedelta(seconds=self.seconds)

    async def begin(self, start: Start) -> None:
        """Empties the store and gives the person what they have."""

        def change(tx: Transaction) -> None:
            for table in reversed(schema.metadata.sorted_tables):
                tx.execute(sa.delete(table))
            tx.execute(sa.delete(mesh_tables.outbox))
            seed_films(tx, schema.films, [film(movie_id, title) for movie_id, title in TITLES.items()])
            self.ratings.apply(tx, ADA, [RatingWish(movie_id, score) for movie_id, score in start.ratings.items()])
            self.diary.apply(tx, ADA, start.entries)
            for movie_id, body in start.reviews.items():
                self.reviews.apply(tx, ADA, wish_of(movie_id, body))

        await self.database.write(change)

    async def write_down(self, found: list[Row]) -> str:
        """Writes the rows of a file down, and has them matched. Returns the import's id."""
        now = self.clock()
        made = Import(str(ULID()), ADA, "cine", "", State.MATCHING, len(found), now, now, now + dt.timedelta(days=1))

        def change(tx: Transaction) -> None:
            imports.insert(tx, made)
            import_rows.insert(tx, made.import_id, 1, found)

        await self.database.write(change)
        await self.work()
        return made.import_id

    async def upload(self, found: list[Row]) -> str:
        """Has the rows of a file matched and applied. Returns the import's id."""
        import_id = await self.write_down(found)
        await self.imports.confirm(ADA, import_id, skip_unsettled=False)
        await self.work()
        assert (await self.imports.get(ADA, import_id)).state is State.DONE
        return import_id

    async def rollback(self, import_id: str) -> None:
        await self.imports.rollback(ADA, import_id)
        await self.work()
        assert (await self.imports.get(ADA, import_id)).state is State.ROLLED_BACK

    async def work(self) -> None:
        while await self.worker.work_once():
            pass

    async def has(self) -> dict[str, Any]:
        """Returns everything a person has and everything that is counted, without versions and the times of versions."""

        def plain(tx: Transaction, table: sa.Table, *but: str) -> list[tuple[Any, ...]]:
            columns = [column for column in table.columns if column.name not in ("version", *but)]
            return sorted(map(str, tx.execute(sa.select(*columns)).tuples()))  # type: ignore[arg-type]

        def find(tx: Transaction) -> dict[str, Any]:
            counted = schema.rating_counts
            return {
                "ratings": plain(tx, schema.ratings),
                "diary": plain(tx, schema.diary),
                "reviews": plain(tx, review_tables.reviews, "revision", "updated_at"),
                "cells": sorted(tx.execute(sa.select(counted).where(counted.c.count != 0)).tuples()),
                "films": sorted(row for row in tx.execute(sa.select(schema.film_counts)).tuples() if any(row[1:])),
            }

        return await self.database.read(find)

    async def scores(self) -> dict[int, Score]:
        def find(tx: Transaction) -> dict[int, Score]:
            return {rating.movie_id: rating.score for rating in rating_rows.all_of(tx, ADA)}

        return await self.database.read(find)


@pytest.fixture
async def room(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    # a piece is a few rows: an import of a dozen is many pieces
    monkeypatch.setattr("cine_ratings.flows.import_applying._ROWS", 3)
    monkeypatch.setattr("cine_ratings.flows.import_undoing._ROWS", 2)
    monkeypatch.setattr("cine_ratings.flows.import_matching._ROWS", 4)
    monkeypatch.setattr("cine_ratings.flows.import_matching._SETTLED_ROWS", 3)
    await asyncio.to_thread(migrate, store_url, "cine_ratings")
    async with Database(store_url) as database:
        made = Room(database, tmp_path)

        async def whole() -> bool:
            return True

        monkeypatch.setattr(made.films, "whole", whole)
        yield made


def checked(room: Room, check: Any, *strategies: Any, examples: int = 40) -> Any:
    """Returns a coroutine function's runs over examples, on the loop of the test."""
    loop = asyncio.get_running_loop()

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        derandomize=True,
    )
    @given(st.tuples(*strategies))
    def run(drawn: tuple[Any, ...]) -> None:
        asyncio.run_coroutine_threadsafe(check(room, *drawn), loop).result(60)

    return asyncio.to_thread(run)


async def _comes_back(room: Room, start: Start, file: list[Row]) -> None:
    await room.begin(start)
    before = await room.has()
    import_id = await room.upload(file)
    await room.rollback(import_id)
    assert await room.has() == before


async def test_imported_and_undone_everything_is_as_it_was(room: Room) -> None:
    await checked(room, _comes_back, STARTS, st.lists(rows(), min_size=1, max_size=8))


async def _stays(room: Room, start: Start, file: list[Row]) -> None:
    await room.begin(start)
    await room.upload(file)
    after = await room.has()
    again = await room.upload(file)
    assert await room.has() == after
    matched = await room.database.read(lambda tx: import_rows.page(tx, again, "matched", 100, 0))
    assert matched == [], "a second time every row is there already"
    await room.rollback(again)
    assert await room.has() == after


async def test_imported_twice_everything_is_as_after_the_first_time(room: Room) -> None:
    await checked(room, _stays, STARTS, st.lists(rows(), min_size=1, max_size=8))


async def _is_left_alone(room: Room, start: Start, file: list[Row], since: dict[int, Score]) -> None:
    await room.begin(start)
    import_id = await room.upload(file)
    wishes = [RatingWish(movie_id, score) for movie_id, score in since.items()]
    changes = await room.database.write(lambda tx: room.ratings.apply(tx, ADA, wishes))
    changed = {change.after.movie_id for change in changes if change.changed}
    await room.rollback(import_id)
    scores = await room.scores()
    for movie_id in TITLES:
        wanted = since[movie_id] if movie_id in changed else start.ratings.get(movie_id)
        assert scores.get(movie_id) == wanted


async def test_what_was_changed_since_stays(room: Room) -> None:
    ratings = st.lists(rows().filter(lambda row: row.brings_rating), min_size=1, max_size=6)
    await checked(room, _is_left_alone, STARTS, ratings, st.dictionaries(FILMS, SCORES, min_size=1))


async def test_no_row_is_lost_on_the_way(room: Room) -> None:
    await room.begin(Start({}, [], {}))
    file = [Row(Kind.WATCH, title=TITLES[1], watched_on=dt.date(2026, 1, 1 + number)) for number in range(20)]
    import_id = await room.upload(file)
    found = await room.imports.get(ADA, import_id)
    assert (found.rows_matched, found.rows_applied) == (20, 20)
    counted = await room.database.read(
        lambda tx: tx.execute(sa.select(sa.func.count()).select_from(row_table)).scalar()
    )
    assert counted == 20


async def test_an_import_that_breaks_its_process_is_given_up_and_can_be_undone(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cine_ratings.flows.import_worker._FIRST_WAIT", 0.0)
    await room.begin(Start({}, [], {}))
    before = await room.has()
    pieces = 0
    step = room.worker._steps[State.APPLYING]

    async def breaks(found: Import, holder: str) -> None:
        nonlocal pieces
        pieces += 1
        if pieces > 2:
            raise RuntimeError("out of memory, say")
        await step(found, holder)

    monkeypatch.setitem(room.worker._steps, State.APPLYING, breaks)  # type: ignore[arg-type]
    file = [Row(Kind.WATCH, title=TITLES[1], watched_on=dt.date(2026, 1, 1 + number)) for number in range(12)]
    import_id = await room.write_down(file)
    await room.imports.confirm(ADA, import_id, skip_unsettled=False)
    await room.work()
    found = await room.imports.get(ADA, import_id)
    assert (found.state, found.rows_applied) == (State.FAILED, 6)
    assert "can be undone" in found.error and pieces == 2 + MOST_ATTEMPTS
    await room.rollback(import_id)
    assert await room.has() == before
