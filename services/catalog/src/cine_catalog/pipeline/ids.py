"""Which TMDb ids a MovieLens folder asks the fetcher for."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from cine_catalog.pipeline import movielens
from cine_catalog.pipeline.errors import SourceMissing
from cine_catalog.pipeline.options import DEFAULT_MIN_YEAR
from cine_catalog.pipeline.report import BadRows


def tmdb_ids(data_dir: Path, min_year: int = DEFAULT_MIN_YEAR) -> list[int]:
    """TMDb ids of the films from ``min_year`` on, newest films first, from the links of the largest MovieLens folder.

    Raises:
        SourceMissing: no MovieLens folder, or none with a links file.
    """
    if not data_dir.is_dir():
        raise SourceMissing(data_dir, "no such folder")
    folders = movielens.discover(data_dir)
    linked = [folder for folder in folders if folder.links is not None]
    if not linked:
        raise SourceMissing(data_dir / movielens.LINKS[0])
    bad = BadRows()
    films = movielens.load_films(folders[0], bad).filter(pl.col("year") >= min_year)
    tables = []
    for folder in linked:
        if folder.links is not None:
            links = movielens.load_links(folder.links, bad)
            same = films if folder is folders[0] else movielens.agreeing(folder, films)
            tables.append(links.join(same.select("movie_id"), on="movie_id", how="semi"))
    wanted = pl.concat(tables).drop_nulls("tmdb_id").join(films.select("movie_id", "year"), on="movie_id")
    return wanted.sort(["year", "tmdb_id"], descending=[True, False])["tmdb_id"].unique(maintain_order=True).to_list()
