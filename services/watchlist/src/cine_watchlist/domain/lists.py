"""Lists that people make, alone or together: what is on them, who works on them, what is said about them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cine_watchlist.domain.access import Role, Visibility
from cinemesh.errors import FailedPrecondition, InvalidArgument
from cinemesh.etags import etag_of
from cinemesh.plain_text import plain_text

EDITABLE = ("name", "description", "visibility", "ranked", "comments_enabled")
"""What an update may change."""
LINK = "list"
"""Kind of the links that show a list."""
INVITATION_LIFETIME = dt.timedelta(days=30)
MOST_LISTS = 1_000
"""Lists one person may own."""
MOST_FILMS = 10_000
"""Films one list may hold."""
MOST_MEMBERS = 100
"""People with a role in one list, its owner included."""
MOST_INVITATIONS = 100
"""Invitations of one list that may wait for an answer."""
MOST_COMMENTS = 10_000
"""Comments on one list."""


@dataclass(frozen=True, slots=True)
class MovieList:
    """A list.

    Attributes:
        list_id: ULID.
        owner_id: who owns it.
        name: 1 to 100 characters.
        description: plain text of at most 2000 characters.
        visibility: who may see it.
        ranked: whether its order says which film is better.
        comments_enabled: whether those who see it may comment.
        item_count: number of films.
        share_seed: what its link is made from; empty without one.
        share_digest: what is kept of its link; None without one.
        spreads: how often its films got new places.
        created_at: when it was made.
        updated_at: when it or its films last changed.
        version: grows with every change of the list's own fields.
    """

    list_id: str
    owner_id: str
    name: str
    description: str
    visibility: Visibility
    ranked: bool
    comments_enabled: bool
    created_at: dt.datetime
    updated_at: dt.datetime
    item_count: int = 0
    share_seed: str = field(default="", repr=False)
    share_digest: str | None = field(default=None, repr=False)
    spreads: int = 0
    version: int = 1

    @property
    def etag(self) -> str:
        """Changes whenever the list's own fields do."""
        return etag_of(self.version, self.list_id)


@dataclass(frozen=True, slots=True)
class ListItem:
    """A film on a list.

    Attributes:
        item_id: ULID.
        list_id: the list.
        movie_id: the film.
        notes: shown with it, plain text of at most 2000 characters.
        added_by: account that added it; empty when it was deleted.
        place: see `domain.places`.
        created_at: when it was added.
        version: grows with every change of its notes or place.
    """

    item_id: str
    list_id: str
    movie_id: int
    notes: str
    added_by: str
    place: int
    created_at: dt.datetime
    version: int = 1

    @property
    def etag(self) -> str:
        """Changes whenever the item does."""
        return etag_of(self.version, self.item_id)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a role in a list.

    Attributes:
        user_id: the account.
        role: theirs.
        joined_at: since when.
    """

    user_id: str
    role: Role
    joined_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation to a list.

    Attributes:
        invitation_id: ULID.
        list_id: the list.
        user_id: who is invited; None where nobody had that name: it looks like any other to who sent it.
        username: as the owner wrote it.
        role: role offered.
        invited_by: who invites.
        created_at: when it was sent, or sent again.
        expires_at: when it lapses.
    """

    invitation_id: str
    list_id: str
    user_id: str | None
    username: str
    role: Role
    invited_by: str
    created_at: dt.datetime
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a list.

    Attributes:
        comment_id: ULID.
        list_id: the list.
        user_id: who wrote it; empty when the account was deleted.
        body_markdown: as written.
        body_html: to show, sanitised.
        created_at: when.
    """

    comment_id: str
    list_id: str
    user_id: str
    body_markdown: str
    body_html: str
    created_at: dt.datetime


def edited(old: MovieList, changes: Mapping[str, Any]) -> MovieList:
    """Returns the list with fields of `EDITABLE` changed, cleaned and checked. A list that turns private loses its link.

    Raises:
        InvalidArgument: a text is no plain text, or the name would be empty.
    """
    values: dict[str, Any] = {name: value for name, value in changes.items() if name in ("ranked", "comments_enabled")}
    if "name" in changes:
        values["name"] = list_name(changes["name"])
    if "description" in changes:
        values["description"] = plain_text(changes["description"], "description", lines=True)
    if "visibility" in changes:
        values["visibility"] = Visibility(changes["visibility"] or Visibility.PRIVATE)
        if values["visibility"] is Visibility.PRIVATE:
            # one day it may be shown again, and then not to whoever once had the link
            values |= {"share_seed": "", "share_digest": None}
    return replace(old, **values)


def list_name(text: str, field_name: str = "name") -> str:
    """Returns the name of a list, cleaned.

    Raises:
        InvalidArgument: it is empty, or no plain text of one line.
    """
    name = plain_text(text, field_name)
    if not name:
        raise InvalidArgument(f"{field_name} must not be empty", violations=[(field_name, "must not be empty")])
    return name


def require_room(count: int, most: int, what: str) -> None:
    """Makes sure that something that has grown to `count` may be so large.

    Args:
        count: how many there would be.
        most: how many there may be.
        what: what they are, such as "a list holds {} films at most".

    Raises:
        FailedPrecondition: there would be too many.
    """
    if count > most:
        raise FailedPrecondition(what.format(most))
