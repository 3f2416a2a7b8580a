"""Predicted ratings: SVD is the plain loop, and the Gaussian process is its definition and knows what an evening's mood is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cine_recommender.interactions import History, Interactions
from cine_recommender.signals import gaussian, svd

from .conftest import FILMS, film_facts, history


def test_steps_taken_together_are_those_of_the_loop(log: Interactions) -> None:
    options = svd.SvdOptions(factors=5, epochs=2)
    signal = svd.fit(log, None, options.model_dump(), 4)
    draw = np.random.default_rng(4)
    people, films = (draw.normal(0, 0.1, (n, 5)) for n in (len(log.person_ids), len(log.film_ids)))
    films[np.bincount(log.films, minlength=FILMS) == 0] = 0
    one, other, mean = np.zeros(len(people)), np.zeros(len(films)), float(log.ratings.mean())
    order = draw.permutation(len(log))
    for _ in range(2):
        for row in order:
            u, i = log.people[row], log.films[row]
            wrong = log.ratings[row] - mean - one[u] - other[i] - people[u] @ films[i]
            one[u] += 0.005 * (wrong - 0.02 * one[u])
            other[i] += 0.005 * (wrong - 0.02 * other[i])
            people[u], films[i] = (
                people[u] + 0.005 * (wrong * films[i] - 0.02 * people[u]),
                films[i] + 0.005 * (wrong * people[u] - 0.02 * films[i]),
            )
    expected = mean + one[log.people] + other[log.films] + np.einsum("nk,nk->n", people[log.people], films[log.films])
    np.testing.assert_allclose(signal.predict(log.people, log.films), np.clip(expected, 0.5, 5), atol=1e-5)


def test_groups_of_steps_share_nobody_and_keep_their_order(log: Interactions) -> None:
    groups = list(svd.apart(log.people, log.films))
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(log)))
    for rows in groups:
        assert len(set(log.people[rows].tolist())) == len(rows)
        assert len(set(log.films[rows].tolist())) == len(rows)
    turn = np.empty(len(log), dtype=int)
    for at, rows in enumerate(groups):
        turn[rows] = at
    for side in (log.people, log.films):
        for one in np.unique(side):
            assert (np.diff(turn[side == one]) > 0).all()


def held_out(log: Interactions) -> tuple[Interactions, Interactions]:
    test = np.random.default_rng(2).random(len(log)) < 0.2
    return log.take(~test), log.take(test)


def wrong(told: np.ndarray, test: Interactions) -> float:
    return float(np.sqrt(np.mean((told - test.ratings) ** 2)))


def test_both_learn_more_than_the_mean(log: Interactions) -> None:
    fit, test = held_out(log)
    plain = wrong(np.full(len(test), fit.ratings.mean()), test)
    by_descent = wrong(svd.fit(fit, None, {"rate": 0.02}, 0).predict(test.people, test.films), test)
    by_process = wrong(gaussian.fit(fit, film_facts(), {}, 0).predict(test.people, test.films, test.times), test)
    assert by_descent < 0.95 * plain
    assert by_process < min(0.9 * plain, by_descent)


def test_the_process_is_its_definition(log: Interactions) -> None:
    options = {
        "content": 0.0,
        "terms": 0.0,
        "factors": 0.0,
        "era": 0.3,
        "season": 2.0,
        "sitting": 0.0,
        "bias": 0.4,
        "noise": 0.5,
    }
    signal = gaussian.fit(log, film_facts(), options, 0)
    flat = gaussian.fit(log, film_facts(), {**options, "bias": 0, "era": 0}, 0)
    mine = history((1, 5), (4, 3.5), (9, 4))
    asked, moments = np.array([7, 20], dtype=np.int32), mine.times[1:] + 3600
    apart = np.abs(mine.times[:, None] - mine.times[None, :]) / 86_400
    system = 0.4 + 0.3 * np.exp(-apart / 2) + 0.5 * np.eye(3)
    towards = 0.4 + 0.3 * np.exp(-np.abs(moments[:, None] - mine.times[None, :]) / 86_400 / 2)
    usual = signal.rated(history(), np.arange(FILMS, dtype=np.int32))
    expected = usual[asked] + towards @ np.linalg.solve(system, mine.ratings - usual[mine.films])
    np.testing.assert_allclose(signal.rated(mine, asked, moments), np.clip(expected, 0.5, 5), atol=2e-5)
    np.testing.assert_allclose(flat.rated(mine, asked), flat.rated(history(), asked), atol=1e-6)


def test_ratings_of_one_sitting_share_a_mood(log: Interactions) -> None:
    signal = gaussian.fit(log, None, {}, 0)
    glum = history((1, 2), (2, 2), (3, 1.5))
    asked = np.array([10], dtype=np.int32)
    at_once, years_later = (signal.rated(glum, asked, glum.times[-1:] + later)[0] for later in (60, 3 * 365 * 86_400))
    assert at_once < years_later < signal.rated(history(), asked)[0]


def test_only_the_last_ratings_count_where_there_are_too_many(log: Interactions) -> None:
    signal = gaussian.fit(log, film_facts(), {"most": 3}, 0)
    long = history(*((film, 4.5) for film in range(8)))
    short = History(long.films[-3:], long.ratings[-3:], long.times[-3:])
    np.testing.assert_array_equal(signal.scores([long]), signal.scores([short]))


def test_a_saved_process_does_not_pretend_to_know_people(log: Interactions, tmp_path: Path) -> None:
    folder = tmp_path
    gaussian.fit(log, None, {}, 0).save(folder)
    with pytest.raises(ValueError, match="not for the people it learned from"):
        gaussian.GaussianRatings.load(folder).predict(log.people[:1], log.films[:1], log.times[:1])
