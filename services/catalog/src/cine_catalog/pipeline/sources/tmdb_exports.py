"""Two published TMDb extracts: ``tmdb5000/tmdb_5000_movies.csv`` and ``tmdb-top10k/top10K-TMDB-movies.csv``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from cine_catalog.pipeline.report import BadRows
from cine_catalog.pipeline.sources.schema import Source, conform
from cine_catalog.pipeline.sources.vocabulary import genre_names
from cine_catalog.pipeline.tables import ROW, read_table, whole_numbers

TMDB5000_FILE = "tmdb_5000_movies.csv"
TOP10K_FILE = "top10K-TMDB-movies.csv"
_UNIT = "\x1f"
_JSON = {"genres": "name", "keywords": "name", "production_countries": "iso_3166_1", "spoken_languages": "iso_639_1"}


def load_5000(folder: Path, bad: BadRows) -> Source:
    """The 5000 set: genres, keywords, countries and languages are JSON lists inside CSV."""
    path = folder / TMDB5000_FILE
    columns = ("id", "title", "original_title", "original_language", "overview", "release_date", "runtime")
    table = read_table(path, (*columns, *_JSON), bad, optional=("vote_average", "vote_count"), max_lines=200)
    table = whole_numbers(table, "id", path, bad).unique("id", keep="first", maintain_order=True)
    decoded = {name: _json_lists(table, name, key, path, bad) for name, key in _JSON.items()}
    frame = table.with_columns(
        decoded["genres"].alias("genres"),
        decoded["keywords"].alias("keywords"),
        decoded["production_countries"].alias("countries"),
        decoded["spoken_languages"].alias("languages"),
    ).with_columns(
        pl.col("id").alias("tmdb_id"),
        genre_names(pl.col("genres")),
        pl.concat_list("original_title").alias("other_titles"),
        pl.col("release_date").str.extract(r"^(\d{4})-").alias("year"),
        pl.col("runtime").cast(pl.Float64, strict=False).alias("runtime_minutes"),
        # TMDb names the original language apart from the spoken ones: it comes first.
        pl.concat_list(pl.concat_list("original_language"), pl.col("languages").fill_null([])).alias("languages"),
        *_votes(),
    )
    return Source("tmdb5000", [conform(frame)], lends_ids=True)


def load_top10k(folder: Path, bad: BadRows) -> Source:
    """The top-10,000 set: overview, genres, language, votes; dates are day-month-year."""
    path = folder / TOP10K_FILE
    columns = ("id", "title", "genre", "original_language", "overview", "release_date")
    table = read_table(path, columns, bad, optional=("vote_average", "vote_count"), max_lines=200)
    table = whole_numbers(table, "id", path, bad).unique("id", keep="first", maintain_order=True)
    frame = table.with_columns(
        pl.col("id").alias("tmdb_id"),
        genre_names(pl.col("genre").str.split(",")).alias("genres"),
        pl.col("release_date").str.extract(r"-(\d{4})$").alias("year"),
        pl.concat_list("original_language").alias("languages"),
        *_votes(),
    )
    return Source("tmdb-top10k", [conform(frame)], lends_ids=True)


def _votes() -> list[pl.Expr]:
    votes = pl.col("vote_count").cast(pl.Float64, strict=False)
    # TMDb writes 0.0 for "nobody voted".
    average = pl.when(votes > 0).then(pl.col("vote_average").cast(pl.Float64, strict=False) / 2)
    return [average.alias("external_rating"), votes.alias("external_votes")]


def _json_lists(table: pl.DataFrame, column: str, key: str, path: Path, bad: BadRows) -> pl.Series:
    """Decode a JSON column; a value that does not decode is listed, the row keeps its other columns."""
    values: list[str | None] = []
    for row, text in table.select(ROW, column).iter_rows():
        try:
            entries: Any = json.loads(text) if text else []
            values.append(_UNIT.join(str(entry[key]) for entry in entries))
        except (ValueError, TypeError, KeyError):
            bad.add(path, row, f"{column} is not a JSON list (only this field was left out)", text)
            values.append(None)
    # Lists travel as one string: building nested columns from Python lists takes ten times as long.
    return pl.Series(values, dtype=pl.String).str.split(_UNIT)
