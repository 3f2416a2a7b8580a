"""Protocol R: how near predicted ratings come to those given, by five-fold cross-validation over random rows.

It says nothing about what to recommend: somebody's unseen films are no random sample of what they chose to rate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cine_recommender.evaluation.bootstrap import RESAMPLES, Bootstrap, Estimate, estimate
from cine_recommender.evaluation.cost import measured
from cine_recommender.evaluation.facts import known_facts
from cine_recommender.evaluation.protocol import ModelFailed, Options, Progress, Trial
from cine_recommender.evaluation.reading import Log
from cine_recommender.evaluation.splits import Fold, arranged, shuffled
from cine_recommender.interactions import Floats, Interactions, Ints
from cine_recommender.signals.signal import FilmFacts
from cine_recommender.training.films import Films

Values = npt.NDArray[np.float64]
LOWEST, HIGHEST = 0.5, 5.0
_PARTS = 5


class RatingPredictor(Protocol):
    """What predicts ratings."""

    def predict(self, people: Ints, films: Ints, times: npt.NDArray[np.int64]) -> Floats:
        """Returns the rating that each person would give a film at a moment, float32 (n,); any range, it is cut to 0.5 to 5.

        Args:
            people: int32 (n,), numbers of the interactions it learned from. Some may have no row there.
            films: int32 (n,), likewise.
            times: int64 (n,), Unix seconds.
        """
        ...


RatingFit = Callable[[Interactions, FilmFacts | None, dict[str, Any], int], RatingPredictor]
"""Learns to predict ratings: from interactions, what is known of the films, options and a seed."""


@dataclass(frozen=True)
class RatingCandidate:
    """A rating predictor as the protocol judges it.

    Attributes:
        name: as tables show it.
        fit: learns it.
        grid: options to choose from, on a tenth of what each fold learns from.
    """

    name: str
    fit: RatingFit
    grid: Sequence[Options]


@dataclass(frozen=True)
class RatingLine:
    """A predictor in a table.

    Attributes:
        model: its name.
        rmse: mean of the folds' root mean squared errors, and the 95 % interval of that of all rows, from resampled people.
        mae: mean absolute error, likewise.
        gain: RMSE of `over` minus its own, paired: above zero where it is better.
        over: the predictor named first, against which all are held; None for that one itself.
        outcome: what it was made from.
    """

    model: str
    rmse: Estimate
    mae: Estimate
    gain: Estimate | None
    over: str | None
    outcome: RatingOutcome

    def told(self) -> dict[str, Any]:
        """Returns it for JSON, without the error of each row."""
        return {
            "model": self.model,
            "rmse": asdict(self.rmse),
            "mae": asdict(self.mae),
            "gain": None if self.gain is None else {"over": self.over, **asdict(self.gain)},
            "fit_seconds": self.outcome.fit_seconds,
            "peak_mib": self.outcome.peak_mib,
            "chosen": self.outcome.chosen,
            "tried": [asdict(trial) for trial in self.outcome.tried],
        }


@dataclass(frozen=True)
class RatingResult:
    """All predictors on one log, in the order given."""

    data: str
    fingerprint: str
    seed: int
    rows: int
    lines: list[RatingLine]


@dataclass(frozen=True)
class RatingOutcome:
    """What a predictor gave.

    Attributes:
        model: its name.
        chosen: options in each fold.
        tried: options there were to choose from in the first fold, with RMSE.
        errors: float64 (rows,): predicted minus given, in the order of the arranged log.
        folds: RMSE and MAE of each.
        fit_seconds: of one fit, mean over folds.
        peak_mib: most memory of the process meanwhile.
    """

    model: str
    chosen: list[Options]
    tried: list[Trial]
    errors: Values
    folds: list[tuple[float, float]]
    fit_seconds: float
    peak_mib: float


class RatingCourse:
    """Protocol R on one log: runs one predictor after the other.

    Args:
        log: what to run on.
        seed: of lots and predictors.
        catalogue: the merged catalogue, when predictors are to know of it.
    """

    def __init__(self, log: Log, seed: int, catalogue: Films | None = None) -> None:
        self.log = log
        self.seed = seed
        self._catalogue = catalogue
        self._rows = arranged(log.interactions, seed)
        self.settings = {
            "protocol": "R",
            "data": log.fingerprint,
            "seed": seed,
            "catalogue": catalogue.fingerprint if catalogue else None,
        }

    @cached_property
    def _parts(self) -> list[tuple[Fold, npt.NDArray[np.bool_], FilmFacts]]:
        found = []
        for fitted, tested in shuffled(self._rows, self.seed, _PARTS):
            part = _fold(self._rows, fitted)
            found.append((part, tested, known_facts(self.log, part, None, self._catalogue)))
        return found

    def run(self, candidate: RatingCandidate, progress: Progress) -> RatingOutcome:
        """Fits and tests a predictor in each fold.

        Raises:
            ModelFailed: It gave something that is no rating.
        """
        errors = np.empty(len(self._rows))
        chosen: list[Options] = []
        tried: list[Trial] = []
        folds = []
        seconds, peak = 0.0, 0.0
        for at, (part, tested, facts) in enumerate(self._parts):
            progress(f"{self.log.name} R {candidate.name}", at, _PARTS)
            options, trials = _choose(candidate, part.fit, facts, self.seed)
            chosen.append(options)
            tried = tried or trials
            with measured() as fitting:
                model = candidate.fit(part.fit, facts, options, self.seed)
            seconds, peak = seconds + fitting.seconds, max(peak, fitting.peak_mib)
            errors[tested] = _errors(candidate.name, model, part.held)
            folds.append((_rmse(errors[tested]), float(np.abs(errors[tested]).mean())))
        progress(f"{self.log.name} R {candidate.name}", _PARTS, _PARTS)
        return RatingOutcome(candidate.name, chosen, tried, errors, folds, seconds / _PARTS, peak)

    def result(self, outcomes: Sequence[RatingOutcome]) -> RatingResult:
        """Returns outcomes of this course as a table, gains over the first."""
        lines = _lines(outcomes, self._rows, self.seed)
        return RatingResult(self.log.name, self.log.fingerprint, self.seed, len(self._rows), lines)


def _fold(rows: Interactions, fitted: npt.NDArray[np.bool_]) -> Fold:
    fit, nobody = rows.take(fitted), np.empty(0, np.int32)
    return Fold("R", fit, rows.take(~fitted), nobody, nobody.astype(np.int64), np.zeros(len(fit), np.bool_))


def _choose(candidate: RatingCandidate, rows: Interactions, facts: FilmFacts, seed: int) -> tuple[Options, list[Trial]]:
    if len(candidate.grid) == 1:
        return candidate.grid[0], []
    fitted, tested = shuffled(rows, seed + 1, 10)[0]
    train, test = rows.take(fitted), rows.take(tested)
    tried = [
        Trial(options, _rmse(_errors(candidate.name, candidate.fit(train, facts, options, seed), test)))
        for options in candidate.grid
    ]
    return min(tried, key=lambda one: one.value).options, tried


def _errors(name: str, model: RatingPredictor, test: Interactions) -> Values:
    given = np.asarray(model.predict(test.people, test.films, test.times), dtype=np.float64)
    if given.shape != test.ratings.shape or not np.isfinite(given).all():
        raise ModelFailed(f"{name}: predictions are not one finite number for each of {len(test)} rows")
    return np.clip(given, LOWEST, HIGHEST) - test.ratings


def _rmse(errors: Values) -> float:
    return float(np.sqrt((errors**2).mean()))


def _lines(outcomes: Sequence[RatingOutcome], rows: Interactions, seed: int) -> list[RatingLine]:
    people = len(rows.person_ids)
    counts: Values = np.bincount(rows.people, minlength=people).astype(np.float64)
    squares: Values = np.column_stack([np.bincount(rows.people, one.errors**2, minlength=people) for one in outcomes])
    sizes: Values = np.column_stack(
        [np.bincount(rows.people, np.abs(one.errors), minlength=people) for one in outcomes]
    )
    bootstrap = Bootstrap(people, RESAMPLES, seed)
    rmse, mae = np.sqrt(bootstrap.means(squares, counts)), bootstrap.means(sizes, counts)
    means = [np.mean(one.folds, axis=0) for one in outcomes]
    return [
        RatingLine(
            model=one.model,
            rmse=estimate(means[at][0], rmse[:, at]),
            mae=estimate(means[at][1], mae[:, at]),
            gain=estimate(means[0][0] - means[at][0], rmse[:, 0] - rmse[:, at]) if at else None,
            over=outcomes[0].model if at else None,
            outcome=one,
        )
        for at, one in enumerate(outcomes)
    ]
