"""Names of people, as Identity tells them."""

from __future__ import annotations

from cinemesh.db import Database
from cinemesh.projections import People


class Names:
    """Finds people by name, and names by person.

    Args:
        database: the store.
        people: the copy of names.
    """

    def __init__(self, database: Database, people: People) -> None:
        self._database, self._people = database, people

    async def find(self, username: str) -> str | None:
        """Returns the id of the open account of that name, in any case; None when there is none.

        Raises:
            Unavailable: this service knows none, and Identity does not answer.
        """
        return await self._people.find(username)

    async def name_of(self, user_id: str) -> str:
        """Returns the user name of somebody; empty when it is not known."""
        await self._people.known([user_id])
        names = await self._database.read(lambda tx: self._people.names(tx, [user_id]))
        return names.get(user_id, "")
