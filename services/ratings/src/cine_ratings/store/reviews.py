"""Reviews in the store, their likes and what they said before."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_ratings.domain.review import NOBODY, Order, Review, Revision, Viewer
from cine_ratings.domain.written import Text
from cine_ratings.store.review_tables import review_likes, review_revisions, reviews
from cine_ratings.store.schema import ratings
from cinemesh.db import upsert

Position = list[Any]
"""Where a page starts: the keys of the last row of the page before."""

_UNRATED_LAST = (-1, 11)
"""What stands for no rating where the highest, or the lowest, come first."""

_WITH_RATING = reviews.outerjoin(
    ratings, sa.and_(ratings.c.user_id == reviews.c.user_id, ratings.c.movie_id == reviews.c.movie_id)
)
_READ = sa.select(reviews, ratings.c.overall).select_from(_WITH_RATING)


@dataclass(frozen=True, slots=True)
class OfFilm:
    """Which reviews of a film, and how.

    Attributes:
        movie_id: the film.
        order: which come first.
        hide_spoilers: whether to leave out those that tell too much.
        viewer: who reads.
    """

    movie_id: int
    order: Order = "newest"
    hide_spoilers: bool = False
    viewer: Viewer = NOBODY


def insert(tx: Session, review: Review) -> None:
    """Adds a review.

    Raises:
        ConstraintViolated: its author has one of that film already.
    """
    tx.execute(sa.insert(reviews), _row(review))


def by_id(tx: Session, review_id: str) -> Review | None:
    """Returns a review; None when there is none."""
    return _one(tx, _READ.where(reviews.c.review_id == review_id))


def locked(tx: Session, review_id: str) -> Review | None:
    """Returns a review that nobody else changes before the transaction ends, nor anything under it; None when there is none.

    Every change of a review, its likes, comments and reports starts here, so that two of them never wait for each other in a circle.
    """
    return _one(tx, _READ.where(reviews.c.review_id == review_id).with_for_update(of=reviews))


def of(tx: Session, user_id: str, movie_id: int) -> Review | None:
    """Returns somebody's review of a film, locked; None when there is none."""
    mine = sa.and_(reviews.c.user_id == user_id, reviews.c.movie_id == movie_id)
    return _one(tx, _READ.where(mine).with_for_update(of=reviews))


def some(tx: Session, review_ids: Iterable[str]) -> dict[str, Review]:
    """Returns reviews by id; those that do not exist are missing."""
    found = _all(tx, _READ.where(reviews.c.review_id.in_(sorted(set(review_ids)))))
    return {review.review_id: review for review in found}


def following(tx: Session, after: str, limit: int) -> list[Review]:
    """Returns at most `limit` reviews with an id above one, in the order of their ids."""
    return _all(tx, _READ.where(reviews.c.review_id > after).order_by(reviews.c.review_id).limit(limit))


def of_film(tx: Session, wanted: OfFilm, limit: int, after: Position | None) -> list[Review]:
    """Returns at most `limit` reviews of a film that follow a position."""
    key, ascending = _key(wanted.order), wanted.order == "lowest"
    # what is sorted is narrow; texts are read of those alone that are shown
    query = sa.select(reviews.c.review_id).select_from(_WITH_RATING).where(*_matching(wanted))
    if after is not None:
        value = dt.datetime.fromisoformat(after[0]) if wanted.order == "newest" else int(after[0])
        tie = str(after[1])
        later = sa.or_(key > value, sa.and_(key == value, reviews.c.review_id < tie))
        query = query.where(later if ascending else _before(key, value, tie))
    order = (key.asc() if ascending else key.desc(), reviews.c.review_id.desc())
    ids = tx.execute(query.order_by(*order).limit(limit)).scalars().all()
    found = some(tx, ids)
    return [found[review_id] for review_id in ids]


def position(review: Review, order: Order) -> Position:
    """Returns the place of a review in an order."""
    if order == "newest":
        return [review.created_at.isoformat(), review.review_id]
    if order == "most_liked":
        return [review.like_count, review.review_id]
    unrated = _UNRATED_LAST[order == "lowest"]
    return [unrated if review.overall is None else review.overall, review.review_id]


def count_of_film(tx: Session, wanted: OfFilm) -> int:
    """Returns how many reviews of a film match."""
    # two counts that an index answers alone; together they would read every row
    of_it = _of_it(wanted)
    shown = _count(tx, reviews, *of_it, reviews.c.hidden.is_(False))
    if wanted.viewer.sees_hidden:
        return shown + _count(tx, reviews, *of_it, reviews.c.hidden.is_(True))
    mine = (reviews.c.user_id == wanted.viewer.user_id, reviews.c.hidden.is_(True))
    return shown + (_count(tx, reviews, *of_it, *mine) if wanted.viewer.user_id else 0)


def of_author(tx: Session, user_id: str, limit: int, after: Position | None, movie_id: int = 0) -> list[Review]:
    """Returns at most `limit` reviews somebody wrote that follow a position, newest first; of one film unless that is 0."""
    query = _READ.where(*_by(user_id, movie_id))
    if after is not None:
        query = query.where(_before(reviews.c.created_at, dt.datetime.fromisoformat(after[0]), str(after[1])))
    return _all(tx, query.order_by(reviews.c.created_at.desc(), reviews.c.review_id.desc()).limit(limit))


def count_of_author(tx: Session, user_id: str, movie_id: int = 0) -> int:
    """Returns how many reviews somebody wrote, of one film unless that is 0."""
    return _count(tx, reviews, *_by(user_id, movie_id))


