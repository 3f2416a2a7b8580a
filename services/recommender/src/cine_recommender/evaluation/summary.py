"""From each person's figures to means with intervals, and who leads whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cine_recommender.evaluation.bootstrap import RESAMPLES, Bootstrap, Estimate, estimate
from cine_recommender.evaluation.metrics import MEASURES
from cine_recommender.evaluation.protocol import Outcome, Result

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A model in a table.

    Attributes:
        model: its name.
        measures: by name of the measure: mean and 95 % interval; left out where it says nothing of anybody.
        lead: NDCG@10 of this model minus that of the best single signal (the best other one, for that signal itself), paired.
        over: whom the lead is over; None when there is nobody else.
        outcome: what it was made from.
    """

    model: str
    measures: dict[str, Estimate]
    lead: Estimate | None
    over: str | None
    outcome: Outcome

    def told(self) -> dict[str, Any]:
        """Returns it for JSON, without each person's figures."""
        return {
            "model": self.model,
            **{name: asdict(one) for name, one in self.measures.items()},
            "coverage": self.outcome.coverage,
            "lead": None if self.lead is None else {"over": self.over, **asdict(self.lead)},
            "fit_seconds": self.outcome.fit_seconds,
            "person_ms": self.outcome.person_ms,
            "peak_mib": self.outcome.peak_mib,
            "chosen": self.outcome.chosen,
            "tried": [asdict(trial) for trial in self.outcome.tried],
        }


def summarised(result: Result, resamples: int = RESAMPLES) -> list[Line]:
    """Returns the models of a result, best NDCG@10 first; every interval from the same resamples of people."""
    ids, rows = np.unique(result.people, return_inverse=True)
    bootstrap = Bootstrap(len(ids), resamples, result.seed)
    found: list[dict[str, Estimate]] = [{} for _ in result.outcomes]
    ndcg = np.empty((resamples, 0))
    for column, measure in enumerate(MEASURES):
        values = np.column_stack([one.figures[:, column] for one in result.outcomes])
        means, resampled = _means(values, rows, bootstrap)
        for at, one in enumerate(found):
            if np.isfinite(means[at]):
                one[measure] = estimate(means[at], resampled[:, at])
        if measure == "ndcg":
            ndcg = resampled
    order = sorted(range(len(found)), key=lambda at: -found[at]["ndcg"].mean)
    return [_line(at, order, result.outcomes, found, ndcg) for at in order]


def _line(
    at: int, order: Sequence[int], outcomes: Sequence[Outcome], found: list[dict[str, Estimate]], ndcg: Values
) -> Line:
    rivals = [one for one in order if one != at and not outcomes[one].learned_fusion]
    outcome = outcomes[at]
    if not rivals:
        return Line(outcome.model, found[at], None, None, outcome)
    rival = rivals[0]
    lead = estimate(found[at]["ndcg"].mean - found[rival]["ndcg"].mean, ndcg[:, at] - ndcg[:, rival])
    return Line(outcome.model, found[at], lead, outcomes[rival].model, outcome)


def _means(values: Values, rows: npt.NDArray[np.intp], bootstrap: Bootstrap) -> tuple[Values, Values]:
    """Returns the mean of each column, and that in each resample of people.

    Somebody's values at several cuts stay together. Where a measure says nothing for some model, that row counts for nobody but the others.
    """
    known = np.isfinite(values)
    if known.all():
        counts = np.bincount(rows, minlength=bootstrap.people).astype(np.float64)
        sums = _by_person(values, rows, bootstrap.people)
        return values.mean(axis=0), bootstrap.means(sums, counts)
    means, resampled = np.full(values.shape[1], np.nan), np.full((bootstrap.resamples, values.shape[1]), np.nan)
    for at in range(values.shape[1]):
        told = known[:, at]
        if told.any():
            counts = np.bincount(rows[told], minlength=bootstrap.people).astype(np.float64)
            sums = _by_person(values[told, at : at + 1], rows[told], bootstrap.people)
            means[at] = values[told, at].mean()
            resampled[:, at] = bootstrap.means(sums, counts)[:, 0]
    return means, resampled


def _by_person(values: Values, rows: npt.NDArray[np.intp], people: int) -> Values:
    sums = np.zeros((people, values.shape[1]))
    np.add.at(sums, rows, values)
    return sums
