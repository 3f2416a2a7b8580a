"""Title lists of Netflix, Disney+ and Hulu: ``ott-titles/<service>_titles.csv``; no ids, matched by title and year."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from cine_catalog.pipeline.report import BadRows
from cine_catalog.pipeline.sources.schema import Source, conform
from cine_catalog.pipeline.sources.vocabulary import country_codes, genre_names
from cine_catalog.pipeline.tables import read_table
from cine_catalog.providers.services import canonical_service

_COLUMNS = ("type", "title", "director", "cast", "country", "release_year", "duration", "listed_in", "description")
SUFFIX = "_titles.csv"


def load(folder: Path, bad: BadRows) -> Source:
    """One part a service: the same film on two services is two rows, and both may join it."""
    parts = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        words = path.name.removesuffix(SUFFIX).replace("_", " ")
        service = canonical_service(words) or words
        films = read_table(path, _COLUMNS, bad, max_lines=200).filter(pl.col("type") == "Movie")
        frame = films.with_columns(
            pl.col("release_year").cast(pl.Int32, strict=False).alias("year"),
            pl.col("duration").str.extract(r"^(\d+) min").alias("runtime_minutes"),
            _names("director").alias("directors"),
            _names("cast").alias("cast"),
            genre_names(pl.col("listed_in").str.split(", ")).alias("genres"),
            country_codes(pl.col("country").str.split(", ")).alias("countries"),
            pl.col("description").alias("overview"),
            pl.concat_list(pl.lit(service)).alias("services"),
        )
        parts.append(conform(frame))
    return Source("ott-titles", parts)


def _names(column: str) -> pl.Expr:
    """Split ``"A, B, Jr., C"`` into names without cutting a "Jr." off its owner."""
    return pl.col(column).str.replace_all(r", ?(Jr\.?|Sr\.?|II|III|IV)(,|$)", " ${1}${2}").str.split(", ")
