"""The one shape every metadata source is brought into before it is joined to films."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

_NAMES = pl.List(pl.String)

METADATA: dict[str, pl.DataType] = {
    "row": pl.UInt32(),  # index of the row inside its part
    "movie_id": pl.Int32(),  # set by sources that carry MovieLens ids themselves (the starter catalogue)
    "imdb_id": pl.String(),  # "tt0113189"
    "tmdb_id": pl.Int32(),
    "title": pl.String(),  # null: never matched by title
    "other_titles": _NAMES,
    "year": pl.Int32(),
    "genres": _NAMES,  # MovieLens vocabulary
    "directors": _NAMES,
    "cast": _NAMES,  # billing order
    "writers": _NAMES,
    "keywords": _NAMES,
    "overview": pl.String(),
    "overview_url": pl.String(),  # page to credit for the overview
    "runtime_minutes": pl.Int32(),
    "countries": _NAMES,  # ISO 3166-1 alpha-2
    "languages": _NAMES,  # ISO 639-1
    "poster_url": pl.String(),
    "services": _NAMES,  # canonical streaming service names
    "external_rating": pl.Float64(),  # 0–5
    "external_votes": pl.Int64(),
    "composers": _NAMES,
    "cinematographers": _NAMES,
    "look": pl.String(),  # JSON object
}
LIST_COLUMNS = tuple(name for name, dtype in METADATA.items() if isinstance(dtype, pl.List))
MAX_RUNTIME_MINUTES = 2000
"""Longer "films" are whole series with a summed runtime."""


@dataclass(frozen=True, slots=True)
class Source:
    """A loaded metadata source.

    ``parts`` are matched one by one, so one film may meet a row of each part. ``lends_ids`` says whether a film without
    IMDb or TMDb id may take the row's: not from JustWatch, whose ids are wrong once in fourteen titles.
    """

    name: str
    parts: list[pl.DataFrame] = field(default_factory=list)
    lends_ids: bool = False

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.height for part in self.parts)


def conform(frame: pl.DataFrame) -> pl.DataFrame:
    """Bring a frame to ``METADATA``: missing columns null, text trimmed, empty text and empty lists null."""
    frame = frame.with_row_index("_index").with_columns(pl.col("_index").cast(pl.UInt32).alias("row")).drop("_index")
    columns = []
    for name, dtype in METADATA.items():
        if name not in frame.columns:
            columns.append(pl.lit(None, dtype=dtype).alias(name))
            continue
        column = pl.col(name).cast(dtype, strict=False)
        if isinstance(dtype, pl.String):
            column = clean_text(column)
        elif isinstance(dtype, pl.List):
            column = clean_list(column)
        columns.append(column.alias(name))
    frame = frame.select(columns)
    runtime = pl.col("runtime_minutes")
    return frame.with_columns(pl.when(runtime.is_between(1, MAX_RUNTIME_MINUTES)).then(runtime))


def clean_text(column: pl.Expr) -> pl.Expr:
    """Collapse white space and zero-width characters; empty becomes null."""
    text = column.str.replace_all(r"[\u{200B}\u{200C}\u{FEFF}]", "").str.replace_all(r"\s+", " ").str.strip_chars()
    return pl.when(text.str.len_bytes() > 0).then(text)


def clean_list(column: pl.Expr) -> pl.Expr:
    """Trim entries, drop empty and repeated ones (first place kept); an empty list becomes null."""
    entry = pl.element().str.replace_all(r"\s+", " ").str.strip_chars()
    names = column.list.eval(entry.filter(entry.str.len_bytes() > 0)).list.unique(maintain_order=True)
    return pl.when(names.list.len() > 0).then(names)
