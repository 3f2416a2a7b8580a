"""Ratings in the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_ratings.domain.rating import DIMENSIONS, Rating, Score
from cine_ratings.store.schema import ratings
from cinemesh.db import upsert

_CHUNK = 500
# part of every rating: made once
_OF_FILMS = sa.select(ratings).where(
    ratings.c.user_id == sa.bindparam("whose"), ratings.c.movie_id.in_(sa.bindparam("films", expanding=True))
)
_NAMES = ("rating_id", "user_id", "movie_id", "created_at", "updated_at", "version")


def of(tx: Session, user_id: str, movie_id: int) -> Rating | None:
    """Returns a person's rating of a film; None when there is none."""
    return of_films(tx, user_id, [movie_id]).get(movie_id)


def of_films(tx: Session, user_id: str, movie_ids: Iterable[int]) -> dict[int, Rating]:
    """Returns a person's ratings of films by film; those without one are missing."""
    found: dict[int, Rating] = {}
    wanted = sorted(set(movie_ids))
    for start in range(0, len(wanted), _CHUNK):
        rows = tx.execute(_OF_FILMS, {"whose": user_id, "films": wanted[start : start + _CHUNK]}).mappings()
        found.update((rating.movie_id, rating) for rating in map(of_row, rows))
    return found


def by_id(tx: Session, rating_id: str) -> Rating | None:
    """Returns a rating; None when there is none."""
    row = tx.execute(sa.select(ratings).where(ratings.c.rating_id == rating_id)).mappings().one_or_none()
    return of_row(row) if row is not None else None


def some(tx: Session, rating_ids: Collection[str]) -> dict[str, Rating]:
    """Returns a few ratings by id; those that do not exist are missing."""
    query = sa.select(ratings).where(ratings.c.rating_id.in_(rating_ids))
    return {rating.rating_id: rating for rating in map(of_row, tx.execute(query).mappings())}


def all_of(tx: Session, user_id: str) -> list[Rating]:
    """Returns every rating of a person."""
    query = sa.select(ratings).where(ratings.c.user_id == user_id).order_by(ratings.c.movie_id)
    return [of_row(row) for row in tx.execute(query).mappings()]


def following(tx: Session, after: str, limit: int) -> list[Rating]:
    """Returns at most `limit` ratings of anybody with an id above one, in the order of their ids."""
    query = sa.select(ratings).where(ratings.c.rating_id > after).order_by(ratings.c.rating_id).limit(limit)
    return [of_row(row) for row in tx.execute(query).mappings()]


def keep(tx: Session, found: Sequence[Rating]) -> None:
    """Adds ratings, or keeps them as they are now. Take the person's turn first; no rating twice."""
    upsert(tx, ratings, [_row(rating) for rating in found], key=["rating_id"])


def delete(tx: Session, rating_ids: Sequence[str]) -> None:
    """Removes ratings."""
    for start in range(0, len(rating_ids), _CHUNK):
        tx.execute(sa.delete(ratings).where(ratings.c.rating_id.in_(rating_ids[start : start + _CHUNK])))


def of_row(row: Mapping[Any, Any]) -> Rating:
    """Returns the rating of a row of the table."""
    return Rating(score=Score(**{name: row[name] for name in DIMENSIONS}), **{name: row[name] for name in _NAMES})


def _row(rating: Rating) -> dict[str, Any]:
    return {**{name: getattr(rating, name) for name in _NAMES}, **rating.score.values}
