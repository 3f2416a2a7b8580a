from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cine_recommender.evaluation.metrics import MEASURES
from cine_recommender.evaluation.protocol import SURVIVORS, Course, ModelFailed, Result
from cine_recommender.evaluation.reading import Log
from cine_recommender.evaluation.splits import arranged, rolling, temporal
from cine_recommender.evaluation.summary import summarised
from cine_recommender.interactions import Interactions
from cine_recommender.signals import ease, popularity
from cine_recommender.signals.signal import Candidate, FilmFacts

from .audience import Table, audience, fit_half, fit_lots, fit_taste
from .logs import log_of


def quiet(_step: str, _done: int, _total: int) -> None: ...


TASTE = Candidate("taste", fit_taste, [{}])
LOTS = Candidate("lots", fit_lots, [{}])
POPULAR = Candidate("popular", popularity.fit, [{}])
HALF = Candidate("half", fit_half, [{}])


@pytest.fixture(scope="module")
def log() -> Log:
    return audience()


@pytest.fixture(scope="module", params=["U", "T"])
def course(request: pytest.FixtureRequest, log: Log) -> Course:
    return Course.by_person(log, 1) if request.param == "U" else Course.over_time(log, 1, cuts=4)


@pytest.fixture(scope="module")
def result(course: Course) -> Result:
    return course.result([course.run(one, quiet) for one in (LOTS, POPULAR, HALF, TASTE)])


def test_the_model_that_knows_tastes_leads_and_the_one_that_draws_lots_is_last(result: Result) -> None:
    lines = summarised(result, 500)
    assert [line.model for line in lines][:2] == ["taste", "half"]
    assert {line.model for line in lines[2:]} == {"popular", "lots"}
    best, second = lines[0], lines[1]
    assert best.lead is not None and best.over == "half" and best.lead.low <= best.lead.mean <= best.lead.high
    assert second.lead is not None and second.over == "taste"
    assert second.lead.mean == pytest.approx(-best.lead.mean)
    assert second.lead.low == pytest.approx(-best.lead.high)
    last = next(line for line in lines if line.model == "lots")
    assert last.lead is not None and last.lead.high < 0
    assert best.measures["ndcg"].mean <= result.ceiling + 1e-9


def test_a_real_signal_learns_tastes_that_nobody_told_it(course: Course, result: Result) -> None:
    learned = course.run(Candidate("EASE", ease.fit, [{"reg": 10.0}]), quiet)
    popular, taste = (result.outcomes[at].figures[:, 0].mean() for at in (1, 3))
    assert learned.figures[:, 0].mean() > (popular + taste) / 2


def test_tables_hold_means_of_all_measures(result: Result) -> None:
    for line in summarised(result, 200):
        for column, name in enumerate(MEASURES):
            values = line.outcome.figures[:, column]
            values = values[np.isfinite(values)]
            assert line.measures[name].mean == pytest.approx(values.mean())
            assert line.measures[name].low <= line.measures[name].mean <= line.measures[name].high
        assert 0 < line.outcome.coverage <= 1
        assert line.outcome.peak_mib > 10 and line.outcome.person_ms > 0 and line.outcome.fit_seconds > 0
        told = line.told()
        assert told["ndcg"]["mean"] == line.measures["ndcg"].mean and "figures" not in told


def test_running_twice_gives_the_same(course: Course, result: Result) -> None:
    again = course.run(LOTS, quiet)
    np.testing.assert_array_equal(again.figures, result.outcomes[0].figures)


def test_options_are_chosen_by_validation_and_the_test_has_no_say(log: Log) -> None:
    seen: list[tuple[Any, int]] = []

    def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Table:
        seen.append((options["sign"], len(interactions)))
        return fit_taste(interactions, facts, options, seed)

    outcome = Course.by_person(log, 1).run(Candidate("choice", fit, [{"sign": -1.0}, {"sign": 1.0}]), quiet)
    assert outcome.chosen == [{"sign": 1.0}]
    validation, test = temporal(arranged(log.interactions, 1))
    rows = len(validation.fit), len(test.fit)
    assert seen == [(-1.0, rows[0]), (1.0, rows[0]), (1.0, rows[1])]
    assert [trial.options["sign"] for trial in outcome.tried] == [-1.0, 1.0]
    assert outcome.tried[1].value > outcome.tried[0].value


