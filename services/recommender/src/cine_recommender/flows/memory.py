"""What the recommender remembers of people, ready for the next answer."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from cine_recommender.domain.known import Known
from cine_recommender.store import Transaction
from cinemesh.db import Database

MOST_PEOPLE: Final = 10_000


class Memory:
    """Tells what is known of a person, with everything they said here before.

    Args:
        database: the store.
        most: people kept at hand; who was asked about longest ago goes first.
    """

    def __init__(self, database: Database, most: int = MOST_PEOPLE) -> None:
        self._database = database
        self._most = most

    async def of(self, user_id: str) -> Known:
        """Returns what is known of a person; an empty `Known` of version 0 for one who did nothing yet.

        Raises:
            Unavailable: the store does not answer.
        """
        raise NotImplementedError

    def changed(self, tx: Transaction, user_ids: Collection[str]) -> None:
        """Notes in the transaction of a change that what is known of people is not what it was."""
        raise NotImplementedError
