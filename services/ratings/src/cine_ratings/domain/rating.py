"""A rating: five dimensions in half stars, kept as whole numbers from 0 to 10 so that nothing is ever rounded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from cinemesh.errors import Aborted, InvalidArgument
from cinemesh.etags import check_etag, etag_of

DIMENSIONS: Final = ("overall", "plot", "acting", "cinematography", "soundtrack")
"""What is rated; only the first must be."""

HALVES: Final = 11
"""Number of values a dimension may have: 0, half a star, … five stars."""


def halves_of(stars: float, field: str = "overall") -> int:
    """Returns stars, 0 to 5 in steps of one half, as half stars, 0 to 10.

    Raises:
        InvalidArgument: it is no such number.
    """
    halves = stars * 2
    if not 0 <= halves <= HALVES - 1 or halves != int(halves):
        problem = "must be 0 to 5 in steps of one half"
        raise InvalidArgument(f"{field} {problem}", violations=[(field, problem)])
    return int(halves)


def stars_of(halves: int) -> float:
    """Returns half stars, 0 to 10, as stars, 0 to 5."""
    return halves / 2


@dataclass(frozen=True, slots=True)
class Score:
    """What somebody thinks of a film, in half stars.

    Attributes:
        overall: the film as a whole, 0 to 10.
        plot: its plot, 0 to 10; None when not rated. The same goes for the others.
        acting: its acting.
        cinematography: its cinematography.
        soundtrack: its soundtrack.
    """

    overall: int
    plot: int | None = None
    acting: int | None = None
    cinematography: int | None = None
    soundtrack: int | None = None

    @property
    def values(self) -> dict[str, int | None]:
        """Half stars by dimension, in the order of `DIMENSIONS`."""
        return {name: getattr(self, name) for name in DIMENSIONS}


def score_of(stars: Mapping[str, float | None]) -> Score:
    """Returns a score for stars, 0 to 5 in halves, by dimension; None and a missing dimension are not rated.

    Raises:
        InvalidArgument: a number is no half, or `overall` is missing.
    """
    if stars.get("overall") is None:
        raise InvalidArgument("overall is required", violations=[("overall", "is required")])
    halves = {name: halves_of(value, name) for name, value in stars.items() if value is not None}
    return Score(**halves)


@dataclass(frozen=True, slots=True)
class Rating:
    """A person's rating of a film; there is at most one.

    Attributes:
        rating_id: its id, a ULID.
        user_id: whose it is.
        movie_id: the film.
        score: what they think of it.
        created_at: when the film was first rated; for an import, when it was elsewhere.
        updated_at: when the rating last changed.
        version: grows with every change, from 1.
    """

    rating_id: str
    user_id: str
    movie_id: int
    score: Score
    created_at: dt.datetime
    updated_at: dt.datetime
    version: int

    @property
    def etag(self) -> str:
        """Changes whenever the rating does; one that is given again after it was taken back has another."""
        return etag_of(self.version, self.rating_id)


@dataclass(frozen=True, slots=True)
class RatingWish:
    """How a person wants a film to be rated.

    Attributes:
        movie_id: the film.
        score: the whole rating; what it had before goes.
        rated_at: when it was rated elsewhere; None for now.
        etag: that of the rating to replace, where it must not have changed; empty for any.
    """

    movie_id: int
    score: Score
    rated_at: dt.datetime | None = None
    etag: str = ""


@dataclass(frozen=True, slots=True)
class RatingUndo:
    """What must be known to take a change back later.

    Attributes:
        rating_id: the rating.
        version: the one that the change made; any other means that somebody changed it since.
        score: what it was before; None where there was no rating.
        created_at: when the film had first been rated; None where there was no rating.
        updated_at: when that rating had last changed; None where there was no rating.
    """

    rating_id: str
    version: int
    score: Score | None = None
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class RatingChange:
    """What came of a wish.

    Attributes:
        before: the rating as it was; None for a first one.
        after: the rating as it is; the same as `before` where nothing changed.
    """

    before: Rating | None
    after: Rating

    @property
    def changed(self) -> bool:
        """Whether anything did."""
        return self.before != self.after

    @property
    def undo(self) -> RatingUndo:
        """How to take it back; of no use where nothing changed."""
        if self.before is None:
            return RatingUndo(self.after.rating_id, self.after.version)
        before = self.before
        return RatingUndo(self.after.rating_id, self.after.version, before.score, before.created_at, before.updated_at)


def rated(before: Rating | None, wish: RatingWish, *, user_id: str, rating_id: str, now: dt.datetime) -> Rating:
    """Returns a rating as a person wants it; the one there is where it says the same.

    Args:
        before: the rating there is; None for none.
        wish: what they want.
        user_id: whose it is.
        rating_id: id of a new one.
        now: the present moment.

    Raises:
        Aborted: it is not the one any more that the wish was made for.
    """
    moment = wish.rated_at or now
    if before is None:
        if wish.etag:
            raise Aborted(
                "the rating was taken back since it was read: read it again, then change it",
                violations=[("etag", "is not the current one")],
            )
        return Rating(rating_id, user_id, wish.movie_id, wish.score, moment, moment, 1)
    check_etag(wish.etag, before.version, before.rating_id, thing="the rating")
    if before.score == wish.score:
        return before
    first = min(before.created_at, moment)
    return replace(before, score=wish.score, created_at=first, updated_at=moment, version=before.version + 1)


def restored(rating: Rating, undo: RatingUndo) -> Rating | None:
    """Returns a rating as it was before a change; None where there was none."""
    if undo.score is None or undo.created_at is None or undo.updated_at is None:
        return None
    return replace(
        rating,
        score=undo.score,
        created_at=undo.created_at,
        updated_at=undo.updated_at,
        version=rating.version + 1,
    )
