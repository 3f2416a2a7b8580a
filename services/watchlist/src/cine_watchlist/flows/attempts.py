"""Attempts: calls that may be sent again and then give the first answer again, about films that must exist."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from cine_watchlist.store import Transaction
from cinemesh.db import Database
from cinemesh.idempotency import RequestIds
from cinemesh.projections import Cards, Films, FindCards

A = TypeVar("A", bound=Message)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T, A]):
    """A call that may be sent again.

    Attributes:
        method: its name.
        request: what was sent; its `request_id` names the attempt, when it is not empty.
        answer: class of the answer.
        encode: makes an answer of its class of what came of it.
    """

    method: str
    request: Message
    answer: type[A]
    encode: Callable[[type[A], T], A]


class Attempts:
    """Runs effects once a request id, in one write transaction each.

    Args:
        database: the store of the effects.
        request_ids: keeps their answers.
        catalogue: which films there are.
    """

    def __init__(self, database: Database, request_ids: RequestIds, catalogue: Films) -> None:
        self._database = database
        self._request_ids = request_ids
        self._catalogue = catalogue

    async def run(self, attempt: Attempt[T, A], effect: Callable[[Transaction], T]) -> A:
        """Runs an effect, unless this attempt had it before, and returns its answer.

        Args:
            attempt: the call.
            effect: what it does; may be run again, as any function of `Database.write`.

        Raises:
            InvalidArgument: the attempt was sent before with another body.
            CineError: what `effect` raises.
        """

        def change(tx: Transaction) -> A:
            return attempt.encode(attempt.answer, effect(tx))

        return await self._request_ids.once(self._database, attempt.method, attempt.request, attempt.answer, change)

    async def run_about(
        self,
        attempt: Attempt[T, A],
        movie_ids: Collection[int],
        effect: Callable[[Transaction, Cards], T],
        field: str = "movie_id",
    ) -> A:
        """Runs an effect about films that must exist, as `run` and `Films.write_about` do.

        Args:
            attempt: the call.
            movie_ids: the films.
            effect: what it does, given the cards of the films.
            field: the field of the request that names them.

        Raises:
            InvalidArgument: the attempt was sent before with another body.
            NotFound: there is no such film.
            Unavailable: nobody can tell whether there is.
            CineError: what `effect` raises.
        """

        def write(find: FindCards) -> Awaitable[A]:
            return self.run(attempt, lambda tx: effect(tx, find(tx)))

        return await self._catalogue.write_about(movie_ids, write, field)
