"""Exports: a person's ratings, diary and reviews as one file, a page at a time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeVar

from cine_ratings.domain.diary import DiaryEntry
from cine_ratings.domain.rating import Rating
from cine_ratings.domain.review import Review
from cine_ratings.domain.transfers import for_letterboxd, own
from cine_ratings.domain.transfers.own import FilmFacts
from cine_ratings.store import Transaction, held
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database

T = TypeVar("T", Rating, DiaryEntry, Review)
Page = tuple[list[T], dict[int, FilmFacts]]
_PAGE: Final = 500
_PIECE_BYTES: Final = 64 * 1024
CONTENT_TYPES: Final = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "letterboxd": "text/csv; charset=utf-8",
}


class HistoryExport:
    """Writes the file.

    Args:
        database: the store.
        clock: tells the time.
    """

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def write(self, user_id: str, form: str) -> AsyncIterator[bytes]:
        """Yields a person's history in pieces of about 64 KiB.

        Args:
            user_id: whose.
            form: "json", "csv" or "letterboxd".
        """
        lines = {"json": self._json, "csv": self._csv, "letterboxd": self._letterboxd}[form](user_id)
        waiting = bytearray()
        async for line in lines:
            waiting += line.encode()
            if len(waiting) >= _PIECE_BYTES:
                yield bytes(waiting)
                waiting.clear()
        if waiting:
            yield bytes(waiting)

    async def _json(self, user_id: str) -> AsyncIterator[str]:
        head, openings, end = own.json_pieces(self._clock())
        yield head
        sections: dict[str, AsyncIterator[dict[str, Any]]] = {
            "ratings": self._documents(self._ratings(user_id), own.rating_document),
            "diary": self._documents(self._entries(user_id), own.diary_document),
            "reviews": self._documents(self._reviews(user_id), own.review_document),
        }
        for name, documents in sections.items():
            yield openings[name]
            separator = "\n  "
            async for document in documents:
                yield separator + json.dumps(document, ensure_ascii=False)
                separator = ",\n  "
            yield "\n ]"
        yield end

    async def _documents(
        self, pages: AsyncIterator[Page[T]], describe: Callable[[T, FilmFacts], dict[str, Any]]
    ) -> AsyncIterator[dict[str, Any]]:
        async for things, films in pages:
            for thing in things:
                yield describe(thing, _facts(films, thing.movie_id))

    async def _csv(self, user_id: str) -> AsyncIterator[str]:
        yield own.csv_line(own.COLUMNS)
        async for rated, films in self._ratings(user_id):
            for rating in rated:
                yield own.csv_line(own.table_row(rating, _facts(films, rating.movie_id)))
        async for entries, films in self._entries(user_id):
            for entry in entries:
                yield own.csv_line(own.table_row(entry, _facts(films, entry.movie_id)))

    async def _letterboxd(self, user_id: str) -> AsyncIterator[str]:
        """A row a watching, one a review, and one a rating of a film without a review: Letterboxd puts together what is of one film."""
        yield own.csv_line(for_letterboxd.COLUMNS)
        async for entries, films in self._entries(user_id):
            for entry in entries:
                yield own.csv_line(for_letterboxd.watching(entry, _facts(films, entry.movie_id)))
        reviewed: set[int] = set()
        async for written, films in self._reviews(user_id):
            for review in written:
                reviewed.add(review.movie_id)
                yield own.csv_line(for_letterboxd.review(review, _facts(films, review.movie_id)))
        async for rated, films in self._ratings(user_id):
            for rating in rated:
                if rating.movie_id not in reviewed:
                    yield own.csv_line(for_letterboxd.rating(rating, _facts(films, rating.movie_id)))

    async def _ratings(self, user_id: str) -> AsyncIterator[Page[Rating]]:
        last = 0
        while True:
            page, films = await self._read(lambda tx, last=last: held.ratings_after(tx, user_id, last, _PAGE))  # type: ignore[misc]
            yield page, films
            if len(page) < _PAGE:
                return
            last = page[-1].movie_id

    async def _entries(self, user_id: str) -> AsyncIterator[Page[DiaryEntry]]:
        place: held.DiaryPlace | None = None
        while True:
            page, films = await self._read(lambda tx, place=place: held.diary_after(tx, user_id, place, _PAGE))  # type: ignore[misc]
            yield page, films
            if len(page) < _PAGE:
                return
            place = (page[-1].watched_on, page[-1].movie_id, page[-1].entry_id)

    async def _reviews(self, user_id: str) -> AsyncIterator[Page[Review]]:
        last = 0
        while True:
            page, films = await self._read(lambda tx, last=last: held.reviews_after(tx, user_id, last, _PAGE))  # type: ignore[misc]
            yield page, films
            if len(page) < _PAGE:
                return
            last = page[-1].movie_id

    async def _read(self, find: Callable[[Transaction], list[T]]) -> Page[T]:
        def both(tx: Transaction) -> Page[T]:
            things = find(tx)
            return things, held.facts_of(tx, [thing.movie_id for thing in things])

        return await self._database.read(both)


def _facts(films: dict[int, FilmFacts], movie_id: int) -> FilmFacts:
    return films.get(movie_id) or FilmFacts(movie_id)
