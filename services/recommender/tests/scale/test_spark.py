"""Every step on Spark gives what it gives on one machine: counts exactly, the rest within 1e-5. Local mode, several parts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cine_recommender.evaluation.reading import read_log
from cine_recommender.evaluation.splits import latest
from cine_recommender.fusion.features import SIGNALS, Features
from cine_recommender.fusion.options import HybridOptions
from cine_recommender.fusion.parts import likenesses
from cine_recommender.fusion.stacked import Stacked
from cine_recommender.fusion.training import rehearsed
from cine_recommender.fusion.traits import traits_of
from cine_recommender.interactions import Interactions
from cine_recommender.scale import spark, spark_signals
from cine_recommender.signals import ease, graph, neighbours, succession
from cine_recommender.signals.filmtofilm import SparseWeights
from cine_recommender.signals.signal import FilmFacts
from cine_recommender.signals.weighing import Weighing

from ..signals.conftest import film_facts, ratings_log

pytestmark = [
    pytest.mark.skipif(not spark.installed(), reason="the spark extra is not installed (docs/scale.md)"),
    pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java: Spark wants version 17"),
    pytest.mark.timeout(600),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # Spark's own connections to its workers
]
PARTS = 5
FILMS = 200


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Interactions]:
    """A log as a file, its rows in no order and some moments equal, and as one machine reads it."""
    made = ratings_log(people=260, films=FILMS)
    folder = tmp_path_factory.mktemp("movielens")
    order = np.random.default_rng(0).permutation(len(made))
    lines = [
        f"{made.person_ids[made.people[row]]},{made.film_ids[made.films[row]]},{made.ratings[row]},{made.times[row] // 200_000 * 200_000}"
        for row in order
    ]
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + "\n".join(lines) + "\n")
    films = "\n".join(f"{one},Film ({1990 + one % 30}),Drama" for one in made.film_ids)
    (folder / "movies.csv").write_text(f"movieId,title,genres\n{films}\n")
    return folder / "ratings.csv", read_log(folder).interactions


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    found = spark.session(
        "local[2]", spark_sql_shuffle_partitions="4", spark_ui_enabled="false", spark_driver_memory="1g"
    )
    found.sparkContext.setLogLevel("ERROR")
    yield found
    found.stop()


@pytest.fixture(scope="module")
def parts(session: Any, log: tuple[Path, Interactions]) -> spark.Parts:
    return spark.read(session, log[0], parts=PARTS)


@pytest.fixture(scope="module")
def facts(log: tuple[Path, Interactions]) -> FilmFacts:
    return film_facts(films=len(log[1].film_ids))


def same(found: SparseWeights, expected: SparseWeights) -> None:
    assert found.matrix.nnz == expected.matrix.nnz > 0
    np.testing.assert_array_equal(found.matrix.indices, expected.matrix.indices)
    np.testing.assert_allclose(found.matrix.data, expected.matrix.data, rtol=1e-5, atol=1e-7)


def test_a_log_is_read_numbered_and_ordered_alike(parts: spark.Parts, log: tuple[Path, Interactions]) -> None:
    whole = parts.collected()
    assert parts.rdd.getNumPartitions() == PARTS
    assert (np.diff(log[1].times) == 0).any()  # of equal moments the order of the file counts
    for name in ("people", "films", "ratings", "times", "person_ids", "film_ids"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(log[1], name))


def test_films_are_numbered_as_asked(session: Any, parts: spark.Parts, log: tuple[Path, Interactions]) -> None:
    other = np.concatenate([log[1].film_ids[::-1], [9999]]).astype(np.int32)
    found = spark.read(session, log[0], other, parts=2).collected()
    np.testing.assert_array_equal(other[found.films], log[1].film_ids[log[1].films])
    with pytest.raises(ValueError, match="not among film_ids"):
        spark.read(session, log[0], other[5:])


def test_the_cut_is_that_of_protocol_u(parts: spark.Parts, log: tuple[Path, Interactions]) -> None:
    last = latest(log[1])
    for found, rows in zip(parts.cut(), (~last, last), strict=True):
        np.testing.assert_array_equal(found.collected().films, log[1].films[rows])
        np.testing.assert_array_equal(found.collected().people, log[1].people[rows])
    np.testing.assert_array_equal(parts.history_lengths(), np.diff(log[1].starts))


def test_cooccurrences_are_counted_exactly(
    parts: spark.Parts, log: tuple[Path, Interactions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_signals, "_BLOCK", 64)
    films = np.arange(0, len(log[1].film_ids), 2, dtype=np.int32)
    found = spark_signals.cooccurrence(parts, Weighing(rows="4", grade=0), films)
    liked = (log[1].ratings >= 4).astype(np.float32)
    matrix = log[1].matrix(liked).toarray()[:, films].astype(np.int64)
    np.testing.assert_array_equal(np.triu(found), np.triu(matrix.T @ matrix))


@pytest.mark.parametrize(
    "options",
    [{"rows": "4", "grade": 0.0, "reg": 20.0}, {"rows": "all", "reg": 30.0, "most_films": 90, "min_ratings": 3}],
)
def test_ease_is_the_same(parts: spark.Parts, log: tuple[Path, Interactions], options: dict[str, Any]) -> None:
    expected = ease.fit(log[1], None, options, 0)
    assert isinstance(expected.weights, ease.DenseWeights)
    histories = [log[1].history(at) for at in range(40)]
    found = spark_signals.fit_ease(parts, options).scores(histories)
    np.testing.assert_allclose(found, expected.scores(histories), rtol=1e-5, atol=1e-5)


def test_neighbours_are_the_same(parts: spark.Parts, log: tuple[Path, Interactions]) -> None:
    options = {"rows": "4", "keep": 400}
    same(spark_signals.fit_items(parts, options).weights, neighbours.fit_items(log[1], None, options, 0).weights)  # type: ignore[arg-type]


def test_what_follows_what_is_counted_alike(
    parts: spark.Parts, log: tuple[Path, Interactions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_signals, "_BLOCK", 64)
    options = {"keep": 400, "hours": 24.0 * 30}
    same(spark_signals.fit_succession(parts, options).weights, succession.fit(log[1], None, options, 0).weights)


@pytest.mark.parametrize("second", [0.0, 0.5])
def test_walks_end_alike(parts: spark.Parts, log: tuple[Path, Interactions], facts: FilmFacts, second: float) -> None:
    options = {"rows": "4", "keep": 400, "second": second}
    found, expected = spark_signals.fit_walks(parts, facts, options), graph.fit(log[1], facts, options, 0)
    same(found.weights, expected.weights)  # type: ignore[arg-type]


def test_traits_are_the_same(parts: spark.Parts, log: tuple[Path, Interactions], facts: FilmFacts) -> None:
    found, expected = spark_signals.traits(parts, facts), traits_of(log[1], facts)
    for name in ("counts", "liked", "years"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in ("means", "shares", "places", "genres"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-5)
    assert found.first_week == expected.first_week
    np.testing.assert_array_equal(found.weeks.toarray(), expected.weeks.toarray())


def test_curves_are_learned_from_the_same_films(
    parts: spark.Parts, log: tuple[Path, Interactions], facts: FilmFacts
) -> None:
    options = HybridOptions(people=60, candidates=30, ease_reg=20.0, ease_all_reg=20.0)
    expected = rehearsed(log[1], facts, options, seed=2)
    before, _ = parts.cut()
    chosen = {"keep": options.keep, "min_ratings": 1}
    matrices = {
        "ease": spark_signals.fit_ease(before, {"rows": "3.5", "grade": 1.0, "reg": 20.0, **chosen}).weights,
        "ease-all": spark_signals.fit_ease(before, {"rows": "all", "grade": 1.0, "reg": 20.0, **chosen}).weights,
        "succession": spark_signals.fit_succession(before, {"keep": options.keep}).weights,
        "graph": spark_signals.fit_walks(before, facts, {"rows": "4", "keep": options.keep}).weights,
    }
    sparse = {name: one.matrix for name, one in matrices.items()}  # type: ignore[attr-defined]
    sparse |= likenesses(log[1], facts, options, 2)
    features = Features(Stacked.of({one: sparse[one] for one in SIGNALS}), spark_signals.traits(before, facts))
    table, activity, people, wanted, watched = spark_signals.frame(parts, features, options, seed=2)
    np.testing.assert_array_equal(people, expected.people)
    np.testing.assert_array_equal(wanted, expected.wanted)
    np.testing.assert_array_equal(watched, expected.watched)
    np.testing.assert_allclose(activity, expected.activity, rtol=1e-6)
    np.testing.assert_allclose(table, expected.table, rtol=1e-4, atol=1e-5)
