"""Reviews: published, edited, deleted and liked."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from ulid import ULID

from cine.ratings.v1 import events_pb2
from cine_ratings.domain.review import Review, ReviewChange, ReviewWish, Viewer, cleaned, edited, said
from cine_ratings.flows.rating_book import RatingBook
from cine_ratings.flows.shown import Showing, ShownReview, owned, seen
from cine_ratings.store import Transaction, counts, reviews, turns
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import AlreadyExists
from cinemesh.etags import check_etag
from cinemesh.outbox import Outbox
from cinemesh.projections import Films, FindCards, People

T = TypeVar("T")
Once = Callable[[Callable[[Transaction], ShownReview]], Awaitable[T]]
"""Runs the effect of an attempt in a transaction, or finds the answer that the same attempt was given before."""


class Reviews:
    """What authors and readers do with reviews.

    Args:
        database: the store.
        outbox: tells other services.
        films: knows which films exist.
        people: knows names.
        book: sets the rating that comes with a review.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        films: Films,
        people: People,
        book: RatingBook,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._films = films
        self._people = people
        self._showing = Showing(people, films)
        self._book = book
        self._clock = clock

    async def create(self, viewer: Viewer, wish: ReviewWish, once: Once[T]) -> T:
        """Publishes a review.

        Args:
            viewer: who writes.
            wish: the review, clean.
            once: gives the first answer again to an attempt that is sent again.

        Raises:
            NotFound: there is no such film.
            AlreadyExists: they have a review of it; `metadata` names it.
            Unauthenticated: their account was deleted.
            Unavailable: nobody can tell whether there is such a film.
        """
        await self._people.known([viewer.user_id])

        def write(find: FindCards) -> Awaitable[T]:
            def effect(tx: Transaction) -> ShownReview:
                find(tx)
                self._people.require_present(tx, viewer.user_id)
                turns.take(tx, viewer.user_id)
                before = reviews.of(tx, viewer.user_id, wish.movie_id)
                if before is not None:
                    raise _twice(before)
                if wish.overall is not None:
                    self._book.set_overall(tx, viewer.user_id, {wish.movie_id: wish.overall})
                return self._showing.one(tx, self._publish(tx, viewer.user_id, wish), viewer)

            return once(effect)

        return await self._films.write_about([wish.movie_id], write)

    def apply(self, tx: Transaction, user_id: str, wish: ReviewWish) -> ReviewChange:
        """Publishes a review, or edits the one there is, in the caller's transaction; for imports.

        Take the person's turn first (`store.turns`). Their rating of the film is left alone.
        """
        before = reviews.of(tx, user_id, wish.movie_id)
        if before is None:
            return ReviewChange(None, self._publish(tx, user_id, wish))
        said_now = {"title": wish.title, "text": wish.text, "contains_spoilers": wish.contains_spoilers}
        return ReviewChange(before, self._edit(tx, before, said_now))

    def undo(self, tx: Transaction, change: ReviewChange) -> bool:
        """Takes back what `apply` did, unless the review changed since. Returns whether it did."""
        now = reviews.locked(tx, change.after.review_id)
        if now is None or now.version != change.after.version:
            return False
        if change.before is None:
            self._delete(tx, now)
            return True
        before = said(change.before)
        values = {"title": before.title, "text": before.text, "contains_spoilers": before.contains_spoilers}
        self._edit(tx, now, values)
        return True

    async def update(self, viewer: Viewer, review_id: str, changes: Mapping[str, Any], etag: str) -> ShownReview:
        """Changes a review; what it said before is kept.

        Args:
            viewer: who writes.
            review_id: which.
            changes: new values of fields of `domain.review.EDITABLE`.
            etag: the one last read; empty to change whatever is there.

        Raises:
            InvalidArgument: a text cannot be kept.
            NotFound: there is no such review, or it is hidden from them.
            PermissionDenied: somebody else wrote it.
            Aborted: it changed since the etag was read.
            Unauthenticated: their account was deleted.
        """
        values = await asyncio.to_thread(cleaned, changes)

        def effect(tx: Transaction) -> ShownReview:
            self._people.require_present(tx, viewer.user_id)
            review = owned(reviews.locked(tx, review_id), viewer)
            check_etag(etag, review.version, thing="the review")
            return self._showing.one(tx, self._edit(tx, review, values), viewer)

        return await self._database.write(effect)

    async def delete(self, viewer: Viewer, review_id: str, etag: str) -> None:
        """Deletes a review with its history, likes and comments. Raises as `update` does."""

        def effect(tx: Transaction) -> None:
            self._people.require_present(tx, viewer.user_id)
            review = owned(reviews.locked(tx, review_id), viewer)
            check_etag(etag, review.version, thing="the review")
            self._delete(tx, review)

        await self._database.write(effect)

    async def like(self, viewer: Viewer, review_id: str, *, liked: bool) -> int:
        """Likes a review, or takes the like back. Returns the number of likes it has then.

        Raises:
            NotFound: there is no such review, or it is hidden from them.
            Unauthenticated: their account was deleted.
        """

        def effect(tx: Transaction) -> int:
            self._people.require_present(tx, viewer.user_id)
            review = seen(reviews.locked(tx, review_id), viewer)
            me, now = viewer.user_id, self._clock()
            changed = reviews.like(tx, review_id, me, now) if liked else reviews.unlike(tx, review_id, me)
            if not changed:
                return review.like_count
            count = review.like_count + (1 if liked else -1)
            reviews.set_counts(tx, review_id, like_count=count)
            event = events_pb2.ReviewLiked(review_id=review_id, user_id=viewer.user_id, liked=liked, like_count=count)
            self._outbox.append(tx, subject=f"reviews/{review_id}", data=event, time=now)
            return count

        return await self._database.write(effect)

    def _publish(self, tx: Transaction, user_id: str, wish: ReviewWish) -> Review:
        now = self._clock()
        review = Review(
            review_id=str(ULID()),
            user_id=user_id,
            movie_id=wish.movie_id,
            title=wish.title,
            text=wish.text,
            contains_spoilers=wish.contains_spoilers,
            created_at=wish.created_at or now,
            updated_at=wish.created_at or now,
        )
        reviews.insert(tx, review)
        counts.add_reviews(tx, {wish.movie_id: 1})
        self._tell(tx, review, now, added=True)
        # with the rating that is there
        return reviews.by_id(tx, review.review_id) or review

    def _edit(self, tx: Transaction, review: Review, values: Mapping[str, Any]) -> Review:
        now = self._clock()
        after = edited(review, values, now)
        if after is not review:
            reviews.keep_revision(tx, review.review_id, said(review))
            reviews.put(tx, after)
            self._tell(tx, after, now, added=False)
        return after

    def _delete(self, tx: Transaction, review: Review) -> None:
        reviews.delete(tx, review.review_id)
        if not review.hidden:
            counts.add_reviews(tx, {review.movie_id: -1})
        event = events_pb2.ReviewDeleted(
            review_id=review.review_id, user_id=review.user_id or "", movie_id=review.movie_id
        )
        self._outbox.append(tx, subject=f"reviews/{review.review_id}", data=event, time=self._clock())

    def _tell(self, tx: Transaction, review: Review, now: dt.datetime, *, added: bool) -> None:
        event = events_pb2.ReviewChanged(
            review_id=review.review_id,
            user_id=review.user_id or "",
            movie_id=review.movie_id,
            revision=review.revision,
            added=added,
        )
        self._outbox.append(tx, subject=f"reviews/{review.review_id}", data=event, time=now)


def _twice(before: Review) -> AlreadyExists:
    return AlreadyExists(
        "there is a review of yours of this film: change that one",
        violations=[("movie_id", "has a review of yours")],
        metadata={"review_id": before.review_id},
    )
