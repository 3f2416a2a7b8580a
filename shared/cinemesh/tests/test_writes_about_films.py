"""Writes about films: whether they exist is found out in the write's own transaction, and asked of the catalogue outside of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import ClassVar

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cinemesh.client import close_channels
from cinemesh.db import Database, migrate, new_metadata
from cinemesh.errors import NotFound, Unavailable
from cinemesh.projections import Films, FindCards, film_table
from cinemesh.settings import ServiceSettings
from cinemesh.testing import settings_for
from cinemesh.testing.catalogue import CatalogueStandIn, catalogue, film
from cinemesh.testing.ports import free_port
from cinemesh.testing.seeds import seed_films

METADATA = new_metadata()
FILM = film_table(METADATA)
NOTE = sa.Table("note", METADATA, sa.Column("text", sa.Text, nullable=False))
HERE, ELSEWHERE, NOWHERE = 1, 2, 3


class RatingsSettings(ServiceSettings):
    service: ClassVar[str] = "ratings"


class Notes:
    """Keeps notes on films in a store whose copy of the catalogue holds one film and is not whole."""

    def __init__(self, folder: Path, database: Database, address: str) -> None:
        settings = settings_for(RatingsSettings, folder, peers={"catalog": [address]})
        self.films = Films("ratings", settings, database, FILM)
        self._database = database
        self.runs = 0

    async def take(self, *movie_ids: int) -> list[str]:
        """Takes a note of films, and returns their titles."""

        def write(find: FindCards) -> Awaitable[list[str]]:
            def change(session: Session) -> list[str]:
                self.runs += 1
                session.execute(sa.insert(NOTE).values(text=f"on {movie_ids}"))
                cards = find(session)
                return [cards[movie_id].title for movie_id in movie_ids]

            return self._database.write(change)

        return await self.films.write_about(movie_ids, write, "movie_ids")

    async def kept(self) -> list[str]:
        """Returns every note."""
        return list(await self._database.read(lambda session: session.scalars(sa.select(NOTE.c.text)).all()))


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, None)
    async with Database(store_url) as opened:
        await opened.write(lambda session: METADATA.create_all(session.connection()))
        await opened.write(lambda session: seed_films(session, FILM, [film(HERE, "Here")]))
        yield opened
    await close_channels()


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[tuple[CatalogueStandIn, str]]:
    async with catalogue(tmp_path, [film(HERE, "Here"), film(ELSEWHERE, "Elsewhere")]) as served:
        yield served


async def test_a_film_that_is_here_needs_nobody(tmp_path: Path, database: Database) -> None:
    notes = Notes(tmp_path, database, f"127.0.0.1:{free_port()}")
    assert await notes.take(HERE) == ["Here"]
    assert notes.runs == 1 and await notes.kept() == ["on (1,)"]


async def test_one_that_is_not_is_asked_for_and_has_one_effect(
    tmp_path: Path, database: Database, source: tuple[CatalogueStandIn, str]
) -> None:
    app, address = source
    notes = Notes(tmp_path, database, address)
    assert await notes.take(HERE, ELSEWHERE) == ["Here", "Elsewhere"]
    assert notes.runs == 2 and await notes.kept() == ["on (1, 2)"]
    assert app.asked["BatchGetMovies"] == 1
    assert await notes.take(ELSEWHERE) == ["Elsewhere"]
    assert notes.runs == 3 and app.asked["BatchGetMovies"] == 1, "what was told is kept"


async def test_of_one_that_is_nowhere_nothing_is_kept(
    tmp_path: Path, database: Database, source: tuple[CatalogueStandIn, str]
) -> None:
    notes = Notes(tmp_path, database, source[1])
    with pytest.raises(NotFound) as refused:
        await notes.take(HERE, NOWHERE)
    assert refused.value.violations[0][0] == "movie_ids[1]"
    assert await notes.kept() == []


async def test_nobody_can_tell_of_one_while_the_catalogue_is_away(tmp_path: Path, database: Database) -> None:
    notes = Notes(tmp_path, database, f"127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable):
        await notes.take(ELSEWHERE)
    assert await notes.kept() == []
