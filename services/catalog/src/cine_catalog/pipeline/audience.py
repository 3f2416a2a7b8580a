"""What an audience did with each film: mean, count, recent count and a popularity that forgets.

Sums are taken over whole numbers, so that the result does not depend on the order in which threads add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cine_catalog.pipeline.report import BadRows, RatingSource
from cine_catalog.pipeline.tables import Numbers, read_numbers

_COLUMNS = {
    "movieId": Numbers(pl.Int32(), 1, 2**31 - 1),
    "rating": Numbers(pl.Float32(), 0, 5),
    "timestamp": Numbers(pl.Int64(), 0, 2**40),
}
_DAY = 86_400
HALF_LIFE_DAYS = 730
RECENT_DAYS = 90
_WEIGHT_UNIT = 1 << 20
_EMPTY = pl.DataFrame(
    schema={
        "movie_id": pl.Int32,
        "average_rating": pl.Float64,
        "rating_count": pl.Int32,
        "popularity": pl.Float64,
        "recent_rating_count": pl.Int32,
    }
)


@dataclass(frozen=True, slots=True)
class RatingsFile:
    """A ratings file and the movie_ids it may speak about (``None``: all)."""

    path: Path
    folder: str
    allowed: pl.DataFrame | None = None
    synthetic: bool = False


def read_ratings(path: Path, bad: BadRows) -> pl.DataFrame:
    """``movie_id``, ``rating`` (0–5), ``timestamp`` (seconds) of a MovieLens ``ratings.csv``.

    Raises:
        SourceMissing, SourceBroken, ColumnMissing: as ``read_table``.
    """
    pieces = [piece.rename({"movieId": "movie_id"}) for piece in read_numbers(path, _COLUMNS, bad)] or [
        pl.DataFrame(schema={"movie_id": pl.Int32, "rating": pl.Float32, "timestamp": pl.Int64})
    ]
    return pl.concat(pieces)


def gather(files: Sequence[RatingsFile], bad: BadRows) -> tuple[pl.DataFrame, list[RatingSource]]:
    """Ratings of several files as one audience.

    Some people are in more than one MovieLens release under different user ids: a rating whose (film, value, second)
    an earlier file already has is the same one and is dropped.
    """
    parts: list[pl.DataFrame] = []
    told: list[RatingSource] = []
    for file in files:
        ratings = read_ratings(file.path, bad)
        if file.allowed is not None:
            ratings = ratings.join(file.allowed, on="movie_id", how="semi")
        fresh = ratings
        for earlier in parts:
            fresh = fresh.join(earlier, on=["movie_id", "rating", "timestamp"], how="anti")
        parts.append(fresh)
        told.append(
            RatingSource(
                folder=file.folder,
                ratings=fresh.height,
                duplicates_dropped=ratings.height - fresh.height,
                synthetic=file.synthetic,
            )
        )
    return (pl.concat(parts) if parts else pl.DataFrame(schema={"movie_id": pl.Int32})), told


def figures(ratings: pl.DataFrame) -> pl.DataFrame:
    """Per film: average_rating (0–5), rating_count, popularity (ratings, halved every 730 days), recent_rating_count."""
    if ratings.is_empty():
        return _EMPTY
    # Age is counted from the newest rating of the log, not from today: the same files always give the same figures.
    age_days = (pl.col("timestamp").max() - pl.col("timestamp")) / _DAY
    weight = (pl.lit(2.0).pow(-age_days / HALF_LIFE_DAYS) * _WEIGHT_UNIT).round().cast(pl.Int64)
    return (
        ratings.select(
            "movie_id",
            (pl.col("rating").cast(pl.Float64) * 1000).round().cast(pl.Int64).alias("milli"),
            weight.alias("weight"),
            (age_days < RECENT_DAYS).alias("recent"),
        )
        .group_by("movie_id")
        .agg(
            (pl.col("milli").sum() / 1000 / pl.len()).round(4).alias("average_rating"),
            pl.len().cast(pl.Int32).alias("rating_count"),
            (pl.col("weight").sum() / _WEIGHT_UNIT).round(4).alias("popularity"),
            pl.col("recent").sum().cast(pl.Int32).alias("recent_rating_count"),
        )
        .select(_EMPTY.columns)
        .sort("movie_id")
    )
