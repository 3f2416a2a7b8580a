"""Attempts with a name: sent again, they give the first answer again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.protobuf.message import Message

from cine_ratings.store import Transaction
from cinemesh.db import Database
from cinemesh.idempotency import RequestIds

A = TypeVar("A", bound=Message)
T = TypeVar("T")


class Attempts:
    """Runs effects once a request id.

    Args:
        database: the store of the effects.
        request_ids: keeps their answers.
    """

    def __init__(self, database: Database, request_ids: RequestIds) -> None:
        self._database = database
        self._request_ids = request_ids

    def of(
        self, method: str, request: Message, answer: type[A], encode: Callable[[type[A], T], A]
    ) -> Callable[[Callable[[Transaction], T]], Awaitable[A]]:
        """Returns what runs the effect of a request, or finds the answer that it was given before.

        Args:
            method: name of the method.
            request: what was sent; it has a `request_id`, which may be empty.
            answer: class of the answer.
            encode: makes an answer of what the effect returns.
        """

        async def once(effect: Callable[[Transaction], T]) -> A:
            return await self._request_ids.once(
                self._database, method, request, answer, lambda tx: encode(answer, effect(tx))
            )

        return once
