"""Which films belong together: by director, and by series. An answer shows only a few of each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from cine_recommender.training.films import Films

_SEQUEL = (
    r"(?i)[\s:,–-]+(?:part|chapter|vol\.?|volume|episode)?\s*(?:[0-9]{1,2}|[ivx]{1,5}|one|two|three|four|five)\s*$"
)
_SHORTEST = 4


def groups(films: Films) -> npt.NDArray[np.int32]:
    """Return int32 (2, films): the film's first director and its series as numbers, -1 where there is none.

    A series is a title up to its colon and without a trailing number ("The Matrix Reloaded" stays on its own, "Toy
    Story 2" joins "Toy Story"). Stems under four letters are too common to mean anything.
    """
    table = films.table
    stem = (
        pl.col("title")
        .str.replace(r"\s*:.*$", "")
        .str.replace(_SEQUEL, "")
        .str.replace(r"(?i)^(the|a|an)\s+", "")
        .str.to_lowercase()
        .str.strip_chars()
    )
    named = table.select(director=pl.col("directors").list.first().fill_null(""), series=stem)
    named = named.with_columns(
        series=pl.when(pl.col("series").str.len_chars() < _SHORTEST).then(pl.lit("")).otherwise("series")
    )
    return np.vstack([_numbered(named["director"]), _numbered(named["series"])])


def _numbered(names: pl.Series) -> npt.NDArray[np.int32]:
    frame = pl.DataFrame({"name": names})
    shared = pl.len().over("name") > 1
    number = pl.when((pl.col("name") != "") & shared).then(pl.col("name").rank("dense")).otherwise(None)
    return frame.select(number.cast(pl.Int32).fill_null(-1)).to_series().to_numpy()
