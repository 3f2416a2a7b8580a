"""Items of a watchlist: a film that a person wants to see, or has seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cinemesh.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from cinemesh.etags import etag_of
from cinemesh.plain_text import plain_text

DEFAULT_PRIORITY = 5
MOST_ITEMS = 50_000
"""Most films on one watchlist."""
EDITABLE = ("priority", "watched", "watched_at", "notes")
"""What an update may change."""


@dataclass(frozen=True, slots=True)
class Item:
    """A film on a watchlist.

    Attributes:
        item_id: ULID.
        user_id: whose watchlist it is on.
        movie_id: the film.
        priority: 1 to 10; 10 is most.
        watched_at: when it was watched; None until then.
        notes: plain text of at most 2000 characters.
        place: see `domain.places`.
        created_at: when it was added.
        updated_at: when it last changed.
        version: grows with every change.
    """

    item_id: str
    user_id: str
    movie_id: int
    priority: int
    watched_at: dt.datetime | None
    notes: str
    place: int
    created_at: dt.datetime
    updated_at: dt.datetime
    version: int = 1

    @property
    def watched(self) -> bool:
        """Whether it was watched."""
        return self.watched_at is not None

    @property
    def etag(self) -> str:
        """Changes whenever the item does."""
        return etag_of(self.version, self.item_id)


def edited(item: Item, changes: Mapping[str, Any], now: dt.datetime) -> Item:
    """Returns the item with fields of `EDITABLE` changed.

    Args:
        item: as it is.
        changes: new values; None for a priority or a time that is emptied.
        now: when a film was watched of which nothing else is said.

    Raises:
        InvalidArgument: the notes are no plain text, or time and mark contradict each other.
    """
    values: dict[str, Any] = {}
    if "priority" in changes:
        values["priority"] = changes["priority"] or DEFAULT_PRIORITY
    if "notes" in changes:
        values["notes"] = plain_text(changes["notes"], "notes", lines=True)
    if "watched" in changes or "watched_at" in changes:
        values["watched_at"] = _watched_at(item, changes, now)
    return replace(item, **values)


def _watched_at(item: Item, changes: Mapping[str, Any], now: dt.datetime) -> dt.datetime | None:
    moment: dt.datetime | None = changes.get("watched_at")
    # a time alone says that it was watched
    watched = changes.get("watched", item.watched or moment is not None)
    if not watched:
        if moment is not None:
            raise _contradiction("must be absent where watched is false")
        return None
    if moment is not None:
        return moment
    if "watched_at" in changes and "watched" not in changes:
        raise _contradiction("can be emptied together with watched only")
    return item.watched_at or now


def _contradiction(problem: str) -> InvalidArgument:
    return InvalidArgument(f"watched_at {problem}", violations=[("watched_at", problem)])


def require_room(count: int) -> None:
    """Makes sure that a watchlist that has grown to `count` films may be so long.

    Raises:
        FailedPrecondition: it may not.
    """
    if count > MOST_ITEMS:
        raise FailedPrecondition(f"a watchlist holds {MOST_ITEMS} films at most")


def unknown_item(field: str = "item_id") -> NotFound:
    """Returns what is told of an item that does not exist, or is somebody else's."""
    return NotFound("there is no such item", violations=[(field, "is not known")])


def already_there(item_id: str, where: str) -> AlreadyExists:
    """Returns what is told of a film that is there already; names its item."""
    problem = f"is on {where} already"
    return AlreadyExists(f"the film {problem}", violations=[("movie_id", problem)], metadata={"item_id": item_id})
