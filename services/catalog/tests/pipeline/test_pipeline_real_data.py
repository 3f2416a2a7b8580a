"""The pipeline on the real files. Skipped where ``CINE_DATA_DIR`` is unset or holds no ml-32m."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from cine_catalog.pipeline import (
    MergedCatalogue,
    PipelineOptions,
    PipelineReport,
    movielens,
    read_merged,
    run_pipeline,
    tmdb_ids,
)
from cine_catalog.pipeline.matching import Films, match, title_keys
from cine_catalog.pipeline.report import BadRows
from cine_catalog.pipeline.sources import tmdb_exports, wikipedia

ROOT = Path(os.environ.get("CINE_DATA_DIR", ""))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (os.environ.get("CINE_DATA_DIR") and (ROOT / "ml-32m" / "movies.csv").is_file()),
        reason="CINE_DATA_DIR is unset or has no ml-32m: the pipeline was not tried on real data",
    ),
]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> tuple[PipelineReport, MergedCatalogue]:
    output = tmp_path_factory.mktemp("merged") / "movies_merged.csv"
    report = run_pipeline(PipelineOptions(data_dir=ROOT, output=output))
    return report, read_merged(output)


def film(catalogue: MergedCatalogue, title: str, year: int) -> dict[str, object]:
    return catalogue.films.filter((pl.col("title") == title) & (pl.col("year") == year)).row(0, named=True)


def test_coverage_and_counts(result: tuple[PipelineReport, MergedCatalogue]) -> None:
    report, catalogue = result
    assert report.coverage_all.films == 87_585
    assert report.coverage_all.with_overview >= 28_000
    assert report.coverage_all.with_cast_or_director >= 25_000
    assert report.bad_row_count == 0
    by_name = {step.name: step for step in report.filters}
    assert 66_024 <= by_name["min_year 1980"].after <= 66_200
    assert 61_378 <= report.num_films <= 62_600
    assert report.num_films == catalogue.films.height == catalogue.manifest.rows
    assert [(r.folder, r.ratings + r.duplicates_dropped) for r in report.ratings] == [
        ("ml-latest-2023-slice", 206_584),
        ("ml-latest-small", 100_250),
    ]
    assert report.ratings[1].duplicates_dropped == 461


def test_well_known_films_are_whole(result: tuple[PipelineReport, MergedCatalogue]) -> None:
    _, catalogue = result
    matrix = film(catalogue, "The Matrix", 1999)
    assert matrix["movie_id"] == 2571
    assert matrix["imdb_id"] == "tt0133093"
    assert "Keanu Reeves" in matrix["cast"]  # type: ignore[operator]
    assert film(catalogue, "The City of Lost Children", 1995)["alternative_titles"][0] == "La Cité des enfants perdus"  # type: ignore[index]
    assert film(catalogue, "Short Circuit", 1986)["directors"] == ["John Badham"], (
        "JustWatch lists another film's people"
    )
    assert film(catalogue, "Fargo", 1996)["runtime_minutes"] == 98


def test_no_film_appears_twice_and_no_id_on_two_films(result: tuple[PipelineReport, MergedCatalogue]) -> None:
    films = result[1].films
    assert films["movie_id"].is_unique().all()
    assert films["movie_id"].is_sorted()
    links = pl.read_csv(ROOT / "ml-32m" / "links-partial.csv", schema_overrides={"tmdbId": pl.Int32})
    lent = films.join(links, left_on="movie_id", right_on="movieId", how="anti").filter(pl.col("tmdb_id").is_not_null())
    assert lent.height > 1_000
    assert lent["tmdb_id"].is_unique().all()
    assert not lent["tmdb_id"].is_in(links["tmdbId"].drop_nulls().implode()).any()


def test_title_matching_is_right_where_ids_can_tell() -> None:
    """MovieLens' own TMDb ids hidden, films and rows are paired by title and year, then the ids say who was right."""
    bad = BadRows()
    films = movielens.load_films(movielens.discover(ROOT)[0], bad)
    links = movielens.load_links(ROOT / "ml-32m" / "links-partial.csv", bad)
    part = tmdb_exports.load_top10k(ROOT / "tmdb-top10k", bad).parts[0]
    nothing = films.with_columns(pl.lit(None, pl.String).alias("imdb_id"), pl.lit(None, pl.Int32).alias("tmdb_id"))
    nobody = pl.DataFrame(schema={"movie_id": pl.Int32, "people": pl.List(pl.String)})
    keys = title_keys(nothing, "movie_id", "title", "alternative_titles")
    found = match(Films(nothing.select("movie_id", "year", "genres", "imdb_id", "tmdb_id"), keys, nobody), part)
    judged = found.pairs.join(links.drop_nulls("tmdb_id"), on="movie_id").join(
        part.select("row", pl.col("tmdb_id").alias("theirs")), on="row"
    )
    wrong = judged.filter(pl.col("tmdb_id") != pl.col("theirs")).height
    assert judged.height > 7_000
    assert wrong / judged.height < 0.003
    assert found.by_title == found.pairs.height


def test_directors_read_from_wikipedia_agree_with_what_is_known() -> None:
    text = wikipedia.load(ROOT / "wikipedia-movie-data", BadRows()).parts[0]
    known = {
        ("Jaws", 1975): ["Steven Spielberg"],
        ("Alien", 1979): ["Ridley Scott"],
        ("Fargo", 1996): ["Joel Coen", "Ethan Coen"],
        ("Beauty and the Beast", 1991): ["Gary Trousdale", "Kirk Wise"],
    }
    for (title, year), directors in known.items():
        rows = text.filter((pl.col("title") == title) & (pl.col("year") == year))["directors"].to_list()
        assert directors in rows, (title, rows)
    assert "German Expressionist" not in text["directors"].explode().to_list()
    assert text["directors"].drop_nulls().len() > 29_000


def test_ids_for_the_fetcher() -> None:
    ids = tmdb_ids(ROOT)
    assert len(ids) == len(set(ids)) > 25_000
