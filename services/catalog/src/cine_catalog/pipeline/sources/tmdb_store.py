"""What our own TMDb fetcher stored: ``tmdb/movies.jsonl``, one answer a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from cine_catalog.pipeline.report import BadRows
from cine_catalog.pipeline.sources.schema import LIST_COLUMNS, Source, conform
from cine_catalog.pipeline.sources.vocabulary import genre_names
from cine_catalog.providers.services import canonical_or_given
from cine_catalog.tmdb.store import STORE_FILE, BrokenLine, read_answers

_UNIT = "\x1f"
_POSTERS = "https://image.tmdb.org/t/p/w500"
_TEXTS = ("imdb_id", "title", "overview", "poster_url")


def load(folder: Path, bad: BadRows) -> Source:
    """Films the fetcher got; a damaged line is listed (the torn last line of a killed run is expected and is not)."""
    path = folder / STORE_FILE
    names = [name for name in LIST_COLUMNS if name not in ("other_titles",)]
    rows: dict[str, list[Any]] = {
        name: []
        for name in (*_TEXTS, *names, "other_titles", "tmdb_id", "year", "runtime_minutes", "rating", "external_votes")
    }
    latest: dict[int, Any] = {}
    for answer in read_answers(path):
        if isinstance(answer, BrokenLine):
            bad.add(path, answer.line, answer.reason, answer.excerpt)
        elif answer.film is not None:
            latest[answer.tmdb_id] = answer.film
    for tmdb_id, film in sorted(latest.items()):
        rows["tmdb_id"].append(tmdb_id)
        rows["imdb_id"].append(film.imdb_id)
        rows["title"].append(film.title)
        rows["other_titles"].append(film.original_title or "")
        rows["year"].append(film.year)
        rows["overview"].append(film.overview)
        rows["poster_url"].append(f"{_POSTERS}{film.poster_path}" if film.poster_path else None)
        rows["runtime_minutes"].append(film.runtime_minutes)
        rows["rating"].append(film.vote_average if film.vote_count else None)
        rows["external_votes"].append(film.vote_count)
        rows["services"].append(_UNIT.join(canonical_or_given(name) for name in film.services))
        for name in names:
            if name != "services":
                rows[name].append(_UNIT.join(getattr(film, name)))
    numbers = {"tmdb_id": pl.Int32, "year": pl.Int32, "runtime_minutes": pl.Int32, "rating": pl.Float64}
    schema = {name: numbers.get(name, pl.Int64 if name == "external_votes" else pl.String) for name in rows}
    frame = pl.DataFrame(rows, schema=schema).with_columns(
        pl.col("other_titles").str.split(_UNIT),
        *(pl.col(name).str.split(_UNIT) for name in names),
        (pl.col("rating") / 2).alias("external_rating"),
    )
    return Source("tmdb", [conform(frame.with_columns(genre_names(pl.col("genres"))))], lends_ids=True)
