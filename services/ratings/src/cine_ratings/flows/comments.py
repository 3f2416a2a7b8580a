"""Comments: made, answered, edited, deleted and read in their threads."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from ulid import ULID

from cine.ratings.v1 import events_pb2
from cine_ratings.domain.comment import Comment, placed
from cine_ratings.domain.moderation import Thing
from cine_ratings.domain.review import Review, Viewer
from cine_ratings.domain.written import EMPTY, Text, written
from cine_ratings.flows.review_reading import Page
from cine_ratings.flows.shown import seen, with_names
from cine_ratings.store import Transaction, comments, moderation, reviews
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import FailedPrecondition, NotFound, PermissionDenied
from cinemesh.etags import check_etag
from cinemesh.outbox import Outbox
from cinemesh.projections import People

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShownComment:
    """A comment as somebody reads it.

    Attributes:
        comment: the comment; of one that is gone only its place is left.
        username: its author's name; empty when the account was deleted, or Identity has not told of it yet.
    """

    comment: Comment
    username: str

    @property
    def nameless(self) -> str:
        """Id of its author where the name is not known; empty otherwise."""
        return "" if self.username else self.comment.user_id or ""


Once = Callable[[Callable[[Transaction], ShownComment]], Awaitable[T]]
"""Runs the effect of an attempt in a transaction, or finds the answer that the same attempt was given before."""


class Comments:
    """What people say under reviews.

    Args:
        database: the store.
        outbox: tells other services.
        people: knows names.
        clock: tells the time.
    """

    def __init__(self, database: Database, outbox: Outbox, people: People, clock: Clock = utc_now) -> None:
        self._database = database
        self._outbox = outbox
        self._people = people
        self._clock = clock

    async def create(
        self, viewer: Viewer, review_id: str, parent_comment_id: str, body_markdown: str, once: Once[T]
    ) -> T:
        """Comments on a review, or answers a comment.

        Args:
            viewer: who writes.
            review_id: the review.
            parent_comment_id: comment to answer; empty to start a thread.
            body_markdown: the text as it was sent.
            once: gives the first answer again to an attempt that is sent again.

        Raises:
            InvalidArgument: the text cannot be kept.
            NotFound: there is no such review or comment, or it is hidden from them.
            FailedPrecondition: the comment to answer is gone.
            Unauthenticated: their account was deleted.
        """
        text = await asyncio.to_thread(written, body_markdown)
        await self._people.known([viewer.user_id])

        def effect(tx: Transaction) -> ShownComment:
            self._people.require_present(tx, viewer.user_id)
            review = seen(reviews.locked(tx, review_id), viewer)
            parent = _parent(tx, review, parent_comment_id)
            made = self._add(tx, review, parent, viewer.user_id, text)
            return self._shown(tx, [made], viewer)[0]

        return await once(effect)

    def _add(self, tx: Transaction, review: Review, parent: Comment | None, user_id: str, text: Text) -> Comment:
        now = self._clock()
        number = review.comments_made + 1
        comment = Comment(
            comment_id=str(ULID()),
            review_id=review.review_id,
            parent_comment_id=parent.comment_id if parent is not None else "",
            place=placed(number, parent.place if parent is not None else None),
            user_id=user_id,
            text=text,
            created_at=now,
            updated_at=now,
        )
        comments.insert(tx, comment)
        if parent is not None:
            comments.answered(tx, parent.comment_id, 1)
        count = review.comment_count + 1
        reviews.set_counts(tx, review.review_id, comment_count=count, comments_made=number)
        tell_of(self._outbox, tx, comment, count, now)
        return comment

    async def of_review(self, viewer: Viewer, review_id: str, size: int, after: str) -> Page[ShownComment]:
        """Returns a page of the comments on a review in reading order, above a path.

        Raises:
            NotFound: there is no such review, or it is hidden from them.
        """

        def read(tx: Transaction) -> Page[ShownComment]:
            seen(reviews.by_id(tx, review_id), viewer)
            found = comments.of_review(tx, review_id, size + 1, after)
            following = found[size - 1].place.path if len(found) > size else None
            return Page(self._shown(tx, found[:size], viewer), following, comments.count_of_review(tx, review_id))

        return await with_names(self._database, self._people, read, lambda page: page.found)

    async def update(self, viewer: Viewer, comment_id: str, body_markdown: str, etag: str) -> ShownComment:
        """Changes a comment.

        Raises:
            InvalidArgument: the text cannot be kept.
            NotFound: there is no such comment, it was deleted, or its review is hidden from them.
            PermissionDenied: somebody else wrote it.
            Aborted: it changed since the etag was read.
        """
        text = await asyncio.to_thread(written, body_markdown)

        def effect(tx: Transaction) -> ShownComment:
            self._people.require_present(tx, viewer.user_id)
            review, comment = self._owned(tx, comment_id, viewer)
            check_etag(etag, comment.version, thing="the comment")
            if comment.text.markdown == text.markdown:
                return self._shown(tx, [comment], viewer)[0]
            now = self._clock()
            after = replace(comment, text=text, updated_at=now, version=comment.version + 1)
            comments.put(tx, after)
            tell_of(self._outbox, tx, after, review.comment_count, now)
            return self._shown(tx, [after], viewer)[0]

        return await self._database.write(effect)

    async def delete(self, viewer: Viewer, comment_id: str, etag: str) -> None:
        """Deletes a comment; where it was answered, an empty one stays in its place. Raises as `update` does."""

        def effect(tx: Transaction) -> None:
            self._people.require_present(tx, viewer.user_id)
            review, comment = self._owned(tx, comment_id, viewer)
            check_etag(etag, comment.version, thing="the comment")
            now = self._clock()
            gone = replace(
                comment,
                text=EMPTY,
                deleted=True,
                hidden=False,
                hidden_reason="",
                updated_at=now,
                version=comment.version + 1,
            )
            if comment.reply_count:
                comments.put(tx, gone)
            else:
                _take_out(tx, comment)
            moderation.drop_about(tx, Thing(review.review_id, comment_id))
            count = review.comment_count - comment.shown
            reviews.set_counts(tx, review.review_id, comment_count=count)
            tell_of(self._outbox, tx, gone, count, now)

        await self._database.write(effect)

    def _owned(self, tx: Transaction, comment_id: str, viewer: Viewer) -> tuple[Review, Comment]:
        review, comment = locked(tx, comment_id, viewer)
        if not comment.is_by(viewer.user_id):
            raise PermissionDenied("only its author may do this to a comment")
        return review, comment

    def _shown(self, tx: Transaction, found: list[Comment], viewer: Viewer) -> list[ShownComment]:
        if not found:
            return []
        names = self._people.names(tx, {one.user_id for one in found if one.user_id is not None})
        return [ShownComment(one.as_shown(viewer), names.get(one.user_id or "", "")) for one in found]


def locked(tx: Transaction, comment_id: str, viewer: Viewer) -> tuple[Review, Comment]:
    """Returns a comment that was not deleted with its review; nobody else changes either before the transaction ends.

    Raises:
        NotFound: there is none, or its review is hidden from them.
    """
    found = comments.by_id(tx, comment_id)
    if found is not None:
        review = reviews.locked(tx, found.review_id)
        found = comments.by_id(tx, comment_id)  # as it is now that nobody else changes it
        if review is not None and found is not None and review.seen_by(viewer) and not found.deleted:
            return review, found
    raise NotFound("there is no such comment", violations=[("comment_id", "is not known")])


def tell_of(outbox: Outbox, tx: Transaction, comment: Comment, count: int, now: dt.datetime) -> None:
    """Tells other services that a comment was made, changed, hidden or deleted."""
    event = events_pb2.CommentChanged(
        comment_id=comment.comment_id,
        review_id=comment.review_id,
        user_id=comment.user_id or "",
        shown=comment.shown,
        comment_count=count,
    )
    outbox.append(tx, subject=f"comments/{comment.comment_id}", data=event, time=now)


def _parent(tx: Transaction, review: Review, comment_id: str) -> Comment | None:
    if not comment_id:
        return None
    parent = comments.by_id(tx, comment_id)
    if parent is None or parent.review_id != review.review_id:
        raise NotFound("there is no such comment", violations=[("parent_comment_id", "is not known")])
    if not parent.shown:
        raise FailedPrecondition(
            "the comment is gone, so that nobody can answer it any more",
            violations=[("parent_comment_id", "was deleted or hidden")],
        )
    return parent


def _take_out(tx: Transaction, comment: Comment) -> None:
    """Removes a comment that nobody answered, and above it those of which only the place was left for its sake."""
    gone: Comment | None = comment
    while gone is not None:
        comments.delete(tx, gone.comment_id)
        above = comments.answered(tx, gone.parent_comment_id, -1) if gone.parent_comment_id else None
        gone = above if above is not None and above.deleted and not above.reply_count else None
