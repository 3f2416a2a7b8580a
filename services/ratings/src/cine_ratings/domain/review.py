"""Reviews: what a person writes of a film, what it may hold, and who sees it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from cine_ratings.domain.rating import halves_of
from cine_ratings.domain.written import Text, written
from cinemesh.etags import etag_of
from cinemesh.plain_text import plain_text

EDITABLE: Final = ("body_markdown", "title", "contains_spoilers")
"""Fields of a review that its author changes."""

Order = Literal["newest", "most_liked", "highest", "lowest"]
"""In which order the reviews of a film are shown."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads.

    Attributes:
        user_id: their account; empty for nobody in particular.
        sees_hidden: whether they see what is hidden from others: administrators and other services.
    """

    user_id: str = ""
    sees_hidden: bool = False


NOBODY: Final = Viewer()


@dataclass(frozen=True, slots=True)
class Review:
    """A person's review of a film; there is at most one.

    Attributes:
        review_id: its id, a ULID.
        user_id: its author; None when the account was deleted.
        movie_id: the film.
        title: headline, plain text; empty for none.
        text: what it says.
        contains_spoilers: whether it tells what one may want to find out oneself.
        like_count: people who like it.
        comment_count: comments shown under it.
        comments_made: comments that were ever made under it: the number of the last one.
        revision: number of what it says now, from 1.
        hidden: whether an administrator hid it.
        hidden_reason: why, in words for its author; empty unless it is hidden.
        created_at: when it was published; for an import, when it was elsewhere.
        updated_at: when what it says last changed.
        version: grows with every change but likes and comments.
        overall: its author's rating of the film in half stars, 0 to 10; None when there is none. Kept with the ratings.
    """

    review_id: str
    user_id: str | None
    movie_id: int
    title: str
    text: Text
    contains_spoilers: bool
    created_at: dt.datetime
    updated_at: dt.datetime
    like_count: int = 0
    comment_count: int = 0
    comments_made: int = 0
    revision: int = 1
    hidden: bool = False
    hidden_reason: str = ""
    version: int = 1
    overall: int | None = None

    @property
    def etag(self) -> str:
        """Changes whenever the review does; likes and comments do not count."""
        return etag_of(self.version)

    def is_by(self, user_id: str) -> bool:
        """Whether that person wrote it."""
        return bool(user_id) and self.user_id == user_id

    def seen_by(self, viewer: Viewer) -> bool:
        """Whether somebody sees it: hidden ones are for their author and administrators."""
        return not self.hidden or viewer.sees_hidden or self.is_by(viewer.user_id)


@dataclass(frozen=True, slots=True)
class Revision:
    """What a review once said.

    Attributes:
        revision: its number, from 1.
        title: headline then.
        text: the text then.
        contains_spoilers: whether it was marked so.
        written_at: when it was written.
    """

    revision: int
    title: str
    text: Text
    contains_spoilers: bool
    written_at: dt.datetime


@dataclass(frozen=True, slots=True)
class ReviewWish:
    """A review that somebody wants to publish, clean.

    Attributes:
        movie_id: the film.
        text: what it says.
        title: headline; empty for none.
        contains_spoilers: whether it tells too much.
        overall: rating of the film to set at the same time, in half stars; None to leave it as it is.
        created_at: when it was published elsewhere; None for now.
    """

    movie_id: int
    text: Text
    title: str = ""
    contains_spoilers: bool = False
    overall: int | None = None
    created_at: dt.datetime | None = None


def wish_of(
    movie_id: int,
    body_markdown: str,
    title: str = "",
    *,
    contains_spoilers: bool = False,
    overall: float | None = None,
    created_at: dt.datetime | None = None,
) -> ReviewWish:
    """Returns a wish, cleaned and checked. Rendering takes about a millisecond: call it off the event loop.

    Args:
        movie_id: the film.
        body_markdown: the text as it was sent.
        title: headline as it was sent.
        contains_spoilers: whether it tells too much.
        overall: rating to set in stars, 0 to 5 in halves; None for none.
        created_at: when it was published elsewhere; None for now.

    Raises:
        InvalidArgument: something cannot be kept, or nothing would be left to read.
    """
    halves = halves_of(overall) if overall is not None else None
    clean = cleaned({"title": title, "body_markdown": body_markdown})
    return ReviewWish(movie_id, clean["text"], clean["title"], contains_spoilers, halves, created_at)


def cleaned(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns new values of fields of `EDITABLE` as a review keeps them; see `wish_of`.

    Raises:
        InvalidArgument: a text cannot be kept, or nothing would be left to read.
    """
    values: dict[str, Any] = {}
    if "title" in changes:
        values["title"] = plain_text(changes["title"], "title")
    if "body_markdown" in changes:
        values["text"] = written(changes["body_markdown"])
    if "contains_spoilers" in changes:
        values["contains_spoilers"] = changes["contains_spoilers"]
    return values


def edited(review: Review, values: Mapping[str, Any], now: dt.datetime) -> Review:
    """Returns the next revision of a review with clean values; the review itself where it would say the same."""
    after = replace(review, **values)
    if _said(after) == _said(review):
        return review
    return replace(after, revision=review.revision + 1, version=review.version + 1, updated_at=now)


def _said(review: Review) -> tuple[str, str, bool]:
    # how a text is rendered may change from one release to the next, and says nothing new
    return review.title, review.text.markdown, review.contains_spoilers


@dataclass(frozen=True, slots=True)
class ReviewChange:
    """What came of a wish.

    Attributes:
        before: the review as it was; None for a new one.
        after: the review as it is; the same as `before` where nothing changed.
    """

    before: Review | None
    after: Review

    @property
    def changed(self) -> bool:
        """Whether anything did."""
        return self.before != self.after


def said(review: Review) -> Revision:
    """Returns what a review says now, as its history keeps it."""
    return Revision(review.revision, review.title, review.text, review.contains_spoilers, review.updated_at)
