"""A person's ratings as they list them: filtered and sorted by what is known of the films, too."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_ratings.domain.rating import HALVES, Rating
from cine_ratings.store import ratings as rating_rows
from cine_ratings.store.schema import films, ratings
from cinemesh.db import list_holds
from cinemesh.projections.titles import folded, sort_title

Position = list[Any]
"""Where a page starts: what the last rating of the page before is sorted by, and its id."""

_LONGEST_KEY = 120
"""Characters of a title that a position carries, so that page tokens stay short; titles alike up to there follow by id."""


@dataclass(frozen=True, slots=True)
class RatingFilter:
    """Which ratings of a person, in which order.

    Attributes:
        user_id: whose.
        order: `newest`, `oldest`, `highest`, `lowest`, `title` or `year` (latest first).
        lowest: lowest overall rating wanted, in half stars.
        highest: highest overall rating wanted, in half stars.
        genre: canonical name of a genre; empty for any.
        year_min: first year of release; 0 for any.
        year_max: last year of release; 0 for any.
        text: part of a title, in any case and with or without accents; empty for any.
    """

    user_id: str
    order: str = "newest"
    lowest: int = 0
    highest: int = HALVES - 1
    genre: str = ""
    year_min: int = 0
    year_max: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Order:
    key: sa.ColumnElement[Any]
    descending: bool
    moment: bool = False
    of_film: bool = False

    def shown(self, value: Any) -> Any:
        """Returns a value of the key as a position carries it."""
        return value.isoformat() if self.moment else value

    def read(self, carried: Any) -> Any:
        """Returns the value that a position carries."""
        return dt.datetime.fromisoformat(carried) if self.moment else carried


_TITLE = sa.func.substr(sa.func.coalesce(films.c.sort_title, ""), 1, _LONGEST_KEY)
_ORDERS = {
    "newest": _Order(ratings.c.updated_at, True, moment=True),
    "oldest": _Order(ratings.c.updated_at, False, moment=True),
    "highest": _Order(ratings.c.overall, True),
    "lowest": _Order(ratings.c.overall, False),
    "title": _Order(_TITLE, False, of_film=True),
    "year": _Order(sa.func.coalesce(films.c.year, 0), True, of_film=True),
}


def find(tx: Session, wanted: RatingFilter, limit: int, after: Position | None) -> list[tuple[Rating, Position]]:
    """Returns at most `limit` ratings that follow a position, each with its own."""
    order = _ORDERS[wanted.order]
    query = _joined(sa.select(ratings, order.key.label("sorted_by")), wanted).where(*_matching(wanted))
    if after is not None:
        value, tie = order.read(after[0]), str(after[1])
        same = order.key == value
        if order.descending:
            query = query.where(sa.or_(order.key < value, sa.and_(same, ratings.c.rating_id < tie)))
        else:
            query = query.where(sa.or_(order.key > value, sa.and_(same, ratings.c.rating_id > tie)))
    keys = (order.key, ratings.c.rating_id)
    query = query.order_by(*(key.desc() if order.descending else key.asc() for key in keys)).limit(limit)
    return [
        (rating_rows.of_row(row), [order.shown(row["sorted_by"]), row["rating_id"]])
        for row in tx.execute(query).mappings()
    ]


def count(tx: Session, wanted: RatingFilter) -> int:
    """Returns how many ratings match."""
    query = sa.select(sa.func.count()).select_from(ratings)
    if _of_films(wanted):
        query = query.outerjoin(films, films.c.movie_id == ratings.c.movie_id)
    return int(tx.execute(query.where(*_matching(wanted))).scalar_one())


def _joined(query: sa.Select[Any], wanted: RatingFilter) -> sa.Select[Any]:
    if _ORDERS[wanted.order].of_film or _of_films(wanted):
        # a rating of a film that nobody has told of yet is one all the same
        return query.outerjoin(films, films.c.movie_id == ratings.c.movie_id)
    return query


def _of_films(wanted: RatingFilter) -> bool:
    return bool(wanted.genre or wanted.year_min or wanted.year_max or wanted.text)


def _matching(wanted: RatingFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [ratings.c.user_id == wanted.user_id]
    if wanted.lowest > 0 or wanted.highest < HALVES - 1:
        conditions.append(ratings.c.overall.between(wanted.lowest, wanted.highest))
    if wanted.genre:
        conditions.append(list_holds(films.c.genres, wanted.genre))
    if wanted.year_min:
        conditions.append(films.c.year >= wanted.year_min)
    if wanted.year_max:
        conditions.append(films.c.year.between(1, wanted.year_max))
    if wanted.text:
        conditions.append(_titled(wanted.text))
    return conditions


def _titled(text: str) -> sa.ColumnElement[bool]:
    part, bare = folded(text), sort_title(text)
    holds = films.c.sort_title.contains(part, autoescape=True)
    # titles are kept without an article in front: "the matrix" is the beginning of one
    return holds if bare == part else sa.or_(holds, films.c.sort_title.startswith(bare, autoescape=True))
