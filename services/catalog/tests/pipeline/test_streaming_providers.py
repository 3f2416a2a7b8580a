from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from cine_catalog.pipeline import PipelineOptions, read_merged, run_pipeline
from cine_catalog.providers import (
    SERVICES,
    ListedServices,
    MockServices,
    canonical_or_given,
    canonical_service,
    streaming_columns,
)

FILMS = pl.DataFrame({"movie_id": list(range(1, 2001))}, schema={"movie_id": pl.Int32})


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("netflix", "Netflix"),
        ("NETFLIX ", "Netflix"),
        ("prime", "Prime Video"),
        ("amazon prime", "Prime Video"),
        ("Amazon-Prime_Video", "Prime Video"),
        ("disney plus", "Disney+"),
        ("Disney+", "Disney+"),
        ("hulu", "Hulu"),
        ("HBO Max", "Max"),
        ("apple tv+", "Apple TV+"),
    ],
)
def test_services_are_known_as_people_write_them(written: str, name: str) -> None:
    assert canonical_service(written) == name


def test_unknown_services_are_told_apart() -> None:
    assert canonical_service("Netflux") is None
    assert canonical_or_given(" Kanopy ") == "Kanopy"
    assert all(canonical_service(name) == name for name in SERVICES)


def test_real_lists_are_united_and_named() -> None:
    one = ListedServices(
        "justwatch",
        pl.DataFrame(
            {"movie_id": [1, 2], "services": [["Netflix"], ["Hulu"]]}, schema_overrides={"movie_id": pl.Int32}
        ),
    )
    two = ListedServices(
        "ott-titles",
        pl.DataFrame({"movie_id": [2], "services": [["Disney+", "Hulu"]]}, schema_overrides={"movie_id": pl.Int32}),
    )
    columns = streaming_columns([one, two], FILMS.head(3))
    assert columns["streaming_services"].to_list() == [["Netflix"], ["Disney+", "Hulu"], []]
    assert columns["streaming_source"].to_list() == ["justwatch", "justwatch|ott-titles", None]


def test_a_mock_never_mixes_with_a_real_list() -> None:
    real = ListedServices(
        "justwatch", pl.DataFrame({"movie_id": [1], "services": [["Netflix"]]}, schema_overrides={"movie_id": pl.Int32})
    )
    columns = streaming_columns([MockServices(1), real], FILMS)
    assert columns.filter(pl.col("streaming_services").list.len() > 0).height == 1
    assert "mock" not in columns["streaming_source"].drop_nulls().to_list()


def test_the_mock_is_seeded_labelled_and_independent_of_the_other_films() -> None:
    mock = MockServices(7)
    services = mock.services_for(FILMS)
    assert mock.is_mock
    assert services.to_list() == MockServices(7).services_for(FILMS).to_list()
    assert services.to_list()[100:200] == mock.services_for(FILMS.slice(100, 100)).to_list()
    assert services.to_list() != MockServices(8).services_for(FILMS).to_list()
    share = services.list.contains("Netflix").mean()
    assert isinstance(share, float)
    assert 0.12 < share < 0.20
    columns = streaming_columns([mock], FILMS)
    assert set(columns["streaming_source"].drop_nulls()) == {"mock"}
    assert set(columns.filter(pl.col("streaming_services").list.len() == 0)["streaming_source"]) == {None}


def test_the_pipeline_labels_made_up_services_and_can_do_without(small_movielens: Any) -> None:
    output = small_movielens.root.parent / "m.csv"
    report = run_pipeline(PipelineOptions(data_dir=small_movielens.root, output=output))
    assert report.streaming_providers == ["mock (made up)"]
    assert set(read_merged(output).films["streaming_source"].drop_nulls()) <= {"mock"}
    assert any("made up" in note for note in report.notes)
    bare = run_pipeline(PipelineOptions(data_dir=small_movielens.root, output=output, mock_streaming=False))
    assert bare.streaming_providers == []
    assert read_merged(output).films["streaming_source"].drop_nulls().len() == 0
