"""Figures that others reached on the same files: the cuts, measures and plain baselines come within 3 % of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cine_recommender.evaluation import biasonly
from cine_recommender.evaluation.protocol import Course
from cine_recommender.evaluation.published import RANKING, RATING
from cine_recommender.evaluation.rating import RatingCandidate, RatingCourse
from cine_recommender.evaluation.reading import Log, read_log
from cine_recommender.signals import ease, popularity
from cine_recommender.signals.signal import Candidate

PEOPLE = {"ml-latest-small": 589, "ml-latest-2023-slice": 1791}


def quiet(_step: str, _done: int, _total: int) -> None: ...


@pytest.fixture(scope="module", params=list(PEOPLE))
def log(request: pytest.FixtureRequest) -> Log:
    folder = Path(os.environ.get("CINE_DATA_DIR", "")) / request.param
    if not os.environ.get("CINE_DATA_DIR") or not (folder / "ratings.csv").is_file():
        pytest.skip(f"needs CINE_DATA_DIR with {request.param}")
    return read_log(folder)


def test_the_same_people_are_judged_and_plain_popularity_gives_the_same(log: Log) -> None:
    course = Course.by_person(log, 0)
    outcome = course.run(Candidate("popular", popularity.fit, [{"rows": "all"}]), quiet)
    ndcg, recall = RANKING[log.name]["popular"]
    assert len(outcome.figures) == PEOPLE[log.name]
    assert outcome.figures[:, 0].mean() == pytest.approx(ndcg, rel=0.03)
    assert outcome.figures[:, 1].mean() == pytest.approx(recall, rel=0.03)


@pytest.mark.slow
def test_ease_gives_the_same(log: Log) -> None:
    plain = {"rows": "4", "grade": 0.0, "reg": 200.0}
    outcome = Course.by_person(log, 0).run(Candidate("EASE", ease.fit, [plain]), quiet)
    ndcg, recall = RANKING[log.name]["EASE"]
    assert outcome.figures[:, 0].mean() == pytest.approx(ndcg, rel=0.03)
    assert outcome.figures[:, 1].mean() == pytest.approx(recall, rel=0.03)


def test_biases_alone_give_the_same(log: Log) -> None:
    course = RatingCourse(log, 0)
    line = course.result([course.run(RatingCandidate("bias only", biasonly.fit, [{}]), quiet)]).lines[0]
    assert line.rmse.mean == pytest.approx(RATING[log.name]["bias only"], abs=0.003)
