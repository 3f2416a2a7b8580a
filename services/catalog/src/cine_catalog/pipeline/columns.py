r"""The columns of ``movies_merged.csv`` and how lists are written in it.

A list is its entries joined by ``|``. Inside an entry a backslash is written ``\\`` and a bar ``\|``. An empty cell is an
empty list, a missing number or a missing text.
"""

from __future__ import annotations

import re

import polars as pl

SCHEMA_VERSION = 1
_NAMES = pl.List(pl.String)

MERGED: dict[str, pl.DataType] = {
    "movie_id": pl.Int32(),  # MovieLens id; starter films ≥ 900001
    "title": pl.String(),  # "The Matrix"
    "alternative_titles": _NAMES,
    "year": pl.Int32(),  # 1870–2050; empty only when no source knows it
    "genres": _NAMES,
    "directors": _NAMES,
    "cast": _NAMES,  # billing order, at most 20
    "writers": _NAMES,
    "keywords": _NAMES,  # TMDb keywords, then MovieLens tags; at most 25
    "overview": pl.String(),
    "overview_source": pl.String(),
    "overview_url": pl.String(),  # page to credit (Wikipedia)
    "runtime_minutes": pl.Int32(),
    "countries": _NAMES,  # ISO 3166-1 alpha-2
    "languages": _NAMES,  # ISO 639-1, original language first
    "poster_url": pl.String(),
    "imdb_id": pl.String(),  # "tt0113189"
    "tmdb_id": pl.Int32(),
    "streaming_services": _NAMES,
    "streaming_source": pl.String(),  # "justwatch", "ott-titles", "justwatch|ott-titles", "tmdb", "mock" or empty
    "average_rating": pl.Float64(),  # 0–5, plain mean; empty without ratings
    "rating_count": pl.Int32(),
    "popularity": pl.Float64(),  # ratings, each halved for every two years of age; ≥ 0
    "recent_rating_count": pl.Int32(),  # ratings of the last 90 days of the log
    "external_rating": pl.Float64(),  # 0–5, mean on IMDb or TMDb
    "external_votes": pl.Int64(),
    "trailer_youtube_id": pl.String(),
    "composers": _NAMES,
    "cinematographers": _NAMES,
    "look": pl.String(),  # JSON object of the starter catalogue
    "metadata_sources": _NAMES,
}
LIST_COLUMNS = tuple(name for name, dtype in MERGED.items() if isinstance(dtype, pl.List))

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BETWEEN = re.compile(r"((?:[^|\\]|\\.)*)(?:\||$)", re.DOTALL)


def encode_list(names: list[str]) -> str:
    """One list as a cell; empty entries cannot be told from no entry and are dropped."""
    return "|".join(name.replace("\\", "\\\\").replace("|", "\\|") for name in names if name)


def decode_list(cell: str) -> list[str]:
    """The list a cell holds; the inverse of ``encode_list``."""
    if not cell:
        return []
    if "\\" not in cell:
        return [name for name in cell.split("|") if name]
    return [_ESCAPED.sub(r"\1", name) for name in _BETWEEN.findall(cell) if name]


def encoded(column: str) -> pl.Expr:
    """``encode_list`` over a whole list column; empty lists become null."""
    entry = pl.element().str.replace_all("\\", "\\\\", literal=True).str.replace_all("|", "\\|", literal=True)
    cell = pl.col(column).list.eval(entry.filter(entry.str.len_bytes() > 0)).list.join("|")
    return pl.when(cell.str.len_bytes() > 0).then(cell).alias(column)


def decoded(cells: pl.Series) -> pl.Series:
    """``decode_list`` over a whole column; null becomes an empty list."""
    plain = cells.fill_null("")
    lists = plain.str.split("|").list.eval(pl.element().filter(pl.element().str.len_bytes() > 0))
    escaped = plain.str.contains("\\", literal=True)
    if escaped.any():
        # Few cells hold an escape; only they are taken apart character by character.
        values = [decode_list(cell) if mark else None for cell, mark in zip(plain, escaped, strict=True)]
        special = pl.Series(values, dtype=_NAMES)
        lists = pl.select(pl.when(escaped).then(special).otherwise(lists)).to_series()
    return lists.alias(cells.name)