def test_under_t_a_window_counts_for_later_cuts_only(log: Log) -> None:
    """One choice is good before the third cut and bad from then on, the other the other way round: the turn is seen too late."""
    folds = rolling(arranged(log.interactions, 1), 4)
    sizes = [len(fold.fit) for fold in folds]

    def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Table:
        early = len(interactions) < sizes[2]
        return fit_taste(interactions, facts, {"sign": 1.0 if early == options["early"] else -1.0}, seed)

    outcome = Course.over_time(log, 1, cuts=4).run(Candidate("turn", fit, [{"early": False}, {"early": True}]), quiet)
    assert outcome.chosen[:2] == [{"early": True}, {"early": True}]
    starts = np.cumsum([0, *(len(fold.people) for fold in folds[1:])])
    ndcg = outcome.figures[:, 0]
    assert ndcg[: starts[1]].mean() > 0.3 and ndcg[starts[1] : starts[2]].mean() < 0.1


def test_under_t_only_the_best_of_the_first_window_go_on(log: Log) -> None:
    fitted: list[float] = []

    def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Table:
        fitted.append(options["sign"])
        return fit_taste(interactions, facts, options, seed)

    many = [{"sign": sign} for sign in (-1.0, -2.0, -3.0, 1.0, 2.0, 3.0, 4.0)]
    outcome = Course.over_time(log, 1, cuts=3).run(Candidate("many", fit, many), quiet)
    assert len(outcome.tried) == len(many)
    assert fitted[: len(many)] == [one["sign"] for one in many]
    assert sorted(fitted[len(many) :]) == sorted([1.0, 2.0, 3.0, 4.0] * 3) and SURVIVORS == 4


def test_a_learned_fusion_is_told_which_rows_it_may_rehearse_on_and_never_sees_the_test(log: Log) -> None:
    validation, test = temporal(arranged(log.interactions, 1))
    given: list[tuple[int, np.ndarray]] = []

    def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Table:
        given.append((len(interactions), options["rehearsal"]))
        return fit_taste(interactions, facts, options, seed)

    candidate = Candidate("fusion", fit, [{"sign": 1.0}, {"sign": 0.5}], learned_fusion=True)
    outcome = Course.by_person(log, 1).run(candidate, quiet)
    assert [rows for rows, _ in given] == [len(validation.fit)] * 2 + [len(test.fit)]
    np.testing.assert_array_equal(given[0][1], validation.rehearsal)
    np.testing.assert_array_equal(given[2][1], test.rehearsal)
    assert outcome.learned_fusion and outcome.chosen == [{"sign": 1.0}]


def test_single_signals_are_what_a_fusion_is_held_against(course: Course, result: Result) -> None:
    fusion = course.run(Candidate("fusion", fit_taste, [{}], learned_fusion=True), quiet)
    lines = summarised(course.result([*result.outcomes, fusion]), 200)
    leads = {line.model: line for line in lines}
    assert leads["fusion"].over == "taste" and leads["taste"].over == "half"
    lead = leads["fusion"].lead
    assert (
        lead is not None and lead.mean == 0 and lead.low == 0 and lead.high == 0
    )  # the same figures, person by person


def test_a_model_whose_scores_cannot_be_ranked_is_named(course: Course) -> None:
    def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Table:
        return Table(np.full((90, 90), np.nan, np.float32))

    with pytest.raises(ModelFailed, match="holes: scores are not all finite"):
        course.run(Candidate("holes", fit, [{}]), quiet)


def test_a_log_nobody_can_be_judged_by_is_refused(log: Log) -> None:
    bored = Log("bored", log_of([(0, film, 2.0, film) for film in range(30)]), log.films, log.tags, "")
    with pytest.raises(ModelFailed, match="bored, protocol U: nobody has enough ratings"):
        Course.by_person(bored, 0)
    with pytest.raises(ModelFailed, match="bored, protocol T: nobody has enough ratings"):
        Course.over_time(bored, 0, cuts=2)


def test_progress_reaches_its_end(course: Course) -> None:
    told: list[tuple[str, int, int]] = []
    course.run(Candidate("two", fit_taste, [{}, {"sign": -1.0}]), lambda *one: told.append(one))
    done = [one[1] for one in told]
    assert done == sorted(done) and told[-1][1] == told[-1][2] > 2
    assert len({one[2] for one in told}) == 1
