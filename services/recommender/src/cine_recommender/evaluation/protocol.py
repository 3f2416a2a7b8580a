"""Running models under U and T: options are chosen before the test is looked at, and each person's figures are kept for pairing.

Options are chosen by NDCG@10. Under U each is fitted on what comes before the validation rows, and the best is fitted once more with them.
Under T the windows themselves are the validation of later ones: at each cut the options count that did best in all windows before it, and
a first window is there for that alone. After it only the `SURVIVORS` best go on, since every option is fitted at every cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from cine_recommender.evaluation.cost import measured
from cine_recommender.evaluation.facts import known_facts, looks
from cine_recommender.evaluation.metrics import MEASURES, Judge, Judged, ScoresUnusable
from cine_recommender.evaluation.reading import Log
from cine_recommender.evaluation.splits import Fold, arranged, rolling, temporal
from cine_recommender.interactions import Interactions
from cine_recommender.signals.signal import Candidate, FilmFacts
from cine_recommender.training.films import Films

Values = npt.NDArray[np.float64]
Options = dict[str, Any]
Progress = Callable[[str, int, int], None]
"""Step, items done, items in all."""

CUTS = 8
SURVIVORS = 4
_NDCG = MEASURES.index("ndcg")


class ModelFailed(Exception):
    """Something could not be judged; the message names the model, or the log."""


@dataclass(frozen=True)
class Trial:
    """One choice of options, and what it gave where it was tried: NDCG@10, for rating predictors RMSE."""

    options: Options
    value: float


@dataclass(frozen=True)
class Outcome:
    """What a model gave under a protocol.

    Attributes:
        model: its name.
        learned_fusion: whether it weighs other signals.
        chosen: the options used in each cut.
        tried: the options there were to choose from, with NDCG@10 on validation; empty when there was no choice.
        figures: float64 (rows, measures), columns as in `MEASURES`, one row a person and cut, cut by cut.
        coverage: 0 to 1, share of films recommended to somebody, mean over cuts.
        fit_seconds: of one fit, mean over cuts.
        person_ms: of scoring and ranking for one person, mean.
        peak_mib: most memory of the process while it was fitted and scored.
    """

    model: str
    learned_fusion: bool
    chosen: list[Options]
    tried: list[Trial]
    figures: Values
    coverage: float
    fit_seconds: float
    person_ms: float
    peak_mib: float


@dataclass(frozen=True)
class Result:
    """All models under one protocol on one log.

    Attributes:
        protocol: "U" or "T".
        data: name of the folder.
        fingerprint: of its ratings.
        seed: of lots and models.
        cuts: name, rows fitted on, films to choose from, people judged, of each cut.
        people: int32 (rows,): whose figures each row of an outcome is.
        ceiling: mean NDCG@10 of a perfect ranker.
        outcomes: of the models.
    """

    protocol: str
    data: str
    fingerprint: str
    seed: int
    cuts: list[dict[str, Any]]
    people: npt.NDArray[np.int32]
    ceiling: float
    outcomes: list[Outcome]


@dataclass
class _Cut:
    """A fold with all that is asked of it."""

    log: Log
    fold: Fold
    until: int | None
    catalogue: Films | None

    @cached_property
    def judge(self) -> Judge:
        return Judge(self.fold, looks(self.log, self.fold.fit.film_ids))

    @cached_property
    def facts(self) -> FilmFacts:
        return known_facts(self.log, self.fold, self.until, self.catalogue)

    def told(self) -> dict[str, Any]:
        return {
            "name": self.fold.name,
            "fitted": len(self.fold.fit),
            "films": int(self.judge.candidates.sum()),
            "people": len(self.fold.people),
        }


@dataclass(frozen=True)
class _Trialled:
    """A model fitted and judged once."""

    judged: Judged
    fit_seconds: float
    peak_mib: float

    @property
    def ndcg(self) -> float:
        return float(self.judged.figures[:, _NDCG].mean())


class Course:
    """A protocol on one log: runs one model after the other.

    Attributes:
        settings: what a figure depends on besides the model, for JSON.
    """

    def __init__(self, protocol: str, log: Log, seed: int, catalogue: Films | None, folds: list[Fold]) -> None:
        """Use `by_person` or `over_time`; the first of `folds` is for choosing options alone."""
        cuts = [_Cut(log, fold, _moment(fold) if protocol == "T" else None, catalogue) for fold in folds]
        self._protocol = protocol
        self._seed = seed
        self._log = log
        self._first = cuts[0]
        # a cut nobody can be judged at says nothing
        self._judged = [cut for cut in cuts[1:] if len(cut.fold.people)]
        if not self._judged:
            raise ModelFailed(
                f"{log.name}, protocol {protocol}: nobody has enough ratings before the cut and a film rated well after it"
            )
        self.settings: dict[str, Any] = {
            "protocol": protocol,
            "data": log.fingerprint,
            "seed": seed,
            "cuts": [cut.fold.name for cut in cuts],
            "catalogue": catalogue.fingerprint if catalogue else None,
        }

    @classmethod
    def by_person(cls, log: Log, seed: int, catalogue: Films | None = None) -> Self:
        """Returns protocol U.

        Raises:
            ModelFailed: There is nobody to judge by.
        """
        return cls("U", log, seed, catalogue, list(temporal(arranged(log.interactions, seed))))

    @classmethod
    def over_time(cls, log: Log, seed: int, cuts: int = CUTS, catalogue: Films | None = None) -> Self:
        """Returns protocol T with so many cuts.

        Raises:
            ModelFailed: There is nobody to judge by, or the log is too small for so many cuts.
        """
        try:
            folds = rolling(arranged(log.interactions, seed), cuts)
        except ValueError as error:
            raise ModelFailed(f"{log.name}, protocol T: {error}") from error
        return cls("T", log, seed, catalogue, folds)

    def run(self, candidate: Candidate, progress: Progress) -> Outcome:
        """Chooses options, fits and judges a model.

        Raises:
            ModelFailed: It gave scores that cannot be ranked.
        """
        step = f"{self._log.name} {self._protocol} {candidate.name}"
        if self._protocol == "U":
            return self._once(candidate, lambda done, total: progress(step, done, total))
        return self._at_each(candidate, lambda done, total: progress(step, done, total))

    def result(self, outcomes: Sequence[Outcome]) -> Result:
        """Returns outcomes of this course together."""
        return Result(
            protocol=self._protocol,
            data=self._log.name,
            fingerprint=self._log.fingerprint,
            seed=self._seed,
            cuts=[cut.told() for cut in self._judged],
            people=np.concatenate([cut.fold.people for cut in self._judged]),
            ceiling=float(np.concatenate([cut.judge.ceiling for cut in self._judged]).mean()),
            outcomes=list(outcomes),
        )

    def _once(self, candidate: Candidate, progress: Callable[[int, int], None]) -> Outcome:
        choices = list(candidate.grid) if len(candidate.grid) > 1 else []
        tried = []
        for at, options in enumerate(choices):
            progress(at, len(choices) + 1)
            tried.append(Trial(options, _try(candidate, options, self._first, self._seed).ndcg))
        chosen = max(tried, key=lambda one: one.value).options if tried else candidate.grid[0]
        progress(len(choices), len(choices) + 1)
        found = _try(candidate, chosen, self._judged[0], self._seed)
        progress(len(choices) + 1, len(choices) + 1)
        return _outcome(candidate, [chosen], tried, [found])

    def _at_each(self, candidate: Candidate, progress: Callable[[int, int], None]) -> Outcome:
        grid = list(candidate.grid)
        choices = grid if len(grid) > 1 and len(self._first.fold.people) else []
        steps = len(choices) + min(SURVIVORS, len(grid)) * len(self._judged)
        sums = np.zeros(len(grid))
        for at, options in enumerate(choices):
            progress(at, steps)
            sums[at] = _try(candidate, options, self._first, self._seed).judged.figures[:, _NDCG].sum()
        people = max(1, len(self._first.fold.people))
        tried = [Trial(options, float(total) / people) for options, total in zip(choices, sums, strict=False)]
        going = sorted(range(len(grid)), key=lambda at: -sums[at])[:SURVIVORS]
        done = len(choices)
        chosen, found = [], []
        for cut in self._judged:
            best = max(going, key=lambda at: sums[at])
            for at in going:
                progress(done, steps)
                one = _try(candidate, grid[at], cut, self._seed)
                done += 1
                if at == best:
                    found.append(one)
                    chosen.append(grid[at])
                # after the choice: a window never has a say in what is used in it
                sums[at] += one.judged.figures[:, _NDCG].sum()
        progress(steps, steps)
        return _outcome(candidate, chosen, tried, found)


def _moment(fold: Fold) -> int:
    """Returns the first moment that models must not know of."""
    return int(fold.now[0]) if len(fold.now) else int(fold.fit.times.max()) + 1


def _outcome(candidate: Candidate, chosen: list[Options], tried: list[Trial], found: list[_Trialled]) -> Outcome:
    people = sum(len(one.judged.figures) for one in found)
    return Outcome(
        model=candidate.name,
        learned_fusion=candidate.learned_fusion,
        chosen=chosen,
        tried=tried,
        figures=np.concatenate([one.judged.figures for one in found]),
        coverage=float(np.mean([one.judged.coverage for one in found])),
        fit_seconds=float(np.mean([one.fit_seconds for one in found])),
        person_ms=1000 * sum(one.judged.seconds for one in found) / people,
        peak_mib=max(one.peak_mib for one in found),
    )


def _try(candidate: Candidate, options: Options, cut: _Cut, seed: int) -> _Trialled:
    fit: Interactions = cut.fold.fit
    if candidate.learned_fusion:
        options = {**options, "rehearsal": cut.fold.rehearsal}
    facts, judge = cut.facts, cut.judge  # made before the clock starts
    with measured() as fitting:
        signal = candidate.fit(fit, facts, options, seed)
    with measured() as scoring:
        try:
            judged = judge.judge(signal.scores)
        except ScoresUnusable as error:
            raise ModelFailed(f"{candidate.name}: {error}") from error
    return _Trialled(judged, fitting.seconds, max(fitting.peak_mib, scoring.peak_mib))
