"""Models are trained where there is anything new to learn from: the one way, for `cine train` and for the job of the running mesh."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from cine_recommender.evaluation.reading import read_log
from cine_recommender.fusion.training import TooFewRatings
from cine_recommender.models import layout, taste
from cine_recommender.training import stamps
from cine_recommender.training.content import Progress, train_content
from cine_recommender.training.hybrid import train_hybrid
from cine_recommender.training.outcome import Outcome, Result, TrainingJob
from cine_recommender.training.ratings import joined, nobody
from cinemesh.artifacts import ArtifactError, ArtifactStore


def renew(kind: str, job: TrainingJob, progress: Progress | None = None) -> Outcome:
    """Trains one kind of model, unless the one at hand was made of the same.

    What it was made of is noted when it serves at once (`TrainingJob.activate`); otherwise whoever asked notes it when all is settled.

    Raises:
        NothingToLearnFrom: there is no data.
        FilmsUnusable: the catalogue cannot be read.
        RatingsUnusable: the ratings cannot be read.
        ArtifactError: the store of models is damaged.
    """
    made = stamps.made_of(kind, job)
    if not job.force and (known := stamps.up_to_date(kind, job, made)) is not None:
        return known
    began = time.monotonic()
    outcome = _TRAINERS[kind](job, ArtifactStore(job.artifacts_dir), progress)
    if job.activate:
        stamps.note(job.var_dir, kind, made)
    return outcome.but(made_of=made, seconds=round(time.monotonic() - began, 2))


def _content(job: TrainingJob, store: ArtifactStore, progress: Progress | None) -> Outcome:
    before = _serving(store, layout.KIND)
    made = train_content(job.merged_csv, store, job.options, progress=progress, force=job.force, activate=job.activate)
    if made.version == before:
        return Outcome.of(layout.KIND, "unchanged", made, reason=f"content model {before} is up to date")
    return Outcome.of(layout.KIND, "promoted" if job.activate else "made", made, replaced_version=before)


def _hybrid(job: TrainingJob, store: ArtifactStore, progress: Progress | None) -> Outcome:
    before = _serving(store, taste.KIND)
    try:
        log = joined(read_log(job.folder) if job.folder is not None else nobody(), job.rated)
        trained = train_hybrid(job.merged_csv, log, store, progress=progress, force=job.force, activate=job.activate)
    except TooFewRatings as few:
        return Outcome(kind=taste.KIND, result="unchanged", version=before, reason=str(few))
    if trained.promoted:
        passed: Result = "promoted" if job.activate else "made"
        return Outcome.of(taste.KIND, passed, trained.made, replaced_version=before)
    result: Result = "unchanged" if trained.made is None else "rejected"
    return Outcome.of(
        taste.KIND, result, trained.made or trained.artifact, replaced_version=before, reason=trained.reason
    )


def _serving(store: ArtifactStore, kind: str) -> str:
    try:
        return store.current_version(kind) or ""
    except ArtifactError:
        return ""


_TRAINERS: Final[Mapping[str, Callable[[TrainingJob, ArtifactStore, Progress | None], Outcome]]] = {
    layout.KIND: _content,
    taste.KIND: _hybrid,
}
