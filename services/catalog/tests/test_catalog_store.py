"""The film store on SQLite and on PostgreSQL: the same behaviour, and the schema that the migrations make."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator

import pytest

from cine_catalog.store import FilmStore, ImportCounts
from cine_catalog.store.films import SINGLE_EVENTS_LIMIT, facts_of, film_of
from cine_catalog.store.schema import metadata
from cinemesh.db import Database, migrate, schema_drift
from cinemesh.db.mesh_tables import outbox as outbox_table
from cinemesh.outbox import Outbox

from .conftest import SMALL


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    migrate(store_url, "cine_catalog")
    async with Database(store_url) as database:
        yield database


@pytest.fixture
def store(database: Database) -> FilmStore:
    return FilmStore(database, Outbox("catalog"))


async def subjects(database: Database) -> list[str]:
    return await database.read(lambda session: [row.subject for row in session.execute(outbox_table.select())])


async def test_films_come_back_as_they_were(store: FilmStore) -> None:
    await store.take_over(SMALL, "v1")
    assert await store.all_films() == sorted(SMALL, key=lambda film: film.movie_id)
    assert await store.data_version() == "v1"


async def test_second_import_changes_only_what_differs_and_tells_of_it(store: FilmStore, database: Database) -> None:
    await store.take_over(SMALL, "v1")
    before = len(await subjects(database))
    renamed = dataclasses.replace(SMALL[0], title="Another")
    counts = await store.take_over([renamed, *SMALL[1:-1]], "v2")
    assert counts == ImportCounts(total=len(SMALL) - 1, added=0, changed=1, removed=1)
    assert (await subjects(database))[before:] == [f"movies/{SMALL[0].movie_id}", f"movies/{SMALL[-1].movie_id}"]


async def test_dry_run_counts_and_changes_nothing(store: FilmStore, database: Database) -> None:
    counts = await store.take_over(SMALL, "v1", dry_run=True)
    assert counts.added == len(SMALL)
    assert await store.all_films() == [] and await store.data_version() == "" and await subjects(database) == []


async def test_same_films_again_tell_nothing(store: FilmStore, database: Database) -> None:
    await store.take_over(SMALL, "v1")
    before = await subjects(database)
    assert (await store.take_over(SMALL, "v1 again")).touched == 0
    assert await subjects(database) == before


async def test_large_import_is_one_event(store: FilmStore, database: Database) -> None:
    many = [dataclasses.replace(SMALL[0], movie_id=number) for number in range(1, SINGLE_EVENTS_LIMIT + 2)]
    await store.take_over(many, "v1")
    assert await subjects(database) == ["catalogue"]


def test_facts_survive_json() -> None:
    assert [film_of(facts_of(film)) for film in SMALL] == list(SMALL)


def test_migrations_make_what_the_code_declares(store_url: str) -> None:
    migrate(store_url, "cine_catalog")
    assert schema_drift(store_url, metadata) == []
