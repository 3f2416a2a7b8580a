"""Filters keep what people ask for and nothing else, on films as training writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cine_recommender.domain.filters import Filters
from cine_recommender.models.content import ContentModel, load_content
from cine_recommender.training.content import train_content
from cinemesh.artifacts import ArtifactStore

from .conftest import COLUMNS, catalogue_rows, write_merged


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ContentModel:
    folder = tmp_path_factory.mktemp("filters")
    rows = catalogue_rows(120)
    for number, row in enumerate(rows):
        row["languages"] = ("en", "fr|en", "", "ko")[number % 4]
        row.setdefault("runtime_minutes", (0, 80, 95, 150)[number % 4] or "")
    path = write_merged(folder / "movies_merged.csv", rows, columns=[*COLUMNS, "languages"])
    return load_content(train_content(path, ArtifactStore(folder / "artifacts")))


def kept(model: ContentModel, filters: Filters) -> set[int]:
    return set(model.movie_ids[model.filters.passing(filters)].tolist())


def expected(wanted: object) -> set[int]:
    rows = catalogue_rows(120)
    for number, row in enumerate(rows):
        row["languages"] = ("en", "fr|en", "", "ko")[number % 4]
        row.setdefault("runtime_minutes", (0, 80, 95, 150)[number % 4])
    return {int(str(row["movie_id"])) for row in rows if wanted(row)}  # type: ignore[operator]


def listed(row: dict[str, object], name: str) -> set[str]:
    return set(str(row.get(name, "")).split("|"))


def number(row: dict[str, object], name: str) -> float:
    return float(str(row.get(name) or 0))


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (Filters(), lambda _: True),
        (Filters(languages=("fr", "ko")), lambda row: {"fr", "ko"} & listed(row, "languages")),
        (Filters(runtime_max=95), lambda row: 1 <= number(row, "runtime_minutes") <= 95),
        (Filters(runtime_min=95), lambda row: number(row, "runtime_minutes") >= 95),
        (Filters(runtime_min=90, runtime_max=100), lambda row: 90 <= number(row, "runtime_minutes") <= 100),
        (Filters(rating_min=4.1), lambda row: round(number(row, "average_rating"), 3) >= 4.1),
        (Filters(excluded_genres=("Horror", "Drama")), lambda row: not {"Horror", "Drama"} & listed(row, "genres")),
        (
            Filters(genres=("Action",), excluded_genres=("Sci-Fi",)),
            lambda row: {"Action", "Sci-Fi"} & listed(row, "genres") == {"Action"},
        ),
        (Filters(people=("Keanu Reeves",)), lambda row: "Keanu Reeves" in listed(row, "cast")),
        (
            Filters(people=("Lana Wachowski",), year_min=2000),
            lambda row: "Lana Wachowski" in listed(row, "directors") and number(row, "year") >= 2000,
        ),
        (Filters(year_max=1990), lambda row: 1 <= number(row, "year") <= 1990),
        (Filters(services=("Hulu", "Netflix")), lambda row: {"Hulu", "Netflix"} & listed(row, "streaming_services")),
    ],
)
def test_each_filter_keeps_exactly_its_films(model: ContentModel, filters: Filters, wanted: object) -> None:
    found = kept(model, filters)
    assert found == expected(wanted)
    assert found


def test_a_catalogue_without_languages_knows_none(tmp_path: Path) -> None:
    path = write_merged(tmp_path / "movies_merged.csv", catalogue_rows(40))
    loaded = load_content(train_content(path, ArtifactStore(tmp_path / "artifacts")))
    assert loaded.language_names.names == ()
    with pytest.raises(KeyError):
        loaded.filters.passing(Filters(languages=("fr",)))


def test_titles_people_and_facts_are_in_the_order_of_the_films(model: ContentModel) -> None:
    row = int(np.flatnonzero(model.movie_ids == 2571)[0])
    assert model.titles[row] == "The Matrix"
    assert model.filters.runtimes[row] == 136
    assert model.filters.mean_ratings[row] == np.float32(4.156)
    assert model.movie_ids[model.filters.people["Keanu Reeves"]].tolist() == [2571, 6365, 6934]
    assert model.movie_ids[model.filters.people["Audrey Tautou"]].tolist() == [4973]
    assert "Nobody" not in model.filters.people
