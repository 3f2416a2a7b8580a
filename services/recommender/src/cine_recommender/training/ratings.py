"""Ratings that people gave on this platform, joined to a log that came with the data."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from cine_recommender.evaluation.reading import Log, RatingsUnusable
from cine_recommender.interactions import Interactions

_COLUMNS = {"person": pl.Int64(), "movie_id": pl.Int32(), "halves": pl.Int16(), "at": pl.Int64()}


def nobody() -> Log:
    """Returns a log in which nobody rated anything, for a platform that has no ratings but its own."""
    empty = Interactions(
        people=np.empty(0, np.int32),
        films=np.empty(0, np.int32),
        ratings=np.empty(0, np.float32),
        times=np.empty(0, np.int64),
        person_ids=np.empty(0, np.int64),
        film_ids=np.empty(0, np.int32),
    )
    films = pl.DataFrame(
        schema={"movie_id": pl.Int32, "title": pl.String, "year": pl.Int32, "genres": pl.List(pl.String)}
    )
    tags = pl.DataFrame(schema={"person_id": pl.Int64, "movie_id": pl.Int32, "tag": pl.String, "timestamp": pl.Int64})
    return Log(name="", interactions=empty, films=films, tags=tags, fingerprint="")


def joined(log: Log, path: Path | None) -> Log:
    """Returns a log with the ratings of a file that `flows.training_ratings.export` wrote.

    Whoever rated here is somebody new: their ids come after those of the log. Of several ratings of a film by a person the newest counts,
    of equally old ones the last in the file. Without any rating the log comes back as it is, its fingerprint too.

    Args:
        log: what came with the data.
        path: the file; None for none.

    Raises:
        RatingsUnusable: the file cannot be read.
    """
    if path is None:
        return log
    try:
        data = path.read_bytes()
        table = pl.read_csv(data, schema=_COLUMNS)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RatingsUnusable(f"{path.name}: {error}") from error
    if table.is_empty():
        return log
    table = (
        table.with_row_index("row")
        .sort("person", "movie_id", "at", "row")
        .unique(["person", "movie_id"], keep="last", maintain_order=True)
        .sort("person", "at", "row")
    )
    mark = hashlib.sha256(f"{log.fingerprint} {hashlib.sha256(data).hexdigest()}".encode()).hexdigest()
    return replace(log, interactions=_beside(log.interactions, table), fingerprint=mark)


def _beside(before: Interactions, table: pl.DataFrame) -> Interactions:
    movie_ids = table["movie_id"].to_numpy()
    film_ids = np.union1d(before.film_ids, movie_ids).astype(np.int32)
    whose, people = np.unique(table["person"].to_numpy(), return_inverse=True)
    first = int(before.person_ids.max(initial=0)) + 1
    moved = np.searchsorted(film_ids, before.film_ids).astype(np.int32)
    return Interactions(
        people=np.concatenate([before.people, people + len(before.person_ids)]).astype(np.int32),
        films=np.concatenate([moved[before.films], np.searchsorted(film_ids, movie_ids)]).astype(np.int32),
        ratings=np.concatenate([before.ratings, table["halves"].to_numpy() / 2]).astype(np.float32),
        times=np.concatenate([before.times, table["at"].to_numpy()]).astype(np.int64),
        person_ids=np.concatenate([before.person_ids, np.arange(first, first + len(whose))]).astype(np.int64),
        film_ids=film_ids,
    )
