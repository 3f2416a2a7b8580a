from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from cine_recommender.evaluation import biasonly
from cine_recommender.evaluation.protocol import ModelFailed
from cine_recommender.evaluation.rating import RatingCandidate, RatingCourse
from cine_recommender.evaluation.reading import Log
from cine_recommender.evaluation.splits import arranged, shuffled
from cine_recommender.interactions import Floats, Interactions, Ints
from cine_recommender.signals.signal import FilmFacts

from .audience import audience


def quiet(_step: str, _done: int, _total: int) -> None: ...


@dataclass
class Always:
    """Predicts one number, for everybody and everything."""

    value: float

    def predict(self, people: Ints, films: Ints, times: npt.NDArray[np.int64]) -> Floats:
        return np.full(len(people), self.value, np.float32)


def fit_always(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Always:
    return Always(options["value"])


def fit_mean(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Always:
    return Always(float(interactions.ratings.mean()))


@dataclass
class ByGenre:
    """Knows tastes: mean of the person's ratings of films of the same genre."""

    rows: Interactions
    genres: Floats

    def predict(self, people: Ints, films: Ints, times: npt.NDArray[np.int64]) -> Floats:
        found = []
        for person, film in zip(people.tolist(), films.tolist(), strict=True):
            history = self.rows.history(person)
            same = (self.genres[history.films] @ self.genres[film]) > 0
            found.append(history.ratings[same].mean() if same.any() else 3.0)
        return np.array(found, np.float32)


def fit_by_genre(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> ByGenre:
    assert facts is not None
    return ByGenre(interactions, facts.genres)


@pytest.fixture(scope="module")
def log() -> Log:
    return audience()


def test_errors_are_those_of_the_definition_and_gains_are_over_the_first(log: Log) -> None:
    course = RatingCourse(log, 3)
    models = [RatingCandidate("mean", fit_mean, [{}]), RatingCandidate("genre", fit_by_genre, [{}])]
    mean, genre = course.result([course.run(one, quiet) for one in models]).lines
    rows = arranged(log.interactions, 3)
    rmse, mae = [], []
    for fitted, tested in shuffled(rows, 3):
        guess = float(rows.ratings[fitted].mean())
        errors = [abs(guess - stars) for stars in rows.ratings[tested].tolist()]
        rmse.append(math.sqrt(sum(error**2 for error in errors) / len(errors)))
        mae.append(sum(errors) / len(errors))
    assert mean.rmse.mean == pytest.approx(sum(rmse) / 5, abs=1e-6) and mean.mae.mean == pytest.approx(
        sum(mae) / 5, abs=1e-6
    )
    assert mean.gain is None and mean.rmse.low < mean.rmse.mean < mean.rmse.high
    assert genre.gain is not None and genre.over == "mean"
    assert genre.gain.mean == pytest.approx(mean.rmse.mean - genre.rmse.mean) and genre.gain.low > 0.3
    assert "errors" not in genre.told() and genre.told()["gain"]["over"] == "mean"


def test_predictions_beyond_the_scale_are_cut_to_it(log: Log) -> None:
    course = RatingCourse(log, 3)
    outcome = course.run(RatingCandidate("high", fit_always, [{"value": 50.0}]), quiet)
    np.testing.assert_allclose(outcome.errors, 5 - arranged(log.interactions, 3).ratings)


def test_options_are_chosen_inside_what_each_fold_learns_from(log: Log) -> None:
    sizes = []

    def fit(interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Always:
        sizes.append(len(interactions))
        return Always(options["value"])

    outcome = RatingCourse(log, 3).run(RatingCandidate("choice", fit, [{"value": 1.0}, {"value": 4.0}]), quiet)
    assert outcome.chosen == [{"value": 4.0}] * 5
    assert [trial.options["value"] for trial in outcome.tried] == [1.0, 4.0]
    assert outcome.tried[1].value < outcome.tried[0].value
    assert sizes == [864, 864, 960] * 5  # of 1,200 rows


def test_what_is_no_rating_is_refused_by_name(log: Log) -> None:
    with pytest.raises(ModelFailed, match="holes: predictions are not one finite number for each"):
        RatingCourse(log, 3).run(RatingCandidate("holes", fit_always, [{"value": math.nan}]), quiet)


def test_bias_only_is_a_mean_that_people_and_films_lie_from(log: Log) -> None:
    """Against the normal equations of the regularised problem, which alternating least squares approaches."""
    rows = log.interactions
    model = biasonly.fit(rows, None, {}, 0)
    people, films = len(rows.person_ids), len(rows.film_ids)
    design = np.zeros((len(rows), people + films))
    design[np.arange(len(rows)), rows.people] = 1
    design[np.arange(len(rows)), people + rows.films] = 1
    held = np.diag([15.0] * people + [10.0] * films)
    mean = float(rows.ratings.mean())
    exact = np.linalg.solve(design.T @ design + held, design.T @ (rows.ratings - mean))
    given = model.predict(rows.people, rows.films, rows.times)
    np.testing.assert_allclose(given, mean + design @ exact, atol=2e-3)
