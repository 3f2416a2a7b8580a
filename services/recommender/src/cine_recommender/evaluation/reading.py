"""Reading a folder in MovieLens format for an evaluation.

A file that is not what it says is refused: a row left out in silence would change every figure, and nobody would know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from cine_recommender.interactions import Interactions

_RATINGS: Mapping[str, pl.DataType] = {
    "userId": pl.Int64(),
    "movieId": pl.Int32(),
    "rating": pl.Float64(),
    "timestamp": pl.Int64(),
}
_MOVIES: Mapping[str, pl.DataType] = {"movieId": pl.Int32(), "title": pl.String(), "genres": pl.String()}
_TAGS: Mapping[str, pl.DataType] = {
    "userId": pl.Int64(),
    "movieId": pl.Int32(),
    "tag": pl.String(),
    "timestamp": pl.Int64(),
}
_NO_GENRE = "(no genres listed)"
_HALVES = [half / 2 for half in range(1, 11)]


class RatingsUnusable(Exception):
    """A folder cannot be evaluated on; the message names the file, and the row or column at fault."""


@dataclass(frozen=True)
class Log:
    """What a folder holds.

    Attributes:
        name: of the folder.
        interactions: its ratings, films in ascending order of their ids, equal moments in the order of the file.
        films: movie_id, title, year (0 for unknown), genres (a list, empty for none); one row a film of `movies.csv`.
        tags: person_id, movie_id, tag, timestamp; empty where there is no `tags.csv`. People here may have rated nothing.
        fingerprint: of these files, sha256.
    """

    name: str
    interactions: Interactions
    films: pl.DataFrame
    tags: pl.DataFrame
    fingerprint: str


def read_log(folder: Path) -> Log:
    """Reads `ratings.csv`, `movies.csv` and, where there is one, `tags.csv`.

    Raises:
        RatingsUnusable: a file or column is missing, a cell is not of its kind, a rating is not 0.5, 1, … 5, a moment lies before 1970,
            somebody rated a film twice, a film is listed twice, or there is no rating at all.
    """
    path = folder / "ratings.csv"
    ratings = _table(path, _RATINGS)
    if ratings.is_empty():
        raise RatingsUnusable(f"{path}: holds no rating")
    _refuse(path, ratings, ~pl.col("rating").is_in(_HALVES), "rating", "is not one of 0.5, 1, … 5")
    _refuse(path, ratings, pl.col("timestamp") < 0, "timestamp", "lies before 1970")
    _refuse(
        path, ratings, ~pl.struct("userId", "movieId").is_first_distinct(), "movieId", "was rated before by this user"
    )
    films = _table(folder / "movies.csv", _MOVIES)
    _refuse(folder / "movies.csv", films, ~pl.col("movieId").is_first_distinct(), "movieId", "is listed before")
    tags = folder / "tags.csv"
    tagged = _table(tags, _TAGS) if tags.exists() else pl.DataFrame(schema=dict(_TAGS))
    return Log(
        name=folder.resolve().name,
        interactions=_interactions(ratings),
        films=films.select(
            movie_id="movieId",
            title="title",
            year=pl.col("title").str.extract(r"\((\d{4})\)\s*$").cast(pl.Int32).fill_null(0),
            genres=pl.when(pl.col("genres").is_in([_NO_GENRE, ""]))
            .then(pl.lit([], dtype=pl.List(pl.String)))
            .otherwise(pl.col("genres").str.split("|")),
        ),
        tags=tagged.rename({"userId": "person_id", "movieId": "movie_id"}),
        fingerprint=_fingerprint(folder),
    )


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in ("ratings.csv", "movies.csv", "tags.csv"):
        path = folder / name
        digest.update(hashlib.sha256(path.read_bytes()).digest() if path.exists() else b"-")
    return digest.hexdigest()


def _interactions(ratings: pl.DataFrame) -> Interactions:
    # stable: of equal moments the order of the file counts until a split draws lots
    ratings = ratings.sort("userId", "timestamp", maintain_order=True)
    person_ids, people = np.unique(ratings["userId"].to_numpy(), return_inverse=True)
    film_ids, films = np.unique(ratings["movieId"].to_numpy(), return_inverse=True)
    return Interactions(
        people=people.astype(np.int32),
        films=films.astype(np.int32),
        ratings=ratings["rating"].to_numpy().astype(np.float32),
        times=ratings["timestamp"].to_numpy(),
        person_ids=person_ids,
        film_ids=film_ids,
    )


def _table(path: Path, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Returns these columns of a file, every cell of its kind."""
    try:
        cells = pl.read_csv(path, infer_schema=False).with_columns(pl.all().fill_null(""))
    except OSError as error:
        raise RatingsUnusable(f"{path}: {error.strerror or 'is missing or unreadable'}") from error
    except pl.exceptions.PolarsError as error:
        raise RatingsUnusable(f"{path}: {error}") from error
    for name in columns:
        if name not in cells.columns:
            raise RatingsUnusable(f"{path}: column {name!r} is missing; it has {', '.join(cells.columns)}")
    table = cells.select(pl.col(name).cast(kind, strict=False) for name, kind in columns.items())
    for name in columns:
        if table[name].null_count():
            row = int(table[name].is_null().arg_true()[0])
            raise RatingsUnusable(f"{path}: row {row + 2}, column {name!r}: {cells[name][row]!r} is not a number")
    return table


def _refuse(path: Path, table: pl.DataFrame, fault: pl.Expr, column: str, reason: str) -> None:
    found = table.select(fault.alias("fault"))["fault"].arg_true()
    if len(found):
        row = int(found[0])
        raise RatingsUnusable(f"{path}: row {row + 2}, column {column!r}: {table[column][row]} {reason}")
