"""Attempts: calls that may be sent again and then give the first answer again, about films that must exist."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from cine_watchlist.store import Transaction, films
from cinemesh.db import Database
from cinemesh.idempotency import RequestIds
from cinemesh.projections import Films

A = TypeVar("A", bound=Message)
T = TypeVar("T")


class _Unheard(Exception):
    """The store's own copy of the catalogue lacks a film: somebody has to be asked before anything is written."""


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

    async def run(
        self,
        attempt: Attempt[T, A],
        effect: Callable[[Transaction], T],
        *,
        movie_ids: Collection[int] = (),
        field: str = "movie_id",
    ) -> A:
        """Runs an effect, unless this attempt had it before, and returns its answer.

        Films are looked for in the same transaction, after earlier attempts: one that is sent again is answered even when its film
        has left the catalogue since, and one whose film is here, as nearly all are, waits for nobody.

        Args:
            attempt: the call.
            effect: what it does; may be run again, as any function of `Database.write`.
            movie_ids: films that must exist.
            field: the field of the request that names them.

        Raises:
            InvalidArgument: the attempt was sent before with another body.
            NotFound: there is no such film.
            Unavailable: nobody can tell whether there is.
            CineError: what `effect` raises.
        """
        try:
            return await self._once(attempt, effect, movie_ids)
        except _Unheard:
            await self._catalogue.require(movie_ids, field)
            return await self._once(attempt, effect, ())

    async def _once(self, attempt: Attempt[T, A], effect: Callable[[Transaction], T], movie_ids: Collection[int]) -> A:
        def change(tx: Transaction) -> A:
            if movie_ids and films.known(tx, movie_ids) != set(movie_ids):
                raise _Unheard
            return attempt.encode(attempt.answer, effect(tx))

        return await self._request_ids.once(self._database, attempt.method, attempt.request, attempt.answer, change)
