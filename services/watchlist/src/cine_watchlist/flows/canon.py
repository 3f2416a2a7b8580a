"""Lists that everyone knows, and what somebody has seen of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from cine.common.v1.film_card_pb2 import FilmCard
from cine_watchlist.domain.canon import CanonEntry, CanonList, resolve
from cine_watchlist.store import Transaction, canon_films, seen
from cinemesh.db import Database
from cinemesh.errors import NotFound
from cinemesh.projections import Films
from cinemesh.projections.titles import sort_title

_FRESH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands with a list.

    Attributes:
        canon: the list.
        present: number of its films in the catalogue.
        absent: number of those that the catalogue lacks.
        seen: number of films the person has seen.
    """

    canon: CanonList
    present: int
    absent: int
    seen: int


@dataclass(frozen=True, slots=True)
class CanonFilm:
    """A film on a list.

    Attributes:
        entry: what the list says of it.
        movie_id: the film; 0 when the catalogue lacks it.
        seen: whether the person has seen it.
        card: the film; None while the catalogue has not told of it.
    """

    entry: CanonEntry
    movie_id: int
    seen: bool
    card: FilmCard | None


class Canon:
    """Shows the lists. Which films they mean is looked up in the catalogue's copy, at most once a minute.

    Args:
        database: the store.
        films: gives film cards.
        lists: the lists, in the order to show them.
        fresh_seconds: how long what was looked up holds.
    """

    def __init__(
        self, database: Database, films: Films, lists: Sequence[CanonList], fresh_seconds: float = _FRESH_SECONDS
    ) -> None:
        self._database = database
        self._films = films
        self._lists = {canon.canon_id: canon for canon in lists}
        self._fresh_seconds = fresh_seconds
        self._keys = {entry: [sort_title(title) for title in entry.titles] for one in lists for entry in one.entries}
        self._resolved: tuple[float, dict[str, tuple[int, ...]]] = (-float("inf"), {})

    async def standings(self, user_id: str) -> list[Standing]:
        """Returns all lists.

        Args:
            user_id: whose views are counted; empty for nobody's.
        """

        def read(tx: Transaction) -> list[Standing]:
            films = self._resolve(tx)
            known = {movie_id for ids in films.values() for movie_id in ids if movie_id}
            done = seen.seen_among(tx, user_id, known)
            return [_standing(canon, films[canon_id], done) for canon_id, canon in self._lists.items()]

        return await self._database.read(read)

    async def page(
        self, user_id: str, canon_id: str, start: int, limit: int
    ) -> tuple[Standing, Sequence[CanonFilm], int | None]:
        """Returns a list, some of its films, and where the next page starts (None on the last).

        Args:
            user_id: whose views are counted; empty for nobody's.
            canon_id: which list.
            start: films to pass over.
            limit: most films.

        Raises:
            NotFound: there is no such list.
        """
        canon = self._lists.get(canon_id)
        if canon is None:
            raise NotFound("there is no list of this name", violations=[("canon_id", "is not known")])

        def read(tx: Transaction) -> tuple[Standing, Sequence[CanonFilm]]:
            ids = self._resolve(tx)[canon_id]
            done = seen.seen_among(tx, user_id, {movie_id for movie_id in ids if movie_id})
            shown = range(start, min(start + limit, len(ids)))
            cards = self._films.cards(tx, {ids[place] for place in shown} - {0})
            films = [
                CanonFilm(canon.entries[place], ids[place], ids[place] in done, cards.get(ids[place]))
                for place in shown
            ]
            return _standing(canon, ids, done), films

        standing, films = await self._database.read(read)
        following = start + limit
        return standing, films, following if following < len(canon.entries) else None

    def _resolve(self, tx: Transaction) -> dict[str, tuple[int, ...]]:
        """Returns the film of each entry by list, 0 for none. Threads that come at once may both look, and find the same."""
        since, films = self._resolved
        now = time.monotonic()
        if now - since < self._fresh_seconds:
            return films
        found = canon_films.namesakes(tx, {key for keys in self._keys.values() for key in keys})
        films = {
            canon_id: tuple(
                resolve(entry, [film for key in self._keys[entry] for film in found.get(key, ())])
                for entry in canon.entries
            )
            for canon_id, canon in self._lists.items()
        }
        self._resolved = now, films
        return films


def _standing(canon: CanonList, movie_ids: Sequence[int], done: set[int]) -> Standing:
    present = [movie_id for movie_id in movie_ids if movie_id]
    return Standing(canon, len(present), len(movie_ids) - len(present), sum(one in done for one in present))
