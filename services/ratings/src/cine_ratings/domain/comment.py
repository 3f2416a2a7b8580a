"""Comments under reviews: where each lies in its thread, and what is left of one that is gone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

from cine_ratings.domain.review import Viewer
from cine_ratings.domain.written import EMPTY, Text
from cinemesh.etags import etag_of

DEEPEST: Final = 5
"""Depth of the lowest comments of a thread; those that answer them lie beside them."""

_DIGITS: Final = 8
PATH_LENGTH: Final = _DIGITS * (DEEPEST + 1)
"""Longest path, in characters."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a comment lies.

    Attributes:
        path: sorts comments in reading order: each thread whole, oldest first.
        depth: 0 for the first of a thread, at most `DEEPEST`.
    """

    path: str
    depth: int


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment.

    Attributes:
        comment_id: its id, a ULID.
        review_id: the review.
        parent_comment_id: the comment it answers; empty for the first of a thread.
        place: where it lies.
        user_id: its author; None when the account was deleted.
        text: what it says; empty once it is deleted.
        created_at: when it was made.
        updated_at: when it was last edited.
        reply_count: answers to it.
        deleted: whether its author deleted it.
        hidden: whether an administrator hid it.
        hidden_reason: why, in words for its author; empty unless it is hidden.
        version: grows with every change but answers.
    """

    comment_id: str
    review_id: str
    parent_comment_id: str
    place: Place
    user_id: str | None
    text: Text
    created_at: dt.datetime
    updated_at: dt.datetime
    reply_count: int = 0
    deleted: bool = False
    hidden: bool = False
    hidden_reason: str = ""
    version: int = 1

    @property
    def etag(self) -> str:
        """Changes whenever the comment does; answers do not count."""
        return etag_of(self.version)

    @property
    def shown(self) -> bool:
        """Whether its text is shown."""
        return not (self.deleted or self.hidden)

    def is_by(self, user_id: str) -> bool:
        """Whether that person wrote it."""
        return bool(user_id) and self.user_id == user_id

    def as_shown(self, viewer: Viewer) -> Comment:
        """Returns the comment as somebody reads it: of one that is gone only its place is left.

        Why it was hidden is for its author and administrators.
        """
        text = self.text if self.shown else EMPTY
        told = viewer.sees_hidden or self.is_by(viewer.user_id)
        return replace(self, text=text, hidden_reason=self.hidden_reason if told else "")


def placed(number: int, parent: Place | None) -> Place:
    """Returns where a new comment lies.

    Args:
        number: how many comments were made under the review, this one included.
        parent: place of the comment it answers; None to start a thread.

    Raises:
        ValueError: the number does not fit, or is none.
    """
    if not 0 < number < 10**_DIGITS:
        raise ValueError(f"the number of a comment is 1 to {10**_DIGITS - 1}")
    own = f"{number:0{_DIGITS}d}"
    if parent is None:
        return Place(own, 0)
    depth = min(parent.depth + 1, DEEPEST)
    return Place(parent.path[: depth * _DIGITS] + own, depth)
