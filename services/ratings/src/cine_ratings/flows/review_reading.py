"""Reviews as they are read: one, those of a film, one's own, what one said before, and all of them by other services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from cine_ratings.domain.review import Revision, Viewer
from cine_ratings.flows.shown import Showing, ShownReview, owned, seen, with_names
from cine_ratings.store import Transaction, reviews
from cine_ratings.store.reviews import OfFilm, Position
from cinemesh.db import Database
from cinemesh.projections import Films, People

T = TypeVar("T")

STREAMED: Final = 200
"""Most reviews of one message of the stream."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list.

    Attributes:
        found: what is on it.
        following: where the next one starts; None on the last.
        total: how many there are on all pages.
    """

    found: Sequence[T]
    following: Any
    total: int


class ReviewReading:
    """Gives reviews to those who may see them.

    Args:
        database: the store.
        films: knows films.
        people: knows names.
    """

    def __init__(self, database: Database, films: Films, people: People) -> None:
        self._database = database
        self._people = people
        self._showing = Showing(people, films)

    async def get(self, viewer: Viewer, review_id: str) -> ShownReview:
        """Returns one review.

        Raises:
            NotFound: there is none, or it is hidden from them.
        """

        def read(tx: Transaction) -> ShownReview:
            return self._showing.one(tx, seen(reviews.by_id(tx, review_id), viewer), viewer)

        return await with_names(self._database, self._people, read, lambda one: [one])

    async def of_film(self, wanted: OfFilm, size: int, after: Position | None) -> Page[ShownReview]:
        """Returns a page of the reviews of a film, without the film; empty where there is no such film."""

        def read(tx: Transaction) -> Page[ShownReview]:
            found = reviews.of_film(tx, wanted, size + 1, after)
            total = reviews.count_of_film(tx, wanted)
            following = reviews.position(found[size - 1], wanted.order) if len(found) > size else None
            return Page(self._showing.all(tx, found[:size], wanted.viewer, films=False), following, total)

        return await with_names(self._database, self._people, read, lambda page: page.found)

    async def of_author(
        self, viewer: Viewer, size: int, after: Position | None, *, movie_id: int = 0
    ) -> Page[ShownReview]:
        """Returns a page of what somebody wrote themselves, newest first; of one film unless `movie_id` is 0."""

        def read(tx: Transaction) -> Page[ShownReview]:
            found = reviews.of_author(tx, viewer.user_id, size + 1, after, movie_id)
            total = reviews.count_of_author(tx, viewer.user_id, movie_id)
            following = reviews.position(found[size - 1], "newest") if len(found) > size else None
            return Page(self._showing.all(tx, found[:size], viewer, films=True), following, total)

        return await self._database.read(read)

    async def history(self, viewer: Viewer, review_id: str, size: int, before: int | None) -> Page[Revision]:
        """Returns a page of what a review said before, latest first, below the number `before`.

        Raises:
            NotFound: there is no such review, or it is hidden from them.
            PermissionDenied: somebody else wrote it.
        """

        def read(tx: Transaction) -> Page[Revision]:
            owned(reviews.by_id(tx, review_id), viewer)
            found = reviews.revisions(tx, review_id, size + 1, before)
            following = found[size - 1].revision if len(found) > size else None
            return Page(found[:size], following, reviews.count_revisions(tx, review_id))

        return await self._database.read(read)

    async def some(self, viewer: Viewer, review_ids: Sequence[str]) -> tuple[list[ShownReview], list[str]]:
        """Returns the reviews that there are, in the order asked, and the ids of the others."""
        wanted = list(dict.fromkeys(review_ids))

        def read(tx: Transaction) -> tuple[list[ShownReview], list[str]]:
            found = reviews.some(tx, wanted)
            present = [found[one] for one in wanted if one in found]
            missing = [one for one in wanted if one not in found]
            return self._showing.all(tx, present, viewer, films=True), missing

        return await with_names(self._database, self._people, read, lambda both: both[0])

    async def stream(self, viewer: Viewer, after: str) -> AsyncIterator[list[ShownReview]]:
        """Yields all reviews above an id in the order of their ids, at most `STREAMED` at once, without their films."""

        def read(tx: Transaction, after: str) -> list[ShownReview]:
            return self._showing.all(tx, reviews.following(tx, after, STREAMED), viewer, films=False)

        while True:
            found = await self._database.read(lambda tx, after=after: read(tx, after))  # type: ignore[misc]
            if found:
                yield found
            if len(found) < STREAMED:
                return
            after = found[-1].review.review_id
