"""The generated log: its shape, that it is the same each time, and that nothing in it contradicts itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cine_recommender.interactions import Interactions
from cine_recommender.scale import columns
from cine_recommender.scale.films import World, facts_of_world, world_of
from cine_recommender.scale.generated import FIRST_MOMENT, LAST_MOMENT, activity, generate
from cine_recommender.scale.shape import FEWEST, FILMS, LONGEST, PEOPLE, RATINGS, Shape, shape_of
from cine_recommender.signals import ease, popularity

SHAPE = shape_of(0.003)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log")


@pytest.fixture(scope="module")
def world(folder: Path) -> World:
    return generate(folder, SHAPE, seed=3)


@pytest.fixture(scope="module")
def log(folder: Path, world: World) -> Interactions:
    return columns.read(folder)


def test_shares_of_the_whole_shape() -> None:
    assert shape_of(1) == Shape(PEOPLE, RATINGS, FILMS, LONGEST)
    tenth = shape_of(0.1)
    assert (tenth.people, tenth.ratings) == (20_095, 3_200_020)
    assert FILMS / 5 < tenth.films < FILMS / 2
    for wrong in (0, -1, 1.01):
        with pytest.raises(ValueError, match="share must be above 0"):
            shape_of(wrong)


@pytest.mark.parametrize("share", [0.0005, 0.01, 1])
def test_activity_of_people_is_that_of_movielens(share: float) -> None:
    shape = shape_of(share)
    counts = activity(shape, np.random.default_rng(0))
    assert counts.sum() == shape.ratings
    assert counts.min() >= FEWEST
    assert counts.max() == shape.longest
    if share == 1:
        assert 60 <= np.median(counts) <= 85
        assert np.quantile(counts, 0.99) > 1000


def test_a_log_has_the_sizes_asked_for(log: Interactions) -> None:
    assert len(log) == SHAPE.ratings
    counts = np.bincount(log.people)
    assert len(counts) == len(log.person_ids) == SHAPE.people
    assert len(log.film_ids) == SHAPE.films
    assert counts.min() >= FEWEST
    assert counts.max() == SHAPE.longest


def test_nobody_rates_a_film_twice_or_before_it_came_out(log: Interactions, world: World) -> None:
    keys = log.people.astype(np.int64) * SHAPE.films + log.films
    assert len(np.unique(keys)) == len(log)
    assert (log.times >= world.released[log.films] - 1).all()
    assert log.times.min() >= FIRST_MOMENT
    assert log.times.max() <= LAST_MOMENT


def test_rows_are_ordered_by_person_and_time(log: Interactions) -> None:
    same = np.diff(log.people) == 0
    assert (np.diff(log.people) >= 0).all()
    assert (np.diff(log.times)[same] >= 0).all()
    # in sittings: most ratings come within a minute of the one before
    assert (np.diff(log.times)[same] <= 60).mean() > 0.8


def test_films_and_stars_are_as_heavy_tailed_as_in_movielens(log: Interactions) -> None:
    counts = np.sort(np.bincount(log.films, minlength=SHAPE.films))[::-1]
    assert 0.25 < counts[0] / SHAPE.people < 0.6
    assert counts[: SHAPE.films // 20].sum() > len(log) / 3  # one film in twenty has a third of the ratings
    assert np.median(counts[counts > 0]) <= 10
    assert (counts > 0).mean() > 0.85
    shares = np.bincount((log.ratings * 2).astype(int), minlength=11) / len(log)
    np.testing.assert_allclose(shares[[1, 6, 8, 10]], [0.0158, 0.1955, 0.2656, 0.1443], atol=0.01)


def test_equal_seeds_give_equal_logs_and_others_others(log: Interactions, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    generate(again, SHAPE, seed=3)
    generate(other, SHAPE, seed=4)
    for name in columns.COLUMNS:
        np.testing.assert_array_equal(getattr(columns.read(again), name), getattr(log, name))
    assert (columns.read(other).films != log.films).any()


def test_there_is_taste_to_learn(log: Interactions) -> None:
    """What others with the same films liked says more of the last films than what everybody likes."""
    starts = log.starts
    last = np.zeros(len(log), dtype=bool)
    last[np.concatenate([np.arange(end - 4, end) for end in starts[1:]])] = True
    fit, held = log.take(~last), log.take(last)
    people = np.arange(300)
    histories = [fit.history(one) for one in people]
    found = {}
    for name, model in (
        ("ease", ease.fit(fit, None, {"rows": "all", "reg": 100, "min_ratings": 3}, 0)),
        ("popular", popularity.fit(fit, None, {}, 0)),
    ):
        scores = model.scores(histories)
        for row, one in enumerate(histories):
            scores[row, one.films] = -np.inf
        best = np.argpartition(-scores, 50, axis=1)[:, :50]
        found[name] = np.mean([np.isin(held.history(one).films, best[one]).sum() for one in people])
    assert found["ease"] > 1.1 * found["popular"]


def test_facts_have_the_sizes_of_a_catalogue() -> None:
    world = world_of(SHAPE, 3)
    facts = facts_of_world(world, 3)
    assert facts.terms.shape == (SHAPE.films, 40_000)
    lengths = np.sqrt(np.asarray(facts.terms.multiply(facts.terms).sum(axis=1)))
    np.testing.assert_allclose(lengths, 1, rtol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(facts.meaning, axis=1), 1, rtol=1e-4)
    assert facts.genres.shape[1] == len(facts.genre_names)
    assert facts.keywords.shape[1] == len(facts.keyword_names)
    assert set(np.unique(facts.keywords.data)) == set(np.unique(facts.people.data)) == {1}
    # films of one taste are more alike than others
    main = world.tastes.argmax(axis=1)
    alike = facts.meaning[:400] @ facts.meaning[:400].T
    same = main[:400, None] == main[None, :400]
    np.fill_diagonal(same, False)
    assert alike[same].mean() > alike[~same].mean() + 0.2


def test_what_is_no_log_in_columns_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(columns.ColumnsUnusable, match=r"people\.npy"):
        columns.read(tmp_path)
    for one in folder.iterdir():
        (tmp_path / one.name).write_bytes(one.read_bytes())
    np.save(tmp_path / "ratings.npy", np.zeros(3, dtype=np.float32))
    with pytest.raises(columns.ColumnsUnusable, match=r"ratings\.npy: is not float32"):
        columns.read(tmp_path)


def test_a_writer_refuses_other_numbers_of_rows_than_it_was_told_of(tmp_path: Path) -> None:
    row = tuple(np.ones(2) for _ in columns.COLUMNS)
    with columns.Writer(tmp_path, 3) as writer:
        writer.write(*row)
        with pytest.raises(ValueError, match="are not the 3"):
            writer.finish(np.ones(1), np.ones(1))
        with pytest.raises(ValueError, match="more than the 3"):
            writer.write(*row)
