"""A person's year in film, and what everybody thinks of one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cine_ratings.domain.counts import FilmCounts
from cine_ratings.domain.statistics import FilmFacts, Rated, Statistics, Watching, statistics
from cine_ratings.flows.ratings import ShownRating
from cine_ratings.store import Transaction, counts, ratings
from cine_ratings.store import statistics as rows
from cinemesh.db import Database
from cinemesh.errors import Unavailable
from cinemesh.projections import Films

_MEAN_SECONDS: Final = 60.0


class MyStatistics:
    """Counts what a person watched and rated.

    Args:
        database: the store.
        films: shows films.
    """

    def __init__(self, database: Database, films: Films) -> None:
        self._database = database
        self._films = films

    async def of(self, user_id: str, year: int) -> tuple[Statistics, int, Sequence[ShownRating]]:
        """Returns a person's statistics, the number of reviews they wrote, and the films they rated highest.

        Args:
            user_id: whose.
            year: calendar year; 0 for all.
        """

        def collect(tx: Transaction) -> tuple[list[Watching], list[Rated], dict[int, FilmFacts], int]:
            written = rows.count_reviews(tx, user_id, year)
            return rows.watched_by(tx, user_id), rows.rated_by(tx, user_id), rows.films_of(tx, user_id), written

        watched, rated, films, written = await self._database.read(collect)
        # tens of milliseconds for somebody with thousands of films: neither the loop nor the store waits for that
        counted = await asyncio.to_thread(statistics, year, watched, rated, films)

        def show(tx: Transaction) -> list[ShownRating]:
            found = ratings.some(tx, counted.highest_rated)
            best = [found[rating_id] for rating_id in counted.highest_rated if rating_id in found]
            cards = self._films.cards(tx, [rating.movie_id for rating in best])
            return [ShownRating(rating, cards.get(rating.movie_id)) for rating in best]

        return counted, written, await self._database.read(show)


@dataclass(frozen=True, slots=True)
class FilmSummary:
    """What is counted of a film, and its mean drawn towards that of all films, 0 to 5."""

    counts: FilmCounts
    damped_mean: float


class FilmSummaries:
    """What everybody thinks of a film.

    The mean of all films moves slowly: it is worked out once a minute, so that a write does not have to touch what every other
    write touches.

    Args:
        database: the store.
        films: knows which films there are.
    """

    def __init__(self, database: Database, films: Films) -> None:
        self._database = database
        self._films = films
        self._mean = 0.0
        self._mean_until = 0.0

    async def of(self, movie_id: int) -> FilmSummary:
        """Returns the summary of a film.

        Raises:
            NotFound: there is no such film.
        """
        found = await self._database.read(lambda tx: counts.of_film(tx, movie_id))
        if found.empty:
            await self._require(movie_id)
        return FilmSummary(found, found.damped_mean(await self._overall_mean()))

    async def _require(self, movie_id: int) -> None:
        try:
            await self._films.require([movie_id])
        except Unavailable:
            return  # that nobody rated it is true of every film nobody knows

    async def _overall_mean(self) -> float:
        now = time.monotonic()
        if now >= self._mean_until:
            self._mean_until = now + _MEAN_SECONDS  # others go on with the last one meanwhile
            try:
                self._mean = await self._database.read(counts.overall_mean)
            except BaseException:
                self._mean_until = 0.0
                raise
        return self._mean
