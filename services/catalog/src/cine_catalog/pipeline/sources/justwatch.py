"""JustWatch catalogue dumps: ``justwatch-<service>/titles.csv`` and ``credits.csv``, one folder a streaming service."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from cine_catalog.pipeline.report import BadRows
from cine_catalog.pipeline.sources.schema import Source, conform
from cine_catalog.pipeline.sources.vocabulary import genre_names
from cine_catalog.pipeline.tables import read_table
from cine_catalog.providers.services import canonical_service

PREFIX = "justwatch-"
_TITLES = ("id", "title", "type", "description", "release_year", "runtime", "genres", "production_countries", "imdb_id")
_SCORES = ("imdb_score", "imdb_votes")


def load(folders: list[Path], bad: BadRows) -> Source:
    """Read every service's folder and merge the titles that several services carry.

    Shows are kept with their IMDb id only: MovieLens has mini-series, and their titles collide with films.
    """
    titles, credits = [], []
    for folder in folders:
        service = canonical_service(folder.name.removeprefix(PREFIX)) or folder.name.removeprefix(PREFIX)
        table = read_table(folder / "titles.csv", _TITLES, bad, optional=_SCORES, max_lines=200)
        titles.append(table.with_columns(pl.lit(service).alias("service")))
        path = folder / "credits.csv"
        if path.exists():
            credits.append(read_table(path, ("id", "name", "role"), bad, max_lines=200))
    together = pl.concat(titles)
    merged = together.group_by("id", maintain_order=True).agg(
        pl.col(*_TITLES[1:], *_SCORES).first(), pl.col("service").unique(maintain_order=True).alias("services")
    )
    if credits:
        merged = merged.join(_people(pl.concat(credits)), on="id", how="left")
    is_film = pl.col("type") == "MOVIE"
    imdb_id = pl.col("imdb_id")
    frame = merged.with_columns(
        pl.when(imdb_id.str.contains(r"^tt\d+$")).then(imdb_id),
        pl.when(is_film).then("title").alias("title"),
        pl.col("release_year").cast(pl.Int32, strict=False).alias("year"),
        # The runtime of a show is that of one episode.
        pl.when(is_film).then(pl.col("runtime").cast(pl.Float64, strict=False)).alias("runtime_minutes"),
        genre_names(_python_list("genres")).alias("genres"),
        _python_list("production_countries").alias("countries"),
        pl.col("description").alias("overview"),
        (pl.col("imdb_score").cast(pl.Float64, strict=False) / 2).alias("external_rating"),
        pl.col("imdb_votes").cast(pl.Float64, strict=False).alias("external_votes"),
    ).filter(pl.col("title").is_not_null() | pl.col("imdb_id").is_not_null())
    return Source("justwatch", [conform(frame)])


def _python_list(column: str) -> pl.Expr:
    """``"['drama', 'crime']"`` as a list; the words hold neither commas nor quotes."""
    return pl.col(column).str.strip_chars("[]").str.replace_all("'", "").str.split(",")


def _people(credits: pl.DataFrame) -> pl.DataFrame:
    role = pl.col("role")
    return credits.group_by("id", maintain_order=True).agg(
        pl.col("name").filter(role == "DIRECTOR").unique(maintain_order=True).alias("directors"),
        pl.col("name").filter(role == "ACTOR").unique(maintain_order=True).alias("cast"),
    )
