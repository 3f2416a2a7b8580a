"""What is shown of a review beside the review: who wrote it, whether the reader likes it, and the film."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cine.common.v1 import film_card_pb2
from cine_ratings.domain.review import Review, Viewer
from cine_ratings.store import Transaction, reviews
from cinemesh.context import Principal
from cinemesh.db import Database
from cinemesh.errors import NotFound, PermissionDenied
from cinemesh.projections import Films, People

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShownReview:
    """A review as somebody reads it.

    Attributes:
        review: the review.
        username: its author's name; empty when the account was deleted, or Identity has not told of it yet.
        liked: whether the reader likes it.
        told: whether the reader may know why it was hidden.
        movie: the film; None where it is left out, or the catalogue has not told of it yet.
    """

    review: Review
    username: str
    liked: bool
    told: bool
    movie: film_card_pb2.FilmCard | None

    @property
    def nameless(self) -> str:
        """Id of its author where the name is not known; empty otherwise."""
        return "" if self.username else self.review.user_id or ""


def viewer_of(principal: Principal) -> Viewer:
    """Returns who reads: a person, an administrator, or a service, which sees everything."""
    if principal.kind == "service":
        return Viewer(sees_hidden=True)
    return Viewer(principal.user_id, principal.is_admin)


class Nameable(Protocol):
    """Something that somebody wrote; `nameless` is its author's id where the name is not known."""

    @property
    def nameless(self) -> str:
        """Id of its author where the name is not known; empty otherwise."""
        ...


async def with_names(
    database: Database, people: People, read: Callable[[Transaction], T], shown: Callable[[T], Sequence[Nameable]]
) -> T:
    """Reads what is to be shown, once more where a name is missing that Identity has.

    Args:
        database: the store.
        people: asks Identity.
        read: reads.
        shown: returns what is shown with names of what was read.
    """
    found = await database.read(read)
    nameless = {one.nameless for one in shown(found)} - {""}
    if nameless:
        await people.known(nameless)
        found = await database.read(read)
    return found


class Showing:
    """Completes reviews for their readers.

    Args:
        people: knows names.
        films: knows films.
    """

    def __init__(self, people: People, films: Films) -> None:
        self._people = people
        self._films = films

    def all(self, tx: Transaction, found: Sequence[Review], viewer: Viewer, *, films: bool) -> list[ShownReview]:
        """Returns reviews with what belongs to them, in the same order and in a statement each for all of them.

        Args:
            tx: the transaction they were read in.
            found: the reviews.
            viewer: who reads.
            films: whether to add the films.
        """
        if not found:
            return []
        names = self._people.names(tx, {one.user_id for one in found if one.user_id is not None})
        liked = reviews.liked(tx, viewer.user_id, [one.review_id for one in found])
        cards = self._films.cards(tx, {one.movie_id for one in found}) if films else {}
        return [
            ShownReview(
                one,
                names.get(one.user_id or "", ""),
                one.review_id in liked,
                viewer.sees_hidden or one.is_by(viewer.user_id),
                cards.get(one.movie_id),
            )
            for one in found
        ]

    def one(self, tx: Transaction, review: Review, viewer: Viewer) -> ShownReview:
        """Returns a review with what belongs to it, its film included."""
        return self.all(tx, [review], viewer, films=True)[0]


def seen(review: Review | None, viewer: Viewer) -> Review:
    """Returns a review that somebody may see.

    Raises:
        NotFound: there is none, or it is hidden from them: nobody can tell which.
    """
    if review is None or not review.seen_by(viewer):
        raise NotFound("there is no such review", violations=[("review_id", "is not known")])
    return review


def owned(review: Review | None, viewer: Viewer) -> Review:
    """Returns a review that somebody may change.

    Raises:
        NotFound: there is none, or it is hidden from them.
        PermissionDenied: somebody else wrote it.
    """
    found = seen(review, viewer)
    if not found.is_by(viewer.user_id):
        raise PermissionDenied("only its author may do this to a review")
    return found
