"""What a person has of some films, and what is known of films: for imports and exports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine.common.v1 import film_card_pb2
from cine_ratings.domain.diary import DiaryEntry
from cine_ratings.domain.rating import Rating
from cine_ratings.domain.review import Review
from cine_ratings.domain.transfers.matching import Film
from cine_ratings.domain.transfers.own import FilmFacts
from cine_ratings.store import diary as entries
from cine_ratings.store import ratings as ratings_of
from cine_ratings.store import reviews as reviews_of
from cine_ratings.store.review_tables import reviews
from cine_ratings.store.schema import diary, films, ratings

_CHUNK: Final = 500
DiaryPlace = tuple[dt.date, int, str]
"""Day, film and id of an entry: where a page of the diary ends."""
_MATCHED_BY: Final = (
    films.c.movie_id,
    films.c.title,
    films.c.year,
    films.c.alternative_titles,
    films.c.imdb_id,
    films.c.tmdb_id,
    films.c.directors,
    films.c.card,
)
_THERE = sa.and_(sa.not_(films.c.gone), films.c.card != b"")


def entries_of(tx: Session, user_id: str, movie_ids: Collection[int]) -> list[DiaryEntry]:
    """Returns a person's diary entries of some films."""
    found: list[str] = []
    wanted = sorted(set(movie_ids))
    for start in range(0, len(wanted), _CHUNK):
        some = diary.c.movie_id.in_(wanted[start : start + _CHUNK])
        found += tx.execute(sa.select(diary.c.entry_id).where(diary.c.user_id == user_id, some)).scalars()
    kept = entries.some(tx, sorted(found))
    return [kept[entry_id] for entry_id in sorted(kept)]


def reviews_of_films(tx: Session, user_id: str, movie_ids: Collection[int]) -> dict[int, Review]:
    """Returns a person's reviews of some films by film."""
    wanted = reviews.c.movie_id.in_(sorted(set(movie_ids)))
    found = tx.execute(sa.select(reviews.c.review_id).where(reviews.c.user_id == user_id, wanted)).scalars().all()
    return {review.movie_id: review for review in reviews_of.some(tx, found).values()}


def ratings_after(tx: Session, user_id: str, movie_id: int, limit: int) -> list[Rating]:
    """Returns at most `limit` ratings of a person of films above an id, in the order of the films."""
    query = sa.select(ratings).where(ratings.c.user_id == user_id, ratings.c.movie_id > movie_id)
    rows = tx.execute(query.order_by(ratings.c.movie_id).limit(limit)).mappings()
    return [ratings_of.of_row(row) for row in rows]


def diary_after(tx: Session, user_id: str, place: DiaryPlace | None, limit: int) -> list[DiaryEntry]:
    """Returns at most `limit` entries of a person's diary behind a place, in the order of days, then of films."""
    key = (diary.c.watched_on, diary.c.movie_id, diary.c.entry_id)
    query = sa.select(diary.c.entry_id).where(diary.c.user_id == user_id)
    if place is not None:
        day, movie_id, entry_id = place
        later = sa.and_(diary.c.watched_on == day, diary.c.movie_id == movie_id, diary.c.entry_id > entry_id)
        query = query.where(
            sa.or_(diary.c.watched_on > day, sa.and_(diary.c.watched_on == day, diary.c.movie_id > movie_id), later)
        )
    ids = list(tx.execute(query.order_by(*key).limit(limit)).scalars())
    found = entries.some(tx, ids)
    return [found[entry_id] for entry_id in ids]


def reviews_after(tx: Session, user_id: str, movie_id: int, limit: int) -> list[Review]:
    """Returns at most `limit` reviews of a person of films above an id, in the order of the films."""
    query = sa.select(reviews.c.review_id).where(reviews.c.user_id == user_id, reviews.c.movie_id > movie_id)
    ids = list(tx.execute(query.order_by(reviews.c.movie_id).limit(limit)).scalars())
    found = reviews_of.some(tx, ids)
    return [found[review_id] for review_id in ids]


def facts_of(tx: Session, movie_ids: Collection[int]) -> dict[int, FilmFacts]:
    """Returns what a file says of films, by film; those never heard of are missing."""
    columns = (films.c.movie_id, films.c.title, films.c.year, films.c.imdb_id, films.c.tmdb_id)
    query = sa.select(*columns).where(films.c.movie_id.in_(sorted(set(movie_ids))), films.c.card != b"")
    return {row.movie_id: FilmFacts(*row) for row in tx.execute(query)}


def catalogue_print(tx: Session) -> tuple[int, int, int]:
    """Returns what tells whether films came or went: their number, the sum of their ids and that of the digits of their titles."""
    counted = (sa.func.count(), sa.func.sum(films.c.movie_id), sa.func.sum(sa.func.length(films.c.title)))
    number, ids, letters = tx.execute(sa.select(*counted).where(_THERE)).one()
    return int(number), int(ids or 0), int(letters or 0)


def matchable(tx: Session, movie_id: int, limit: int) -> list[Film]:
    """Returns at most `limit` films above an id, in order, as far as titles are told by them."""
    query = sa.select(*_MATCHED_BY).where(_THERE, films.c.movie_id > movie_id).order_by(films.c.movie_id).limit(limit)
    return [
        Film(
            movie_id,
            title,
            year,
            tuple(others),
            imdb_id,
            tmdb_id,
            tuple(directors),
            film_card_pb2.FilmCard.FromString(card).rating_count,
        )
        for movie_id, title, year, others, imdb_id, tmdb_id, directors, card in tx.execute(query).tuples()
    ]
