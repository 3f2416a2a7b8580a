"""EASE and neighbours against their plain definitions; the moment before which popularity counts."""

from __future__ import annotations

import numpy as np
import pytest

from cine_recommender.interactions import Interactions
from cine_recommender.signals import ease, ials, neighbours, popularity
from cine_recommender.signals.filmtofilm import strongest
from cine_recommender.signals.weighing import Weighing

from .conftest import FILMS, history


def plain_ease(log: Interactions, reg: float) -> np.ndarray:
    liked = log.matrix((log.ratings >= 4).astype(np.float32)).toarray().astype(np.float64)
    inverse = np.linalg.inv(liked.T @ liked + reg * np.eye(liked.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


@pytest.mark.parametrize("people", [12, 60])
def test_both_forms_of_ease_are_the_definition(log: Interactions, people: int) -> None:
    part = log.take(log.people < people)
    weights = plain_ease(part, 7.0)
    for keep in (0, FILMS):
        signal = ease.fit(part, None, {"grade": 0, "reg": 7.0, "keep": keep}, 0)
        everyone = [part.history(at) for at in range(people)]
        profiles = Weighing(grade=0).profiles(everyone, FILMS).toarray()
        np.testing.assert_allclose(signal.scores(everyone), profiles @ weights, atol=2e-5)


def test_ease_keeps_the_strongest_of_each_row(log: Interactions) -> None:
    weights = plain_ease(log, 7.0)
    signal = ease.fit(log, None, {"grade": 0, "reg": 7.0, "keep": 5}, 0)
    for film in range(FILMS - 1):
        row = signal.scores([history((film, 5))])[0]
        best = np.argsort(-np.abs(weights[film]))[:5]
        assert set(np.flatnonzero(row)) == set(best)
        np.testing.assert_allclose(row[best], weights[film, best], atol=1e-5)


def test_ease_leaves_rare_films_out(log: Interactions) -> None:
    counts = np.bincount(log.films[log.ratings >= 4], minlength=FILMS)
    least = int(np.median(counts))
    rare, common = np.flatnonzero(counts < least), np.flatnonzero(counts >= least)
    for part in (log, log.take(log.people < 12)):
        signal = ease.fit(part, None, {"grade": 0, "reg": 7.0, "min_ratings": least}, 0)
        assert not signal.scores([history((int(common[0]), 5), (int(common[1]), 5))])[0, rare].any()
        assert not signal.scores([history((int(rare[0]), 5))]).any()


def test_ties_for_the_last_place_are_not_decided_by_the_sort() -> None:
    row = np.array([[9, 2, -2, 2, 3, 2, 0, 0]], dtype=np.float32)
    kept = strongest(row, 3)
    assert dict(zip(kept.indices.tolist(), kept.data.tolist(), strict=True)) == {4: 3, 1: 2, 2: -2}


def test_films_are_near_by_shrunk_cosine(log: Interactions) -> None:
    options = {"keep": FILMS, "shrink": 3.0, "busy": 0.0, "sharpen": 1.0, "grade": 0}
    signal = neighbours.fit_items(log, None, options, 0)
    liked = log.matrix((log.ratings >= 4).astype(np.float32)).toarray()
    common = liked.T @ liked
    sizes = np.linalg.norm(liked, axis=0)
    for film in (0, 5, 20):
        expected = common[film] / (sizes[film] * sizes + 3)
        expected[film] = 0
        np.testing.assert_allclose(signal.scores([history((film, 5))])[0], expected, rtol=1e-5)


def test_each_half_of_an_epoch_of_ials_is_its_system_solved(log: Interactions) -> None:
    options = ials.IalsOptions(factors=6, reg=0.05, unseen=0.2, grade=1)
    weights = log.matrix(options.learned(log.ratings))
    vectors = np.random.default_rng(0).standard_normal((FILMS, 6)).astype(np.float32)
    found = ials.solved(vectors, weights, 0.2 * vectors.T @ vectors, options)
    counted = np.diff(weights.indptr)
    assert {int(one) < 6 for one in counted} == {True, False}  # both ways of solving it
    for person in range(len(found)):
        mine = weights[person].toarray().ravel()
        ridge = 0.05 * (counted[person] + 0.2 * FILMS)
        system = (vectors.T * mine) @ vectors + 0.2 * vectors.T @ vectors + ridge * np.eye(6)
        np.testing.assert_allclose(found[person], np.linalg.solve(system, vectors.T @ mine), rtol=1e-3, atol=1e-5)


def test_popularity_knows_nothing_of_later(log: Interactions) -> None:
    signal = popularity.fit(log, None, {"days": 30}, 0)
    moment = 1_010_000_000
    scores = signal.scores([history((0, 5))], np.array([moment]))[0]
    window = (log.times >= moment - 30 * 86_400) & (log.times < moment)
    counts = np.bincount(log.films[window], minlength=FILMS)
    np.testing.assert_array_equal(np.floor(scores), counts)
    totals = np.bincount(log.films, minlength=FILMS)
    quiet = np.flatnonzero(counts == 0)
    if len(quiet) > 1:
        assert (np.argsort(-scores[quiet], kind="stable") == np.argsort(-totals[quiet], kind="stable")).all()


def test_popularity_without_a_moment_takes_the_last_rating(log: Interactions) -> None:
    signal = popularity.fit(log, None, {"days": 30}, 0)
    mine = log.history(5)
    np.testing.assert_array_equal(signal.scores([mine]), signal.scores([mine], mine.times[-1:]))
    late = signal.scores([history()], np.array([int(log.times.max()) + 365 * 86_400]))
    assert (late < 1).all()
    assert late.any()


def test_weights_of_ratings() -> None:
    stars = np.array([0.5, 2.5, 3, 3.5, 4, 5], dtype=np.float32)
    np.testing.assert_allclose(Weighing(grade=0, rows="all", dislike=0.25).read(stars), [-0.25, -0.25, 1, 1, 1, 1])
    np.testing.assert_allclose(Weighing(grade=0, rows="all").learned(stars), [1] * 6)
    np.testing.assert_allclose(Weighing(rows="3.5", grade=1).read(stars), [0, 0, 0, 0.7, 0.8, 1])
    np.testing.assert_allclose(Weighing(rows="4", grade=0).learned(stars), [0, 0, 0, 0, 1, 1])
