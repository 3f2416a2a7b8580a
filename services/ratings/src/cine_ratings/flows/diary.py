"""A person's own diary: written, changed, read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from cine.common.v1 import film_card_pb2
from cine_ratings.domain.diary import DiaryEntry, DiaryWish, edited
from cine_ratings.flows.diary_book import DiaryBook
from cine_ratings.store import Transaction, diary, turns
from cine_ratings.store.diary import DiaryFilter, Position
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import NotFound
from cinemesh.etags import check_etag
from cinemesh.projections import Films, FindCards, People

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry as its owner sees it.

    Attributes:
        entry: the entry.
        movie: the film; None while the catalogue has not told of it.
    """

    entry: DiaryEntry
    movie: film_card_pb2.FilmCard | None


Once = Callable[[Callable[[Transaction], ShownEntry]], Awaitable[T]]
"""Runs the effect of an attempt in a transaction, or finds the answer that the same attempt was given before."""


@dataclass(frozen=True, slots=True)
class DiaryPage:
    """A page of the diary; `following` is where the next one starts, None on the last."""

    entries: Sequence[ShownEntry]
    following: Position | None
    total: int


class Diary:
    """What people do with their diaries.

    Args:
        database: the store.
        book: changes entries.
        films: knows which films there are.
        people: knows who has left.
        clock: tells the time.
    """

    def __init__(
        self, database: Database, book: DiaryBook, films: Films, people: People, clock: Clock = utc_now
    ) -> None:
        self._database = database
        self._book = book
        self._films = films
        self._people = people
        self._clock = clock

    async def create(self, user_id: str, wish: DiaryWish, once: Once[T]) -> T:
        """Adds an entry.

        Args:
            user_id: whose diary it is.
            wish: what they watched.
            once: gives the first answer again to an attempt that is sent again.

        Raises:
            NotFound: there is no such film.
            Unauthenticated: the account was deleted.
            Unavailable: nobody can tell whether there is such a film.
        """

        def write(find: FindCards) -> Awaitable[T]:
            def effect(tx: Transaction) -> ShownEntry:
                cards = find(tx)
                self._people.require_present(tx, user_id)
                (entry,) = self._book.apply(tx, user_id, [wish])
                return ShownEntry(entry, cards.get(wish.movie_id))

            return once(effect)

        return await self._films.write_about([wish.movie_id], write)

    async def update(self, user_id: str, entry_id: str, changes: Mapping[str, Any], etag: str) -> ShownEntry:
        """Changes an entry.

        Args:
            user_id: who calls.
            entry_id: which.
            changes: new values of fields of `domain.diary.EDITABLE`, as the contract has them.
            etag: the one last read; empty to change whatever is there.

        Raises:
            InvalidArgument: a value cannot be kept.
            NotFound: there is no such entry, or it is somebody else's: nobody else knows of it.
            Aborted: it changed since the etag was read.
        """

        def change(tx: Transaction) -> ShownEntry:
            before = self._own(tx, user_id, entry_id, etag)
            now = self._clock()
            after = edited(before, changes, now)
            if after != before:
                after = replace(after, updated_at=now, version=before.version + 1)
                self._book.put(tx, after)
            return self._one(tx, after)

        return await self._database.write(change)

    async def following(self, after: str, limit: int) -> Sequence[DiaryEntry]:
        """Returns entries of anybody with an id above one, in the order of their ids."""
        return await self._database.read(lambda tx: diary.following(tx, after, limit))

    async def delete(self, user_id: str, entry_id: str, etag: str) -> None:
        """Takes an entry out. Raises as `update` does."""
        await self._database.write(lambda tx: self._book.remove(tx, [self._own(tx, user_id, entry_id, etag)]))

    async def list(self, wanted: DiaryFilter, limit: int, after: Position | None) -> DiaryPage:
        """Returns a page of a person's diary, latest day first."""

        def find(tx: Transaction) -> DiaryPage:
            found = diary.find(tx, wanted, limit + 1, after)
            shown = found[:limit]
            cards = self._films.cards(tx, [entry.movie_id for entry in shown])
            return DiaryPage(
                [ShownEntry(entry, cards.get(entry.movie_id)) for entry in shown],
                diary.position(shown[-1]) if len(found) > limit else None,
                diary.count(tx, wanted),
            )

        return await self._database.read(find)

    def _own(self, tx: Transaction, user_id: str, entry_id: str, etag: str) -> DiaryEntry:
        turns.take(tx, user_id)
        entry = diary.by_id(tx, entry_id)
        if entry is None or entry.user_id != user_id:
            raise NotFound("there is no such diary entry", violations=[("entry_id", "is not known")])
        check_etag(etag, entry.version, entry.entry_id, thing="the entry")
        return entry

    def _one(self, tx: Transaction, entry: DiaryEntry) -> ShownEntry:
        return ShownEntry(entry, self._films.cards(tx, [entry.movie_id]).get(entry.movie_id))
