"""The log of answers: kept without making anybody wait, found again at once."""

from __future__ import annotations

from cine_recommender.domain.impression import Impression
from cinemesh.db import Database


class Impressions:
    """Keeps what was shown to whom.

    Args:
        database: the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, impression: Impression) -> None:
        """Takes down an answer. Returns at once; under overload the answer is counted as lost instead. Call it on the event loop."""
        raise NotImplementedError

    async def find(self, user_id: str, request_id: str) -> Impression | None:
        """Returns an answer that a person got in the last 30 days, also one of a moment ago; None when there is none.

        Raises:
            Unavailable: the store does not answer.
        """
        raise NotImplementedError
