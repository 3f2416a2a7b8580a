"""The order in which good films are shown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cine_recommender.domain.calibration import Mix, divergence, genre_mix, genre_shares
from cine_recommender.domain.reranking import Reranking, push_down, rerank

PLAIN = Reranking(diversity=0, calibration=0, per_director=100, per_series=100)


def falling(films: int, seed: int = 0) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).random(films).astype(np.float32))[::-1]


@given(
    films=st.integers(0, 60),
    seed=st.integers(0, 1000),
    diversity=st.floats(0, 1),
    calibration=st.floats(0, 1),
    places=st.integers(1, 80),
    groups=st.booleans(),
)
def test_every_film_is_shown_once(
    films: int, seed: int, diversity: float, calibration: float, places: int, groups: bool
) -> None:
    draw = np.random.default_rng(seed)
    order = rerank(
        falling(films, seed),
        Reranking(diversity, calibration, 1, 1, 5, places),
        likeness=draw.random((films, films)).astype(np.float32),
        shares=genre_shares(draw.random((4, films)) < 0.5),
        wanted=np.array([0.5, 0.5, 0, 0], dtype=np.float32),
        groups=draw.integers(-1, 3, (2, films)).astype(np.int32) if groups else None,
    )
    assert sorted(order.tolist()) == list(range(films))


@given(films=st.integers(0, 60), seed=st.integers(0, 1000))
def test_the_score_decides_where_nothing_else_does(films: int, seed: int) -> None:
    likeness = np.random.default_rng(seed).random((films, films)).astype(np.float32)
    assert rerank(falling(films, seed), PLAIN, likeness=likeness).tolist() == list(range(films))


def test_a_film_unlike_those_before_goes_first() -> None:
    scores = np.array([1.0, 0.9, 0.8, 0.0], dtype=np.float32)
    likeness = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=np.float32)
    assert rerank(scores, PLAIN, likeness=likeness).tolist() == [0, 1, 2, 3]
    assert rerank(scores, Reranking(0.4, 0), likeness=likeness).tolist() == [0, 2, 1, 3]
    assert rerank(scores, Reranking(1.0, 0), likeness=likeness).tolist() == [0, 2, 3, 1]


def test_marginal_relevance_is_that_of_the_definition() -> None:
    draw = np.random.default_rng(5)
    scores, parts = falling(12, 5), draw.random((12, 6)).astype(np.float32)
    parts /= np.linalg.norm(parts, axis=1, keepdims=True)
    likeness, relevance = parts @ parts.T, (scores - scores.min()) / (scores.max() - scores.min())
    chosen: list[int] = []
    while len(chosen) < 12:
        left = [film for film in range(12) if film not in chosen]
        nearest = {film: max((likeness[film, other] for other in chosen), default=0.0) for film in left}
        chosen.append(max(left, key=lambda film: 0.7 * relevance[film] - 0.3 * nearest[film]))
    assert rerank(scores, Reranking(0.3, 0), likeness=likeness).tolist() == chosen


def test_one_maker_does_not_fill_a_window() -> None:
    groups = np.array([[7] * 6 + [-1] * 4, [-1] * 10], dtype=np.int32)
    order = rerank(falling(10), Reranking(0, 0, per_director=2, window=5, places=10), groups=groups).tolist()
    assert order[:5] == [0, 1, 6, 7, 8]
    assert order[5:] == [2, 3, 9, 4, 5], "a new window counts anew; when only that maker is left they come all the same"


def test_films_without_a_director_are_not_one_directors() -> None:
    groups = np.full((2, 10), -1, dtype=np.int32)
    assert rerank(falling(10), Reranking(0, 0, 1, 1), groups=groups).tolist() == list(range(10))


def test_the_genre_mix_of_a_list_follows_that_of_the_person() -> None:
    draw = np.random.default_rng(2)
    in_genre = np.zeros((2, 100), dtype=bool)
    in_genre[0, :50], in_genre[1, 50:] = True, True
    shares = genre_shares(in_genre)
    scores = np.concatenate([0.6 + 0.4 * draw.random(50), 0.5 * draw.random(50)]).astype(np.float32)
    order = np.argsort(-scores)
    wanted = np.array([0.7, 0.3], dtype=np.float32)

    def mix(calibration: float) -> np.ndarray:
        chosen = order[rerank(scores[order], Reranking(0, calibration), shares=shares[order], wanted=wanted)][:20]
        return genre_mix(shares[chosen], np.ones(20, dtype=np.float32))

    assert mix(0).tolist() == [1, 0], "by score alone the lesser interest is crowded out"
    assert mix(0.9) == pytest.approx([0.7, 0.3], abs=0.06)
    assert divergence(wanted, mix(0.5)) < divergence(wanted, mix(0))


def test_without_a_history_there_is_nothing_to_calibrate_to() -> None:
    shares = genre_shares(np.random.default_rng(0).random((3, 20)) < 0.5)
    for wanted in (None, np.zeros(3, dtype=np.float32)):
        assert rerank(falling(20), Reranking(0, 1), shares=shares, wanted=wanted).tolist() == list(range(20))


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=8), st.integers(0, 1000))
def test_divergence_is_0_for_the_same_mix_and_above_it_for_others(weights: list[float], seed: int) -> None:
    wanted = genre_mix(np.eye(len(weights), dtype=np.float32), np.array(weights, dtype=np.float32))
    other = np.random.default_rng(seed).dirichlet(np.ones(len(weights))).astype(np.float32)
    assert divergence(wanted, wanted) == pytest.approx(0, abs=1e-5)
    assert divergence(wanted, other) >= 0


def test_steck_2018_by_hand() -> None:
    wanted, list_mix = np.array([0.7, 0.3], dtype=np.float32), np.array([[1.0, 0.0]], dtype=np.float32)
    smoothed = (0.99 * 1 + 0.01 * 0.7, 0.01 * 0.3)
    expected = 0.7 * np.log(0.7 / smoothed[0]) + 0.3 * np.log(0.3 / smoothed[1])
    assert divergence(wanted, list_mix)[0] == pytest.approx(expected, rel=1e-5)


def test_a_film_with_two_genres_counts_half_for_each() -> None:
    in_genre = np.array([[True, True, False], [True, False, False]])
    assert genre_shares(in_genre).tolist() == [[0.5, 0.5], [1, 0], [0, 0]]


def test_what_was_put_aside_moves_back_and_less_so_as_time_goes_by() -> None:
    lateness = np.zeros(400, dtype=np.float32)
    assert push_down(lateness).tolist() == list(range(400))
    for late, place in ((1.0, 200), (0.5, 100), (0.25, 50)):
        lateness[0] = late
        order = push_down(lateness).tolist()
        assert abs(order.index(0) - place) <= 1
        assert [film for film in order if film] == list(range(1, 400))


@given(seed=st.integers(0, 1000))
def test_the_divergence_of_a_growing_list_is_that_of_the_whole_list(seed: int) -> None:
    draw = np.random.default_rng(seed)
    shares = genre_shares(draw.random((5, 12)) < 0.4)
    wanted = draw.dirichlet(np.ones(5)).astype(np.float32) * (draw.random(5) < 0.7)
    wanted = wanted / max(wanted.sum(), 1e-9) if wanted.any() else np.eye(5, dtype=np.float32)[0]
    mix, taken = Mix(wanted, shares), draw.permutation(12)[:4].tolist()
    for film in taken:
        mix.take(film)
    whole = [divergence(wanted, shares[[*taken, film]].mean(axis=0)) for film in range(12)]
    np.testing.assert_allclose(mix.divergence_with_each(), whole, atol=1e-5)


@given(seed=st.integers(0, 1000), few=st.integers(1, 20))
def test_more_places_do_not_change_the_first_ones(seed: int, few: int) -> None:
    draw = np.random.default_rng(seed)
    given_ = {
        "likeness": draw.random((30, 30)).astype(np.float32),
        "shares": genre_shares(draw.random((4, 30)) < 0.5),
        "wanted": np.array([0.5, 0.5, 0, 0], dtype=np.float32),
        "groups": draw.integers(-1, 8, (2, 30)).astype(np.int32),
    }
    some, all_ = (rerank(falling(30, seed), Reranking(0.3, 0.3, places=places), **given_) for places in (few, 30))
    assert some[:few].tolist() == all_[:few].tolist()
