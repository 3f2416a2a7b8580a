"""A service's copy of the catalogue's films: whole, current, and never the reason why somebody waits."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from cinemesh import telemetry
from cinemesh.client import close_channels
from cinemesh.db import Database, migrate, new_metadata, schema_drift
from cinemesh.errors import NotFound, Reason, Unavailable
from cinemesh.projections import Films, create_film_table, create_person_table, film_table, person_table
from cinemesh.settings import ServiceSettings
from cinemesh.testing import settings_for
from cinemesh.testing.catalogue import CatalogueStandIn, card, catalogue, film
from cinemesh.testing.ports import free_port

METADATA = new_metadata()
FILM = film_table(METADATA)
person_table(METADATA)
NOBODY = "127.0.0.1:1"
FIRST = [film(number, f"The Film {number}", year=1990 + number, genres=["Drama"]) for number in range(1, 8)]


class RatingsSettings(ServiceSettings):
    service: ClassVar[str] = "ratings"


def create_tables(url: str) -> None:
    migrate(url, None)
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        create_film_table(operations)
        create_person_table(operations)
    engine.dispose()


class Follower:
    """A service that keeps films."""

    def __init__(self, folder: Path, database: Database, address: str) -> None:
        settings = settings_for(RatingsSettings, folder, peers={"catalog": [address]})
        self.database = database
        self.films = Films("ratings", settings, database, FILM)

    async def rows(self) -> dict[int, Any]:
        found = await self.database.read(lambda session: session.execute(sa.select(FILM)).all())
        return {row.movie_id: row for row in found}

    async def titles(self) -> dict[int, str]:
        """Titles of the films that are in the catalogue."""
        return {movie_id: row.title for movie_id, row in (await self.rows()).items() if not row.gone and row.card}

    async def card(self, movie_id: int) -> Any:
        return (await self.database.read(lambda session: self.films.cards(session, [movie_id]))).get(movie_id)

    async def whole(self) -> bool:
        try:
            return "following" in await self.films.probe()
        except Unavailable:
            return False

    async def becomes(self, titles: dict[int, str]) -> None:
        async def reached() -> bool:
            return await self.titles() == titles and not any(row.wanted for row in (await self.rows()).values())

        await until(reached)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await true():  # noqa: ASYNC110 - a table does not wake anybody
            await asyncio.sleep(0.02)


def titles(*films: Any) -> dict[int, str]:
    return {one.movie_id: one.title for one in films}


@pytest.fixture
async def database(store_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    telemetry.set_up(
        settings_for(ServiceSettings, tmp_path)
    )  # tracebacks as JSON: the pretty ones take half a second each
    await asyncio.to_thread(create_tables, store_url)
    async with Database(store_url) as opened:
        yield opened
    await close_channels()


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[tuple[CatalogueStandIn, str]]:
    async with catalogue(tmp_path, FIRST) as served:
        yield served


@pytest.fixture
def app(source: tuple[CatalogueStandIn, str]) -> CatalogueStandIn:
    return source[0]


@pytest.fixture
async def follower(tmp_path: Path, database: Database, source: tuple[CatalogueStandIn, str]) -> AsyncIterator[Follower]:
    made = Follower(tmp_path, database, source[1])
    await made.films.start()
    yield made
    await made.films.stop()


async def test_the_migrated_tables_are_those_that_the_code_declares(store_url: str) -> None:
    await asyncio.to_thread(create_tables, store_url)
    assert await asyncio.to_thread(schema_drift, store_url, METADATA) == []


async def test_the_first_start_reads_everything_and_asks_no_more(follower: Follower, app: CatalogueStandIn) -> None:
    await until(follower.whole)
    assert await follower.titles() == titles(*FIRST)
    rows = await follower.rows()
    assert rows[3].sort_title == "film 3" and rows[3].year == 1993 and rows[3].genres == ["Drama"]
    assert await follower.card(3) == card(FIRST[2])
    await follower.films.require([1, 7, 7])
    with pytest.raises(NotFound) as unknown:
        await follower.films.require([8])
    assert unknown.value.reason is Reason.MOVIE_NOT_FOUND and unknown.value.violations[0][0] == "movie_id"
    with pytest.raises(NotFound) as several:
        await follower.films.require([1, 8, 2, 9], "movie_ids")
    assert [field for field, _ in several.value.violations] == ["movie_ids[1]", "movie_ids[3]"]
    assert app.asked == {"StreamMovies": 1}


async def test_cards_of_films_never_heard_of_are_missing(follower: Follower) -> None:
    await until(follower.whole)
    found = await follower.database.read(lambda session: follower.films.cards(session, [2, 99]))
    assert list(found) == [2]
    assert await follower.database.read(lambda session: follower.films.cards(session, [])) == {}


async def test_a_film_that_changes_or_comes_is_read_again(follower: Follower, app: CatalogueStandIn) -> None:
    await until(follower.whole)
    renamed, new = film(2, "Älter", alternative_titles=["Older"], imdb_id="tt0000002", tmdb_id=22), film(50, "New")
    await app.put(renamed, new)
    await follower.becomes(titles(*FIRST) | titles(renamed, new))
    row = (await follower.rows())[2]
    assert (row.sort_title, row.alternative_titles, row.imdb_id, row.tmdb_id) == ("alter", ["Older"], "tt0000002", 22)
    await follower.films.require([2, 50])
    assert app.asked["StreamMovies"] == 1


async def test_a_film_that_leaves_keeps_its_card_and_may_come_back(follower: Follower, app: CatalogueStandIn) -> None:
    await until(follower.whole)
    await app.remove(3)
    await follower.becomes(titles(*FIRST[:2], *FIRST[3:]))
    with pytest.raises(NotFound):
        await follower.films.require([3])
    assert (await follower.card(3)).title == "The Film 3"
    await app.put(FIRST[2])
    await follower.becomes(titles(*FIRST))
    await follower.films.require([3])


async def test_a_replaced_catalogue_is_read_whole(follower: Follower, app: CatalogueStandIn) -> None:
    await until(follower.whole)
    others = [film(1, "Another"), *FIRST[2:4], *(film(number, f"New {number}") for number in range(100, 110))]
    await app.replace(others, "v2")
    await follower.becomes(titles(*others))
    assert (await follower.card(7)).title == "The Film 7"
    assert app.asked["StreamMovies"] == 2 and app.asked["GetMovie"] == 0


async def test_a_change_that_a_replica_does_not_serve_yet_is_asked_for_again(
    follower: Follower, app: CatalogueStandIn
) -> None:
    await until(follower.whole)
    renamed = film(2, "Later")
    await app.announce(renamed)
    await app.announce_removal(5)
    await until(lambda: asyncio.sleep(0, app.asked["GetMovie"] >= 4))
    rows = await follower.rows()
    assert rows[2].wanted == renamed.etag and rows[5].gone and rows[5].wanted
    app.served[2] = renamed
    del app.served[5]
    await follower.becomes(_without(titles(*FIRST) | {2: "Later"}, 5))


def _without(wanted: dict[int, str], movie_id: int) -> dict[int, str]:
    return {key: value for key, value in wanted.items() if key != movie_id}


async def test_figures_that_move_without_an_announcement_hold_nothing_up(
    follower: Follower, app: CatalogueStandIn
) -> None:
    await until(follower.whole)
    renamed = film(2, "Rated since")
    await app.announce(renamed)
    app.served[2] = film(2, "Rated since", rating_count=5)
    app.served[2].etag = f"{renamed.etag}.ab12"
    await follower.becomes(titles(*FIRST) | {2: "Rated since"})
    assert (await follower.rows())[2].etag == renamed.etag and (await follower.card(2)).rating_count == 5


async def test_a_replacement_that_a_replica_does_not_serve_yet_is_asked_for_again(
    follower: Follower, app: CatalogueStandIn
) -> None:
    await until(follower.whole)
    await app.announce_replacement("v2")
    await until(lambda: asyncio.sleep(0, app.asked["StreamMovies"] >= 3))
    assert await follower.titles() == titles(*FIRST)
    app.served, app.version = {1: film(1, "Alone")}, "v2"
    await follower.becomes({1: "Alone"})


async def test_what_was_announced_long_ago_is_not_waited_for(
    follower: Follower, app: CatalogueStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    await until(follower.whole)
    monkeypatch.setattr("cinemesh.projections.film_reading.PATIENCE", dt.timedelta(seconds=0.5))
    served = film(2, "Served")
    app.served[2] = served
    await app.announce(film(2, "Announced"), film(60, "Never served"))
    await follower.becomes(titles(*FIRST) | {2: "Served"})
    app.version = "v3"
    await app.announce_replacement("v2")
    await until(lambda: asyncio.sleep(0, app.asked["StreamMovies"] >= 2))
    await until(follower.whole)


async def test_a_stop_in_the_middle_of_the_first_reading_begins_it_again(
    tmp_path: Path, database: Database, source: tuple[CatalogueStandIn, str]
) -> None:
    app, address = source
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def between() -> None:
        reached.set()
        await go_on.wait()

    app.between = between
    first = Follower(tmp_path, database, address)
    await first.films.start()
    await reached.wait()
    await until(lambda: _some(first))
    await first.films.stop()
    assert not await first.whole() and len(await first.titles()) < len(FIRST)
    go_on.set()
    second = Follower(tmp_path, database, address)
    await second.films.start()
    await second.becomes(titles(*FIRST))
    await until(second.whole)
    await second.films.stop()


async def _some(follower: Follower) -> bool:
    return len(await follower.titles()) > 0


async def test_a_restart_reads_only_what_changed_meanwhile(
    tmp_path: Path, database: Database, source: tuple[CatalogueStandIn, str]
) -> None:
    app, address = source
    first = Follower(tmp_path, database, address)
    await first.films.start()
    await until(first.whole)
    await first.films.stop()
    await app.put(film(2, "Meanwhile"))
    await app.remove(4)
    second = Follower(tmp_path, database, address)
    await second.films.start()
    await second.becomes(_without(titles(*FIRST) | {2: "Meanwhile"}, 4))
    await until(second.whole)
    await second.films.stop()
    assert app.asked["StreamMovies"] == 1


async def test_a_feed_that_no_longer_has_what_was_missed_makes_it_read_everything(
    tmp_path: Path, database: Database, source: tuple[CatalogueStandIn, str]
) -> None:
    app, address = source
    await app.announce(FIRST[0])  # so that there is a place in the feed to have lost
    first = Follower(tmp_path, database, address)
    await first.films.start()
    await until(first.whole)
    await first.films.stop()
    await app.put(film(2, "Missed"))
    await app.remove(4)
    assert await app.outbox.prune(app.database, older_than=dt.timedelta(0)) == 3
    second = Follower(tmp_path, database, address)
    await second.films.start()
    await second.becomes(_without(titles(*FIRST) | {2: "Missed"}, 4))
    await app.put(film(3, "Followed"))
    await second.becomes(_without(titles(*FIRST) | {2: "Missed", 3: "Followed"}, 4))
    await until(second.whole)
    await second.films.stop()


async def test_nobody_can_tell_while_the_catalogue_is_away_and_the_copy_is_not_whole(
    tmp_path: Path, database: Database
) -> None:
    follower = Follower(tmp_path, database, NOBODY)
    await follower.films.start()
    with pytest.raises(Unavailable):
        await follower.films.require([1])
    with pytest.raises(Unavailable):
        await follower.films.probe()
    await follower.films.stop()


async def test_the_catalogue_is_asked_while_the_copy_is_not_whole(
    tmp_path: Path, database: Database, source: tuple[CatalogueStandIn, str]
) -> None:
    app, address = source
    go_on = asyncio.Event()
    app.between = go_on.wait
    follower = Follower(tmp_path, database, address)
    await follower.films.start()
    await follower.films.require([6, 7])
    assert app.asked["BatchGetMovies"] == 1
    await follower.films.require([6, 7])
    assert app.asked["BatchGetMovies"] == 1 and await follower.card(7) == card(FIRST[6])
    with pytest.raises(NotFound):
        await follower.films.require([8])
    go_on.set()
    await follower.becomes(titles(*FIRST))
    await until(follower.whole)
    await follower.films.stop()


async def test_a_whole_copy_needs_no_catalogue(tmp_path: Path, database: Database) -> None:
    port = free_port()
    async with catalogue(tmp_path, FIRST, port=port):
        follower = Follower(tmp_path, database, f"127.0.0.1:{port}")
        await follower.films.start()
        await until(follower.whole)
    await follower.films.require([1, 2, 3])
    with pytest.raises(NotFound):
        await follower.films.require([8])
    assert (await follower.card(1)).title == "The Film 1"
    await follower.films.stop()


async def test_it_goes_on_when_the_catalogue_comes_back(tmp_path: Path, database: Database) -> None:
    port = free_port()
    follower = Follower(tmp_path, database, f"127.0.0.1:{port}")
    await follower.films.start()
    async with catalogue(tmp_path, FIRST, port=port) as (app, _):
        await until(follower.whole)
        await app.put(film(9, "Nine"))
        await follower.becomes(titles(*FIRST) | {9: "Nine"})
    async with catalogue(tmp_path, [*FIRST, film(9, "Nine")], port=port) as (app, _):
        await app.put(film(10, "Ten"))
        await follower.becomes(titles(*FIRST) | {9: "Nine", 10: "Ten"})
    await follower.films.stop()


async def test_a_film_announced_a_moment_ago_is_asked_for(follower: Follower, app: CatalogueStandIn) -> None:
    await until(follower.whole)
    new = film(70, "New")
    await app.announce(new)
    await until(lambda: _has(follower, 70))
    with pytest.raises(NotFound):
        await follower.films.require([70])
    app.served[70] = new
    await follower.films.require([70])
    assert (await follower.card(70)).title == "New"


async def _has(follower: Follower, movie_id: int) -> bool:
    return movie_id in await follower.rows()


async def test_replicas_that_share_a_store_take_turns(
    tmp_path: Path, database: Database, source: tuple[CatalogueStandIn, str]
) -> None:
    app, address = source
    replicas = [Follower(tmp_path, database, address) for _ in range(3)]
    for replica in replicas:
        await replica.films.start()
    await replicas[0].becomes(titles(*FIRST))
    expected = titles(*FIRST)
    for number in range(10):
        changed = film(number + 1, f"Version {number}")
        await app.put(changed)
        expected |= titles(changed)
    await replicas[0].becomes(expected)
    assert app.asked["StreamMovies"] == 1
    for replica in replicas:
        await replica.films.stop()
