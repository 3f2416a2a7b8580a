"""Running protocols over folders and models, as `cine evaluate` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from cine_recommender.evaluation.kept import Kept, key_of
from cine_recommender.evaluation.protocol import CUTS, Course, Outcome, Progress, Result
from cine_recommender.evaluation.rating import RatingCandidate, RatingCourse, RatingOutcome, RatingResult
from cine_recommender.evaluation.reading import read_log
from cine_recommender.evaluation.summary import summarised
from cine_recommender.signals.signal import Candidate
from cine_recommender.training.films import Films

PROTOCOLS = ("U", "T", "R")
Kind = TypeVar("Kind", Outcome, RatingOutcome)


@dataclass(frozen=True)
class Asked:
    """What to run.

    Attributes:
        folders: in MovieLens format.
        protocols: some of `PROTOCOLS`.
        candidates: models for U and T.
        rating_candidates: models for R.
        seed: of lots and models.
        cuts: of T.
        catalogue: the merged catalogue, when models are to know of it.
        kept: where outcomes are kept, and looked for before a model is run; None to run all and keep nothing.
        again: whether to run what is kept, too.
    """

    folders: Sequence[Path]
    protocols: Sequence[str]
    candidates: Sequence[Candidate]
    rating_candidates: Sequence[RatingCandidate]
    seed: int = 0
    cuts: int = CUTS
    catalogue: Films | None = None
    kept: Kept | None = None
    again: bool = False


@dataclass
class Evaluation:
    """What came of it."""

    results: list[Result] = field(default_factory=list)
    ratings: list[RatingResult] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Returns it for JSON."""
        found: list[dict[str, Any]] = [
            {
                "protocol": one.protocol,
                "data": one.data,
                "fingerprint": one.fingerprint,
                "seed": one.seed,
                "cuts": one.cuts,
                "people": len(one.people),
                "ceiling": one.ceiling,
                "models": [line.told() for line in summarised(one)],
            }
            for one in self.results
        ]
        found += [
            {
                "protocol": "R",
                "data": one.data,
                "fingerprint": one.fingerprint,
                "seed": one.seed,
                "rows": one.rows,
                "models": [line.told() for line in one.lines],
            }
            for one in self.ratings
        ]
        return {"results": found}


def evaluate(asked: Asked, progress: Progress) -> Evaluation:
    """Runs all that is asked for.

    Raises:
        RatingsUnusable: A folder cannot be read.
        ModelFailed: A model cannot be judged, or a log cannot be judged by.
    """
    found = Evaluation()
    for folder in asked.folders:
        log = read_log(folder)
        for protocol in asked.protocols:
            if protocol == "R":
                ratings = RatingCourse(log, asked.seed, asked.catalogue)
                if asked.rating_candidates:
                    outcomes = [
                        _outcome(RatingOutcome, ratings.settings, one, asked, partial(ratings.run, one, progress))
                        for one in asked.rating_candidates
                    ]
                    found.ratings.append(ratings.result(outcomes))
            elif asked.candidates:
                course = (
                    Course.by_person(log, asked.seed, asked.catalogue)
                    if protocol == "U"
                    else Course.over_time(log, asked.seed, asked.cuts, asked.catalogue)
                )
                found.results.append(
                    course.result(
                        [
                            _outcome(Outcome, course.settings, one, asked, partial(course.run, one, progress))
                            for one in asked.candidates
                        ]
                    )
                )
    return found


def _outcome(
    kind: type[Kind],
    settings: Mapping[str, Any],
    candidate: Candidate | RatingCandidate,
    asked: Asked,
    run: Callable[[], Kind],
) -> Kind:
    """Returns what was kept of a model under these settings; runs it where there is nothing."""
    key = key_of(settings, candidate.name, candidate.grid, candidate.fit)
    found = None if asked.kept is None or asked.again else asked.kept.find(kind, candidate.name, key)
    if found is None:
        found = run()
        if asked.kept is not None:
            asked.kept.keep(found, key)
    return found
