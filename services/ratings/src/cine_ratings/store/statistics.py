"""What statistics are counted from."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_ratings.domain.statistics import FilmFacts, Rated, Watching
from cine_ratings.store.review_tables import reviews
from cine_ratings.store.schema import diary, films, ratings


def watched_by(tx: Session, user_id: str) -> list[Watching]:
    """Returns a person's whole diary."""
    query = sa.select(diary.c.movie_id, diary.c.watched_on, diary.c.rewatch).where(diary.c.user_id == user_id)
    return [Watching(*row) for row in tx.execute(query).tuples()]


def rated_by(tx: Session, user_id: str) -> list[Rated]:
    """Returns all ratings of a person."""
    query = sa.select(ratings.c.rating_id, ratings.c.movie_id, ratings.c.overall, ratings.c.created_at)
    found = tx.execute(query.where(ratings.c.user_id == user_id)).tuples()
    return [Rated(rating_id, movie_id, overall, at.date()) for rating_id, movie_id, overall, at in found]


def films_of(tx: Session, user_id: str) -> dict[int, FilmFacts]:
    """Returns the films that a person watched or rated, as far as they are known."""
    touched = sa.union(
        sa.select(ratings.c.movie_id).where(ratings.c.user_id == user_id),
        sa.select(diary.c.movie_id).where(diary.c.user_id == user_id),
    ).subquery()
    columns = (films.c.year, films.c.runtime_minutes, films.c.genres, films.c.directors, films.c.countries)
    query = sa.select(films.c.movie_id, *columns).join(touched, touched.c.movie_id == films.c.movie_id)
    return {
        row.movie_id: FilmFacts(
            row.year, row.runtime_minutes, tuple(row.genres), tuple(row.directors), tuple(row.countries)
        )
        for row in tx.execute(query)
    }


def count_reviews(tx: Session, user_id: str, year: int) -> int:
    """Returns how many reviews of a person there are that they wrote in a calendar year (UTC); 0 for all years."""
    query = sa.select(sa.func.count()).select_from(reviews).where(reviews.c.user_id == user_id)
    if year:
        start = dt.datetime(year, 1, 1, tzinfo=dt.UTC)
        query = query.where(reviews.c.created_at >= start)
        if year < dt.MAXYEAR:
            query = query.where(reviews.c.created_at < dt.datetime(year + 1, 1, 1, tzinfo=dt.UTC))
    return int(tx.execute(query).scalar_one())