def put(tx: Session, review: Review) -> None:
    """Keeps a review as it is now. Lock it first."""
    row = _row(review)
    tx.execute(sa.update(reviews).where(reviews.c.review_id == row.pop("review_id")).values(**row))


def set_counts(tx: Session, review_id: str, **counts: int) -> None:
    """Sets `like_count`, `comment_count` or `comments_made` of a review. Lock it first."""
    tx.execute(sa.update(reviews).where(reviews.c.review_id == review_id).values(**counts))


def delete(tx: Session, review_id: str) -> None:
    """Removes a review with its history, likes, comments and reports."""
    tx.execute(sa.delete(reviews).where(reviews.c.review_id == review_id))


def keep_revision(tx: Session, review_id: str, revision: Revision) -> None:
    """Adds what a review said to its history."""
    row = {
        "review_id": review_id,
        "revision": revision.revision,
        "title": revision.title,
        "body_markdown": revision.text.markdown,
        "body_html": revision.text.html,
        "contains_spoilers": revision.contains_spoilers,
        "written_at": revision.written_at,
    }
    tx.execute(sa.insert(review_revisions), row)


def revisions(tx: Session, review_id: str, limit: int, before: int | None) -> list[Revision]:
    """Returns at most `limit` of what a review said before, latest first, below the number `before`."""
    query = sa.select(review_revisions).where(review_revisions.c.review_id == review_id)
    if before is not None:
        query = query.where(review_revisions.c.revision < before)
    rows = tx.execute(query.order_by(review_revisions.c.revision.desc()).limit(limit)).mappings()
    return [
        Revision(row["revision"], row["title"], _text(row), row["contains_spoilers"], row["written_at"]) for row in rows
    ]


def count_revisions(tx: Session, review_id: str) -> int:
    """Returns how many things a review said before."""
    return _count(tx, review_revisions, review_revisions.c.review_id == review_id)


def like(tx: Session, review_id: str, user_id: str, now: dt.datetime) -> bool:
    """Notes that somebody likes a review. Returns whether they did not before. Lock the review first."""
    if liked(tx, user_id, [review_id]):
        return False
    upsert(
        tx,
        review_likes,
        [{"review_id": review_id, "user_id": user_id, "liked_at": now}],
        key=["review_id", "user_id"],
        update=[],
    )
    return True


def unlike(tx: Session, review_id: str, user_id: str) -> bool:
    """Takes a like back. Returns whether there was one."""
    mine = sa.and_(review_likes.c.review_id == review_id, review_likes.c.user_id == user_id)
    return tx.execute(sa.delete(review_likes).where(mine).returning(review_likes.c.review_id)).first() is not None


def liked(tx: Session, user_id: str, review_ids: Collection[str]) -> frozenset[str]:
    """Returns which of these reviews somebody likes."""
    if not user_id or not review_ids:
        return frozenset()
    mine = sa.and_(review_likes.c.user_id == user_id, review_likes.c.review_id.in_(review_ids))
    return frozenset(tx.execute(sa.select(review_likes.c.review_id).where(mine)).scalars())


def _by(user_id: str, movie_id: int) -> list[sa.ColumnElement[bool]]:
    by: list[sa.ColumnElement[bool]] = [reviews.c.user_id == user_id]
    return [*by, reviews.c.movie_id == movie_id] if movie_id else by


def _of_it(wanted: OfFilm) -> list[sa.ColumnElement[bool]]:
    of_it: list[sa.ColumnElement[bool]] = [reviews.c.movie_id == wanted.movie_id]
    return [*of_it, reviews.c.contains_spoilers.is_(False)] if wanted.hide_spoilers else of_it


def _matching(wanted: OfFilm) -> list[sa.ColumnElement[bool]]:
    if wanted.viewer.sees_hidden:
        return _of_it(wanted)
    seen = reviews.c.hidden.is_(False)
    own = wanted.viewer.user_id
    return [*_of_it(wanted), sa.or_(seen, reviews.c.user_id == own) if own else seen]


def _before(key: sa.ColumnElement[Any], value: Any, tie: str) -> sa.ColumnElement[bool]:
    """Returns the condition of what follows a place where the greatest comes first, in the one form that indexes understand."""
    return sa.tuple_(key, reviews.c.review_id) < sa.tuple_(sa.literal(value, key.type), sa.literal(tie))


def _key(order: Order) -> sa.ColumnElement[Any]:
    if order == "newest":
        return reviews.c.created_at
    if order == "most_liked":
        return reviews.c.like_count
    return sa.func.coalesce(ratings.c.overall, _UNRATED_LAST[order == "lowest"])


def _count(tx: Session, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    return int(tx.execute(sa.select(sa.func.count()).select_from(table).where(*conditions)).scalar_one())


def _one(tx: Session, query: sa.Select[Any]) -> Review | None:
    row = tx.execute(query).mappings().one_or_none()
    return _review(row) if row is not None else None


def _all(tx: Session, query: sa.Select[Any]) -> list[Review]:
    return [_review(row) for row in tx.execute(query).mappings()]


def _review(row: Mapping[Any, Any]) -> Review:
    values = {name: row[name] for name in _NAMES}
    return Review(text=_text(row), **values)


def _text(row: Mapping[Any, Any]) -> Text:
    return Text(row["body_markdown"], row["body_html"])


def _row(review: Review) -> dict[str, Any]:
    values = {name: getattr(review, name) for name in _NAMES if name != "overall"}
    return {**values, "body_markdown": review.text.markdown, "body_html": review.text.html}


_NAMES: Sequence[str] = [field.name for field in dataclasses.fields(Review) if field.name != "text"]
