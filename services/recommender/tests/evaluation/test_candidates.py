from __future__ import annotations

import numpy as np
import pytest

from cine_recommender.evaluation.candidates import candidates, grid, named, rating_candidates
from cine_recommender.evaluation.facts import known_facts
from cine_recommender.evaluation.published import RANKING, RATING
from cine_recommender.evaluation.splits import arranged, temporal

from .audience import FILMS, audience

NAMES = [one.name for one in candidates()]


@pytest.mark.parametrize("name", NAMES)
def test_every_model_takes_every_option_it_may_choose_from(name: str) -> None:
    log = audience(people=9)
    _, fold = temporal(arranged(log.interactions, 0))
    facts = known_facts(log, fold)
    candidate = next(one for one in candidates() if one.name == name)
    assert candidate.grid and len({str(one) for one in candidate.grid}) == len(candidate.grid)
    found = []
    for options in candidate.grid:
        if name in ("BPR", "iALS"):  # how long they learn says nothing here
            options = {**options, "epochs": 1}
        scores = candidate.fit(fold.fit, facts, options, 0).scores(fold.histories(0, 3), fold.now[:3])
        assert scores.shape == (3, FILMS) and np.isfinite(scores).all()
        found.append(scores)
    assert len(found) == 1 or any(not np.allclose(one, found[0]) for one in found)  # the choice matters


@pytest.mark.parametrize("name", [one.name for one in rating_candidates()])
def test_every_rating_predictor_predicts(name: str) -> None:
    log = audience(people=9)
    _, fold = temporal(arranged(log.interactions, 0))
    candidate = next(one for one in rating_candidates() if one.name == name)
    for options in candidate.grid:
        model = candidate.fit(fold.fit, known_facts(log, fold), options, 0)
        given = model.predict(fold.held.people, fold.held.films, fold.held.times)
        assert given.shape == (len(fold.held),) and np.isfinite(given).all()


def test_which_ratings_to_learn_from_is_a_choice_of_every_tuned_ranker() -> None:
    for candidate in candidates():
        if len(candidate.grid) > 1:
            assert {options["rows"] for options in candidate.grid} == {"all", "3.5", "4"}, candidate.name


def test_models_that_others_published_are_all_judged() -> None:
    assert {name for known in RANKING.values() for name in known} <= set(NAMES)
    assert {name for known in RATING.values() for name in known} <= {one.name for one in rating_candidates()}


def test_a_grid_holds_every_combination() -> None:
    assert grid(a=(1, 2), b=("x",)) == [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}]


def test_models_are_asked_for_however_they_are_written() -> None:
    offered = ["EASE", "item-kNN", "recent popular"]
    assert named([], offered) == offered
    assert named(["Recent-Popular", "ease"], offered) == ["EASE", "recent popular"]
    with pytest.raises(ValueError, match="unknown model 'eas'; there are EASE, item-kNN, recent popular"):
        named(["eas"], offered)
