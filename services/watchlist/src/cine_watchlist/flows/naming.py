"""Names in what is shown: one that is missing is asked for, and shown the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from cine_watchlist.store import Transaction
from cinemesh.db import Database
from cinemesh.projections import People

T = TypeVar("T")


class Nameable(Protocol):
    """Something to show, with names of people."""

    @property
    def nameless(self) -> set[str]:
        """Ids of people in it whose names are not known."""


async def with_names(
    database: Database,
    people: People,
    read: Callable[[Transaction], T],
    shown: Callable[[T], Iterable[Nameable]],
) -> T:
    """Reads what is to be shown, once more where a name is missing that Identity may have.

    Args:
        database: the store.
        people: asks Identity; those who left are known to have no name, and not asked for.
        read: reads.
        shown: returns what is shown with names of what was read.
    """
    found = await database.read(read)
    nameless = {user_id for one in shown(found) for user_id in one.nameless}
    if nameless:
        await people.known(nameless)
        found = await database.read(read)
    return found
