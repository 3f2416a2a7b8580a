"""From a merged catalogue to a published model; a catalogue that is damaged is refused with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.sparse

from cine.common.v1 import film_card_pb2
from cine.recommender.v1 import cinematch_pb2
from cine_recommender.models import layout
from cine_recommender.models.content import ContentModel, load_content
from cine_recommender.settings import RecommenderSettings
from cine_recommender.training.content import train_content
from cine_recommender.training.films import FilmsUnusable, read_films
from cine_recommender.training.options import ContentOptions, Weights
from cinemesh.artifacts import Artifact, ArtifactStore

from .conftest import COLUMNS, catalogue_rows, write_merged


def test_films_are_read_as_the_pipeline_wrote_them(tmp_path: Path) -> None:
    films = read_films(write_merged(tmp_path / "movies_merged.csv", catalogue_rows()))
    table = films.table
    assert len(films) == 240
    assert table["year"].is_sorted()
    matrix = table.row(by_predicate=pl.col("movie_id") == 2571, named=True)
    assert matrix["directors"] == ["Lana Wachowski", "Lilly Wachowski"]
    escaped = table.row(by_predicate=pl.col("movie_id") == 900, named=True)
    assert escaped["keywords"] == ["a|b", r"c\d"]
    assert (escaped["year"], escaped["overview"], escaped["rating_count"]) == (0, "", 0)


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def altered(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"The Matrix", b"The Martix"))


def without_manifest(path: Path) -> None:
    path.with_suffix(".manifest.json").unlink()


@pytest.mark.parametrize("damage", [half, altered, without_manifest])
def test_a_catalogue_that_is_not_what_its_manifest_says_is_refused(tmp_path: Path, damage: object) -> None:
    path = write_merged(tmp_path / "movies_merged.csv", catalogue_rows())
    assert callable(damage)
    damage(path)
    with pytest.raises(
        FilmsUnusable, match=r"movies_merged\.csv: not the file that movies_merged\.manifest\.json describes"
    ):
        read_films(path)


def test_a_pipeline_killed_while_it_switched_is_read(tmp_path: Path) -> None:
    path = write_merged(tmp_path / "movies_merged.csv", catalogue_rows())
    manifest = path.with_suffix(".manifest.json")
    manifest.rename(manifest.with_name(manifest.name + ".next"))
    manifest.write_text(json.dumps({"sha256": "0" * 64}))
    assert len(read_films(path)) == 240


@pytest.mark.parametrize("column", ["title", "genres", "streaming_services"])
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    path = write_merged(tmp_path / "m.csv", catalogue_rows(), columns=[name for name in COLUMNS if name != column])
    with pytest.raises(FilmsUnusable, match=f"column '{column}' is missing"):
        read_films(path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "holds no film"),
        ([{"movie_id": 1, "title": "A"}, {"movie_id": 1, "title": "B"}], "movie_id 1 occurs more than once"),
        ([{"movie_id": 1, "title": "A"}, {"title": "B"}], "row 3 has no movie_id or no title"),
        ([{"movie_id": 1, "title": "A", "year": "MCMXC"}], "MCMXC"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tmp_path: Path, rows: list[dict[str, object]], message: str) -> None:
    with pytest.raises(FilmsUnusable, match=message):
        read_films(write_merged(tmp_path / "m.csv", rows))


def test_no_catalogue_at_all(tmp_path: Path) -> None:
    with pytest.raises(FilmsUnusable, match="run the preprocessing first"):
        train_content(tmp_path / "movies_merged.csv", ArtifactStore(tmp_path))


def test_cards_hold_what_the_catalogue_holds(model: ContentModel, trained: tuple[ArtifactStore, Artifact]) -> None:
    row = model.cinematch.row_of(2571)
    assert row is not None
    expected = film_card_pb2.FilmCard(
        movie_id=2571,
        title="The Matrix",
        year=1999,
        genres=["Action", "Sci-Fi"],
        directors=["Lana Wachowski", "Lilly Wachowski"],
        cast=["Keanu Reeves", "Laurence Fishburne", "Carrie-Anne Moss"],
        keywords=["simulation", "artificial intelligence", "hacker"],
        overview="A hacker learns that the world he knows is a simulation run by machines.",
        runtime_minutes=136,
        poster_url="https://images.example/matrix.jpg",
        streaming_services=["Netflix", "Hulu"],
        streaming_source="justwatch",
        imdb_id="tt0133093",
        tmdb_id=603,
        average_rating=4.156,
        rating_count=900,
    )
    assert film_card_pb2.FilmCard.FromString(model.cards.card(row)) == expected
    every = np.arange(len(model), dtype=np.int32)
    scores = np.linspace(1, 0, len(model), dtype=np.float32)
    answer = cinematch_pb2.MatchMoviesResponse.FromString(model.cards.answer(every, scores))
    assert [one.movie_id for one in answer.recommendations] == model.movie_ids.tolist()
    assert [one.score for one in answer.recommendations] == scores.tolist()
    both = cinematch_pb2.MatchedMovie.FromString(expected.SerializeToString())
    both.score = answer.recommendations[row].score
    assert answer.recommendations[row] == both


def test_a_matched_movie_repeats_the_fields_of_a_card() -> None:
    matched = {field.name: field for field in cinematch_pb2.MatchedMovie.DESCRIPTOR.fields}
    for field in film_card_pb2.FilmCard.DESCRIPTOR.fields:
        same = matched[field.name]
        assert (same.number, same.type, same.is_repeated) == (field.number, field.type, field.is_repeated), field.name


def test_training_again_on_the_same_data_does_nothing(tmp_path: Path) -> None:
    path, store = write_merged(tmp_path / "m.csv", catalogue_rows()), ArtifactStore(tmp_path / "artifacts")
    steps: list[str] = []
    first = train_content(path, store, progress=lambda step, done: steps.append(f"{step} {done:.2f}"))
    assert steps[0].startswith("read")
    assert steps[-1] == "done 1.00"
    assert [float(step.split()[1]) for step in steps] == sorted(float(step.split()[1]) for step in steps)
    assert train_content(path, store) == first
    assert train_content(path, store, ContentOptions(min_df=2)).version != first.version
    assert train_content(path, store, ContentOptions(min_df=2), force=True).version == store.current_version("content")
    assert len(store.versions("content")) == 3
    assert first.manifest.metrics["films"].value == 240
    assert first.manifest.metrics["neighbour_genre_jaccard"].protocol


def terms_of(artifact: Artifact) -> int:
    return len(np.load(artifact.file(layout.BY_TERM + layout.STARTS))) - 1


def test_options_change_what_is_indexed(tmp_path: Path) -> None:
    path, store = write_merged(tmp_path / "m.csv", catalogue_rows(600)), ArtifactStore(tmp_path / "artifacts")
    sizes = {
        name: terms_of(train_content(path, store, options))
        for name, options in {
            "usual": ContentOptions(),
            "single words": ContentOptions(ngram_max=1),
            "rare terms too": ContentOptions(min_df=1),
            "few": ContentOptions(min_df=1, max_features=1000),
        }.items()
    }
    assert sizes["single words"] < sizes["usual"] < sizes["rare terms too"]
    assert sizes["few"] < sizes["rare terms too"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ngram_min": 3}, "ngram_min 3 is above ngram_max 2"),
        ({"max_features": 10}, "max_features"),
        ({"min_df": 0}, "min_df"),
    ],
)
def test_options_that_make_no_sense_are_refused(values: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ContentOptions(**values)


def test_weights_must_be_whole() -> None:
    with pytest.raises(ValueError, match=r"sum to 1\.300"):
        Weights(genres=0.5)


def test_settings_reach_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MAX_FEATURES": "5000", "NGRAM_MAX": "3", "MIN_DF": "7"}.items():
        monkeypatch.setenv(f"CINE_RECOMMENDER_{name}", value)
    options = RecommenderSettings().content_options()
    assert (options.max_features, options.ngram_min, options.ngram_max, options.min_df) == (5000, 1, 3, 7)


@pytest.mark.parametrize(
    "rows",
    [
        [{"movie_id": 1, "title": "Alone", "genres": "Drama"}],
        [{"movie_id": number, "title": f"T {number}", "year": 2000} for number in range(1, 5)],
        [
            {"movie_id": number, "title": "T", "overview": "the and of", "genres": "Drama|War"}
            for number in range(1, 40)
        ],
    ],
)
def test_a_poor_catalogue_still_gives_a_model(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    path = write_merged(tmp_path / "m.csv", rows)
    model = load_content(train_content(path, ArtifactStore(tmp_path / "artifacts")))
    from cine_recommender.domain.cinematch import Taste

    found = model.cinematch.match(Taste(limit=100), model.likeness.neighbours).ranked
    assert sorted(model.movie_ids[found.rows].tolist()) == [row["movie_id"] for row in rows]
    for row in range(len(model)):
        assert model.likeness.to_all(row).max() <= 1


def test_likeness_is_the_weighted_cosine_of_the_fields(
    trained: tuple[ArtifactStore, Artifact], model: ContentModel
) -> None:
    artifact = trained[1]
    starts, columns, values = (
        np.load(artifact.file(layout.BY_FILM + part)) for part in (layout.STARTS, layout.COLUMNS, layout.VALUES)
    )
    terms = scipy.sparse.csr_array((values, columns, starts)).toarray()
    meaning = np.zeros((len(model), 256), dtype=np.float32)
    meaning[np.load(artifact.file(layout.DESCRIBED))] = np.load(artifact.file(layout.MEANING))
    expected = np.minimum(terms @ terms.T + np.maximum(meaning @ meaning.T, 0), 1)
    assert np.diag(expected).max() == pytest.approx(1, abs=1e-5), "a film with every field is wholly like itself"
    np.fill_diagonal(expected, 0)
    for row in range(len(model)):
        np.testing.assert_allclose(model.likeness.to_all(row), expected[row], atol=1e-5)
    some = np.array([3, 100, 7, 50], dtype=np.int32)
    among = model.likeness.among(some)
    np.fill_diagonal(among, 0)
    np.testing.assert_allclose(among, expected[np.ix_(some, some)], atol=1e-5)
    one_by_one = np.array([model.likeness.alike(some)[place] for place in range(len(some))])
    np.fill_diagonal(one_by_one, 0)
    np.testing.assert_allclose(one_by_one, expected[np.ix_(some, some)], atol=1e-5)


def test_neighbours_are_remembered_and_sorted(model: ContentModel) -> None:
    row = model.cinematch.row_of(2571)
    assert row is not None
    rows, likeness = model.likeness.neighbours(row)
    assert model.movie_ids[rows[:2]].tolist() == [6365, 6934]
    assert row not in rows
    assert likeness.min() > 0
    again, _ = model.likeness.neighbours(row)
    assert again is rows
