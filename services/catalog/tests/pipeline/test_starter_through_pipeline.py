from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cine_catalog.pipeline import OptionInvalid, PipelineOptions, SourceMissing, read_merged, run_pipeline
from cine_starter import load_films, write_movielens


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("starter")
    write_movielens(folder)
    return folder


def merged(options: PipelineOptions) -> dict[int, dict[str, Any]]:
    return {row["movie_id"]: row for row in read_merged(options.output).films.iter_rows(named=True)}


def test_every_starter_film_arrives_whole_and_the_audience_is_called_synthetic(starter: Path, tmp_path: Path) -> None:
    options = PipelineOptions(starter_dir=starter, output=tmp_path / "m.csv")
    report = run_pipeline(options)
    films = merged(options)
    given = load_films()
    assert report.base_source == "starter"
    assert report.synthetic_audience
    assert read_merged(options.output).manifest.synthetic_audience
    assert [step.name for step in report.filters] == ["read"], "old films stay unless asked"
    assert report.bad_row_count == 0
    assert list(films) == [film.id for film in given]
    for film in given:
        row = films[film.id]
        assert (row["title"], row["year"], row["genres"]) == (film.title, film.year, list(film.genres))
        assert (row["directors"], row["cast"], row["overview"]) == (film.directors, film.cast, film.overview)
        assert (row["composers"], row["cinematographers"]) == (film.composers, film.cinematographers)
        assert row["keywords"][: len(film.keywords)] == film.keywords
        assert (row["runtime_minutes"], row["countries"], row["imdb_id"]) == (
            film.runtime_minutes,
            film.countries,
            film.imdb_id,
        )
        assert json.loads(row["look"]) == film.look.model_dump()
        assert row["rating_count"] > 0
    assert {row["streaming_source"] for row in films.values()} <= {"mock", None}


def test_min_year_cuts_the_starter_catalogue_when_asked(starter: Path, tmp_path: Path) -> None:
    options = PipelineOptions(starter_dir=starter, output=tmp_path / "m.csv", min_year=2000)
    run_pipeline(options)
    assert min(row["year"] for row in merged(options).values()) >= 2000


def test_with_movielens_the_starter_lends_its_looks(small_movielens: Any, starter: Path, tmp_path: Path) -> None:
    film = next(film for film in load_films() if film.imdb_id)
    assert film.imdb_id is not None
    small_movielens.write(
        "ml-small/movies.csv", f"movieId,title,genres\n1,{film.title} ({film.year}),Drama\n2,Other (1999),Drama\n"
    )
    small_movielens.write("ml-small/links.csv", f"movieId,imdbId,tmdbId\n1,{film.imdb_id[2:]},5\n")
    options = PipelineOptions(
        data_dir=small_movielens.root, starter_dir=starter, output=tmp_path / "m.csv", min_year=1900
    )
    report = run_pipeline(options)
    films = merged(options)
    assert report.base_source == "movielens"
    assert not report.synthetic_audience
    assert set(films) == {1, 2}
    assert json.loads(films[1]["look"]) == film.look.model_dump()
    assert films[1]["overview_source"] == "starter"


def test_a_data_folder_without_films_falls_back_to_the_starter(starter: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    report = run_pipeline(PipelineOptions(data_dir=tmp_path / "data", starter_dir=starter, output=tmp_path / "m.csv"))
    assert report.base_source == "starter"


def test_asking_for_what_is_not_there_is_an_error(starter: Path, tmp_path: Path, small_movielens: Any) -> None:
    with pytest.raises(SourceMissing, match=r"movies\.csv"):
        run_pipeline(PipelineOptions(data_dir=tmp_path, starter_dir=starter, base="movielens"))
    with pytest.raises(OptionInvalid, match="starter_dir"):
        run_pipeline(PipelineOptions(data_dir=small_movielens.root, base="starter"))


def test_a_damaged_metadata_line_is_listed(starter: Path, tmp_path: Path) -> None:
    copy = tmp_path / "starter"
    copy.mkdir()
    for path in starter.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    lines = (copy / "starter_metadata.jsonl").read_text().splitlines()
    (copy / "starter_metadata.jsonl").write_text("\n".join(["{oops", '{"movie_id": "x"}', *lines[2:]]) + "\n")
    options = PipelineOptions(starter_dir=copy, output=tmp_path / "m.csv")
    report = run_pipeline(options)
    assert [bad.row for bad in report.bad_rows] == [1, 2]
    assert len(merged(options)) == len(lines)
