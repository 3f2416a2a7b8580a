"""What is counted of films, kept in the transactions of what it counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_ratings.domain.counts import Cell, FilmCounts, film_counts
from cine_ratings.store.schema import film_counts as films
from cine_ratings.store.schema import rating_counts as cells
from cinemesh.db import upsert


def add(tx: Session, changes: Mapping[Cell, int]) -> None:
    """Adds to the counts of ratings, in the order given: that of `domain.counts.deltas`."""
    _add(
        tx,
        cells,
        [
            {"movie_id": movie_id, "dimension": dimension, "halves": halves, "count": change}
            for (movie_id, dimension, halves), change in changes.items()
        ],
        "count",
    )


def add_watches(tx: Session, changes: Mapping[int, int]) -> None:
    """Adds to the number of diary entries of films."""
    _add_to_films(tx, changes, "watch_count")


def add_reviews(tx: Session, changes: Mapping[int, int]) -> None:
    """Adds to the number of reviews shown of films."""
    _add_to_films(tx, changes, "review_count")


def of_film(tx: Session, movie_id: int) -> FilmCounts:
    """Returns everything that is counted of a film; all zeros for one that nobody rated."""
    rated = tx.execute(sa.select(cells.c.dimension, cells.c.halves, cells.c.count).where(cells.c.movie_id == movie_id))
    counted = {(dimension, halves): count for dimension, halves, count in rated.tuples()}
    found = sa.select(films.c.review_count, films.c.watch_count).where(films.c.movie_id == movie_id)
    row = tx.execute(found).one_or_none()
    reviews, watches = (row.review_count, row.watch_count) if row is not None else (0, 0)
    return film_counts(movie_id, counted, reviews, watches)


def overall_mean(tx: Session) -> float:
    """Returns the mean of all overall ratings of all films in stars, 0 to 5; 0 without any."""
    count, halves = sa.func.sum(cells.c.count), sa.func.sum(cells.c.count * cells.c.halves)
    row = tx.execute(sa.select(count, halves).where(cells.c.dimension == 0)).one()
    return float(row[1]) / 2 / float(row[0]) if row[0] else 0.0


def _add_to_films(tx: Session, changes: Mapping[int, int], name: Literal["watch_count", "review_count"]) -> None:
    # in one order everywhere, so that two transactions never wait for each other in a circle
    rows = [
        {"movie_id": movie_id, "review_count": 0, "watch_count": 0, name: change}
        for movie_id, change in sorted(changes.items())
        if change
    ]
    _add(tx, films, rows, name)


def _add(tx: Session, table: sa.Table, rows: list[dict[str, Any]], name: str) -> None:
    upsert(tx, table, rows, key=[column.name for column in table.primary_key.columns], update=(), add=[name])
