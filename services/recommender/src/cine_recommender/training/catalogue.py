"""What filters and wishes ask of films, written beside the vectors: running times, languages, titles, people."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from cine_recommender.models import layout
from cine_recommender.training.films import Films


def write_catalogue(films: Films, folder: Path) -> dict[str, list[str] | list[int]]:
    """Writes what `models.content` reads of films besides vectors, scores and cards.

    Returns:
        What belongs into the file of names: languages and the number of films of each.
    """
    table = films.table
    languages, by_language = rows_of(table["languages"])
    people, by_person = rows_of(table.select(pl.col("directors").list.concat("cast")).to_series())
    np.save(folder / layout.RUNTIMES, table["runtime_minutes"].to_numpy())
    # as the cards show it, so that nothing that says 4.0 fails a filter of 4
    np.save(folder / layout.MEAN_RATINGS, table["average_rating"].round(3).to_numpy().astype(np.float32))
    np.save(folder / layout.RATING_COUNTS, table["rating_count"].to_numpy())
    np.save(folder / layout.LANGUAGE_ROWS, np.concatenate([*by_language, np.empty(0, np.int32)]))
    np.save(folder / layout.PEOPLE_STARTS, np.cumsum([0, *map(len, by_person)], dtype=np.int64))
    np.save(folder / layout.PEOPLE_ROWS, np.concatenate([*by_person, np.empty(0, np.int32)]))
    (folder / layout.PEOPLE).write_text(json.dumps(people, ensure_ascii=False), encoding="utf-8")
    (folder / layout.TITLES).write_text(json.dumps(table["title"].to_list(), ensure_ascii=False), encoding="utf-8")
    return {"languages": languages, "language_sizes": [len(rows) for rows in by_language]}


def rows_of(lists: pl.Series) -> tuple[list[str], list[npt.NDArray[np.int32]]]:
    """Returns the names in a column of lists, sorted, and the rows that have each, ascending."""
    listed = pl.DataFrame({"name": lists}).with_row_index("row").explode("name").drop_nulls()
    grouped = listed.unique().sort("name", "row").group_by("name", maintain_order=True).agg("row")
    return grouped["name"].to_list(), [np.array(rows, dtype=np.int32) for rows in grouped["row"].to_list()]
