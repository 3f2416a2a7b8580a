r"""Reading the merged catalogue that the pipeline writes, and nothing else: what is half-written or altered is refused.

The file is a contract between the catalogue's pipeline and its readers (docs/data.md): a CSV, one film a line, lists
joined by `|` with `\` as the escape, and beside it `<name>.manifest.json` with the CSV's sha256.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

_LISTS = ("genres", "directors", "cast", "keywords", "streaming_services", "languages")
_REQUIRED: Mapping[str, pl.DataType] = {
    "movie_id": pl.Int32(),
    "title": pl.String(),
    "year": pl.Int32(),
    "genres": pl.String(),
    "directors": pl.String(),
    "cast": pl.String(),
    "keywords": pl.String(),
    "overview": pl.String(),
    "runtime_minutes": pl.Int32(),
    "poster_url": pl.String(),
    "streaming_services": pl.String(),
    "imdb_id": pl.String(),
    "tmdb_id": pl.Int32(),
    "average_rating": pl.Float64(),
    "rating_count": pl.Int32(),
}
_OPTIONAL: Mapping[str, pl.DataType] = {
    "languages": pl.String(),
    "streaming_source": pl.String(),
    "external_rating": pl.Float64(),
    "external_votes": pl.Int64(),
}
_ENTRY = re.compile(r"(?:[^|\\]|\\.)+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class FilmsUnusable(Exception):
    """The merged catalogue cannot be trained on; the message names the file, and the column or row at fault."""


@dataclass(frozen=True, slots=True)
class Films:
    """The catalogue as training wants it.

    Attributes:
        table: One row a film, ordered by year then id, films without a year first. Columns are those of the merged
            file; lists are lists, texts and numbers are never null (missing: "" and 0).
        fingerprint: Identifies the content: "sha256:…" of the file.
    """

    table: pl.DataFrame
    fingerprint: str

    def __len__(self) -> int:
        """Number of films."""
        return self.table.height


def read_films(path: Path) -> Films:
    """Read and check the merged catalogue.

    Raises:
        FilmsUnusable: The file is missing, is not the one its manifest describes, lacks a column, holds no film, or
            holds a film twice.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FilmsUnusable(f"{path}: {error.strerror or 'unreadable'}; run the preprocessing first") from error
    digest = hashlib.sha256(data).hexdigest()
    _check_manifest(path, digest)
    header = data.split(b"\n", 1)[0].decode("utf-8", "replace").strip().split(",")
    for column in _REQUIRED:
        if column not in header:
            raise FilmsUnusable(f"{path}: column {column!r} is missing; it has {', '.join(header)}")
    wanted = {**_REQUIRED, **{name: dtype for name, dtype in _OPTIONAL.items() if name in header}}
    try:
        table = pl.read_csv(data, columns=list(wanted), schema_overrides=wanted)
    except pl.exceptions.PolarsError as error:
        raise FilmsUnusable(f"{path}: {error}") from error
    return prepare(table, fingerprint=f"sha256:{digest}", where=str(path))


def prepare(table: pl.DataFrame, *, fingerprint: str, where: str = "films") -> Films:
    """Bring a table with the merged columns (lists still joined by `|`) into the form that training wants.

    Raises:
        FilmsUnusable: It holds no film, a film twice, or a row without id or title.
    """
    if table.is_empty():
        raise FilmsUnusable(f"{where}: holds no film")
    absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in _OPTIONAL.items() if name not in table.columns]
    table = table.with_columns(absent)
    nameless = table.with_row_index("row", offset=2).filter(pl.col("movie_id").is_null() | pl.col("title").is_null())
    if not nameless.is_empty():
        raise FilmsUnusable(f"{where}: row {nameless['row'][0]} has no movie_id or no title")
    repeated = table.filter(pl.col("movie_id").is_duplicated())
    if not repeated.is_empty():
        raise FilmsUnusable(f"{where}: movie_id {repeated['movie_id'][0]} occurs more than once")
    types = {**_REQUIRED, **_OPTIONAL}
    table = table.select(
        pl.col(name).cast(dtype).fill_null("" if dtype == pl.String else 0) for name, dtype in types.items()
    )
    table = table.with_columns(_split(table[name]) for name in _LISTS)
    return Films(table.sort("year", "movie_id"), fingerprint)


def _check_manifest(path: Path, digest: str) -> None:
    manifest = path.with_suffix(".manifest.json")
    # A pipeline killed while it switched leaves the new manifest under this name.
    for candidate in (manifest, manifest.with_name(manifest.name + ".next")):
        try:
            if json.loads(candidate.read_bytes()).get("sha256") == digest:
                return
        except (OSError, ValueError, AttributeError):
            continue
    raise FilmsUnusable(
        f"{path}: not the file that {manifest.name} describes: half-written or altered; preprocess again"
    )


def _split(cells: pl.Series) -> pl.Series:
    lists = cells.str.split("|").list.eval(pl.element().filter(pl.element().str.len_bytes() > 0))
    escaped = cells.str.contains("\\", literal=True)
    if escaped.any():
        special = [
            [_ESCAPED.sub(r"\1", entry) for entry in _ENTRY.findall(cell)] if mark else None
            for cell, mark in zip(cells, escaped, strict=True)
        ]
        repaired = pl.Series(special, dtype=pl.List(pl.String))
        lists = pl.select(pl.when(escaped).then(repaired).otherwise(lists)).to_series()
    return lists.alias(cells.name)
