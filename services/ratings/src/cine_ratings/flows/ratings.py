"""A person's own ratings: given, taken back, listed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cine.common.v1 import film_card_pb2
from cine_ratings.domain.rating import Rating, RatingWish
from cine_ratings.flows.rating_book import RatingBook
from cine_ratings.store import Transaction, my_ratings, ratings, turns
from cine_ratings.store.my_ratings import Position, RatingFilter
from cinemesh.db import Database
from cinemesh.errors import NotFound
from cinemesh.etags import check_etag
from cinemesh.projections import Films, FindCards, People

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShownRating:
    """A rating as its owner sees it.

    Attributes:
        rating: the rating.
        movie: the film; None while the catalogue has not told of it.
    """

    rating: Rating
    movie: film_card_pb2.FilmCard | None


Once = Callable[[Callable[[Transaction], ShownRating]], Awaitable[T]]
"""Runs the effect of an attempt in a transaction, or finds the answer that the same attempt was given before."""


@dataclass(frozen=True, slots=True)
class RatingPage:
    """A page of ratings; `following` is where the next one starts, None on the last."""

    ratings: Sequence[ShownRating]
    following: Position | None
    total: int


class Ratings:
    """What people do with their ratings.

    Args:
        database: the store.
        book: changes ratings.
        films: knows which films there are.
        people: knows who has left.
    """

    def __init__(self, database: Database, book: RatingBook, films: Films, people: People) -> None:
        self._database = database
        self._book = book
        self._films = films
        self._people = people

    async def rate(self, user_id: str, wish: RatingWish, once: Once[T]) -> T:
        """Rates a film.

        Args:
            user_id: who rates.
            wish: how.
            once: gives the first answer again to an attempt that is sent again.

        Raises:
            NotFound: there is no such film.
            Aborted: the rating changed since the etag was read.
            Unauthenticated: the account was deleted.
            Unavailable: nobody can tell whether there is such a film.
        """

        def write(find: FindCards) -> Awaitable[T]:
            def effect(tx: Transaction) -> ShownRating:
                cards = find(tx)
                self._people.require_present(tx, user_id)
                (change,) = self._book.apply(tx, user_id, [wish])
                return ShownRating(change.after, cards.get(wish.movie_id))

            return once(effect)

        return await self._films.write_about([wish.movie_id], write)

    async def get(self, user_id: str, movie_id: int) -> ShownRating:
        """Returns a person's rating of a film.

        Raises:
            NotFound: they did not rate it.
        """

        def find(tx: Transaction) -> ShownRating | None:
            rating = ratings.of(tx, user_id, movie_id)
            return self._one(tx, rating) if rating is not None else None

        found = await self._database.read(find)
        if found is None:
            raise NotFound("you have not rated this film", violations=[("movie_id", "is not rated")])
        return found

    async def delete(self, user_id: str, rating_id: str, etag: str) -> None:
        """Takes a rating back.

        Raises:
            NotFound: there is no such rating, or it is somebody else's: which films others rate is their own business.
            Aborted: it changed since the etag was read.
        """

        def change(tx: Transaction) -> None:
            turns.take(tx, user_id)
            rating = ratings.by_id(tx, rating_id)
            if rating is None or rating.user_id != user_id:
                raise NotFound("there is no such rating", violations=[("rating_id", "is not known")])
            check_etag(etag, rating.version, rating.rating_id, thing="the rating")
            self._book.remove(tx, [rating])

        await self._database.write(change)

    async def list(self, wanted: RatingFilter, limit: int, after: Position | None) -> RatingPage:
        """Returns a page of a person's ratings."""

        def find(tx: Transaction) -> RatingPage:
            found = my_ratings.find(tx, wanted, limit + 1, after)
            shown = found[:limit]
            cards = self._films.cards(tx, [rating.movie_id for rating, _ in shown])
            return RatingPage(
                [ShownRating(rating, cards.get(rating.movie_id)) for rating, _ in shown],
                shown[-1][1] if len(found) > limit else None,
                my_ratings.count(tx, wanted),
            )

        return await self._database.read(find)

    async def following(self, after: str, limit: int) -> Sequence[Rating]:
        """Returns ratings of anybody with an id above one, in the order of their ids."""
        return await self._database.read(lambda tx: ratings.following(tx, after, limit))

    def _one(self, tx: Transaction, rating: Rating) -> ShownRating:
        return ShownRating(rating, self._films.cards(tx, [rating.movie_id]).get(rating.movie_id))
