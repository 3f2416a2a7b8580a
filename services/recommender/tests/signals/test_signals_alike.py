"""What people rely on in every signal: the true reason, the same answer again, and no surprise from a film or person it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cine_recommender.interactions import History, Interactions
from cine_recommender.signals import bpr, content, ease, gaussian, graph, ials, neighbours, popularity, succession, svd
from cine_recommender.signals.signal import Fit, Signal

from .conftest import FILMS, UNRATED, film_facts, history, ratings_log


@dataclass(frozen=True)
class Case:
    kind: type[Any]
    fit: Fit
    options: dict[str, Any]
    linear: bool = True
    """Whether amounts of all films of a history sum to the score."""
    explains: bool = True
    stars: bool = False
    """Whether it predicts ratings: a film rated low may then raise another, which it says nothing against."""


CASES = {
    "ease-dual": Case(ease.Ease, ease.fit, {"reg": 20, "rows": "all", "grade": 1}),
    "ease-dense": Case(ease.Ease, ease.fit, {"reg": 20, "rows": "4"}),
    "ease-kept": Case(ease.Ease, ease.fit, {"reg": 20, "rows": "4", "keep": 6}),
    "ease-disliked": Case(ease.Ease, ease.fit, {"reg": 20, "rows": "4", "dislike": 0.5}),
    "ials": Case(ials.Ials, ials.fit, {"factors": 8, "epochs": 4, "rows": "4"}, linear=False),
    "item-knn": Case(neighbours.ItemNeighbours, neighbours.fit_items, {"keep": 10, "shrink": 2}),
    "user-knn": Case(
        neighbours.PersonNeighbours, neighbours.fit_people, {"keep": 9, "shrink": 2, "grade": 1}, linear=False
    ),
    "bpr": Case(bpr.Bpr, bpr.fit, {"factors": 8, "epochs": 40, "rate": 0.02}),
    "content": Case(content.Content, content.fit, {"genres": 0.3}),
    "content-kept": Case(content.Content, content.fit, {"keep": 12}),
    "walks": Case(graph.Walks, graph.fit, {"alpha": 0.7, "beta": 0.4, "genres": 0.1}),
    "walks-twice": Case(graph.Walks, graph.fit, {"alpha": 0.7, "beta": 0.4, "second": 0.3, "keep": 20}),
    "succession": Case(
        succession.Succession, succession.fit, {"keep": 40, "hours": 24 * 365, "window": 12}, linear=False
    ),
    "svd": Case(svd.Svd, svd.fit, {"factors": 6, "epochs": 5}, explains=False, stars=True),
    "ratings": Case(gaussian.GaussianRatings, gaussian.fit, {"rank": 3}, linear=False, stars=True),
    "popularity": Case(popularity.Popularity, popularity.fit, {}, explains=False),
    "popularity-90": Case(popularity.Popularity, popularity.fit, {"days": 90}, explains=False),
}


def few_people(log: Interactions) -> Interactions:
    return log.take(log.people < 20)


def learn(case: Case, log: Interactions, seed: int = 3) -> Signal:
    return case.fit(few_people(log) if case is CASES["ease-dual"] else log, film_facts(), case.options, seed)


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(scope="module")
def signal(case: Case, log: Interactions) -> Signal:
    return learn(case, log)


def some_histories(log: Interactions) -> list[History]:
    return [log.history(0), log.history(7), history((3, 5), (10, 4), (11, 1)), history((UNRATED, 5)), history()]


ratings = st.sampled_from([0.5, 1, 2, 2.5, 3, 3.5, 4, 4.5, 5])
rated = st.dictionaries(st.integers(0, FILMS - 1), ratings, min_size=1, max_size=12).map(
    lambda them: list(them.items())
)


@given(rated=rated, film=st.integers(0, FILMS - 1))
@settings(max_examples=40, deadline=None)
def test_without_a_film_the_score_falls_by_its_amount(
    case: Case, signal: Signal, rated: list[tuple[int, float]], film: int
) -> None:
    whole = history(*rated)
    told = {one.film: one.amount for one in signal.explain(whole, film)}
    if not case.explains:
        assert told == {}
        return
    assert set(told) <= set(whole.films.tolist())
    amounts = [one.amount for one in signal.explain(whole, film)]
    assert amounts == sorted(amounts, reverse=True)
    score = signal.scores([whole])[0, film]
    for one in whole.films.tolist():
        fell = score - signal.scores([whole.without(one)])[0, film]
        assert told.get(one, 0) == pytest.approx(fell, abs=2e-5, rel=2e-4)
    if case.linear:
        assert sum(told.values()) == pytest.approx(score, abs=2e-5, rel=2e-4)


def test_some_film_is_explained(case: Case, signal: Signal, log: Interactions) -> None:
    told = [signal.explain(log.history(0), film) for film in range(FILMS)]
    assert any(told) == case.explains


@given(film=st.integers(0, FILMS - 2), stars=st.sampled_from([0.5, 1, 1.5, 2, 2.5]))
@settings(max_examples=25, deadline=None)
def test_a_film_that_was_not_liked_raises_nothing(case: Case, signal: Signal, film: int, stars: float) -> None:
    if case.stars:
        return
    liked = history(*((one, 5.0) for one in (2, 8, 23) if one != film))
    with_it = History(
        np.append(liked.films, np.int32(film)),
        np.append(liked.ratings, np.float32(stars)),
        np.append(liked.times, liked.times[-1]),
    )
    before, after = signal.scores([liked, with_it])
    others = [at for at in range(FILMS) if at != film]
    if signal.name in {"ease", "bpr"}:  # their weights may be below 0: what resembles the film is what it speaks for
        resembling = signal.scores([history((film, 5))])[0] > 0
        others = [at for at in others if resembling[at]]
    assert (after[others] <= before[others] + 1e-6).all()


def test_what_was_saved_scores_the_same(case: Case, signal: Signal, log: Interactions, tmp_path: Path) -> None:
    signal.save(tmp_path / "signals")
    read = case.kind.load(tmp_path / "signals")
    people = some_histories(log)
    np.testing.assert_allclose(read.scores(people), signal.scores(people), rtol=1e-6, atol=1e-7)
    assert read.explain(people[0], 5) == signal.explain(people[0], 5)


def test_learned_again_it_is_the_same(case: Case, signal: Signal, log: Interactions) -> None:
    people = some_histories(log)
    np.testing.assert_array_equal(learn(case, ratings_log()).scores(people), signal.scores(people))


def test_nobody_known_gets_nothing(case: Case, signal: Signal) -> None:
    scores = signal.scores([history()])
    assert scores.shape == (1, FILMS)
    assert scores.dtype == np.float32
    assert signal.explain(history(), 3) == []
    if not isinstance(signal, popularity.Popularity):
        assert not scores.any()
    assert signal.scores([]).shape == (0, FILMS)


def test_films_it_does_not_know_change_nothing(case: Case, signal: Signal) -> None:
    known = history((3, 5), (10, 4))
    later = history((3, 5), (10, 4), (FILMS + 500, 5))
    moment = known.times[-1:]
    np.testing.assert_array_equal(signal.scores([later], moment), signal.scores([known], moment))
    assert signal.explain(later, 6) == signal.explain(known, 6)
    assert signal.explain(known, FILMS + 500) == []
    assert np.isfinite(signal.scores([history((UNRATED, 5))])).all()


def test_many_are_scored_as_one_is(signal: Signal, log: Interactions) -> None:
    people = [log.history(at) for at in range(12)]
    together = signal.scores(people)
    apart = np.vstack([signal.scores([one]) for one in people])
    np.testing.assert_allclose(together, apart, rtol=1e-4, atol=1e-5)


def test_unknown_and_impossible_options_are_refused(case: Case, log: Interactions) -> None:
    with pytest.raises(ValidationError, match="nonsense"):
        case.fit(log, film_facts(), {"nonsense": 1}, 0)
    if case.stars:
        return
    with pytest.raises(ValidationError, match="rows"):
        case.fit(log, film_facts(), {"rows": "5"}, 0)


def test_it_finds_films_of_ones_taste(case: Case, signal: Signal, log: Interactions) -> None:
    if not case.explains:
        return
    scores = signal.scores([history((0, 5), (3, 5), (6, 4.5), (9, 5))])[0]
    rest = np.setdiff1d(np.arange(FILMS - 1), [0, 3, 6, 9])
    same = rest % 3 == 0
    assert scores[rest][same].mean() > scores[rest][~same].mean()
    assert (rest[np.argsort(-scores[rest])][:6] % 3 == 0).sum() >= 5
