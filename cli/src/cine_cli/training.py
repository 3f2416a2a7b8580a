"""`cine train`: the content model of CineMatch, then the hybrid that recommends to people."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cine_cli.jobs import Report, starter_folder
from cine_cli.mesh.options import MeshSettings
from cine_cli.output import Output

if TYPE_CHECKING:
    from cine_recommender.settings import RecommenderSettings
    from cine_recommender.training.outcome import Outcome, TrainingJob


class RatingsOutOfReach(Exception):
    """What people rated here cannot be read; the message says why."""


def train(output: Output, *, force: bool, rated: bool = True) -> Report:
    """Trains every model that is missing or stale.

    Args:
        output: where steps are told.
        force: train also what is up to date.
        rated: whether the hybrid is stale once people here rated anything; otherwise only once data or code changed.
    """
    content = train_content(output, force=force)
    hybrid = train_hybrid(output, force=force, rated=rated)
    return Report({**content.value, "hybrid": hybrid.value}, f"{content.text}\n{hybrid.text}")


def train_content(output: Output, *, force: bool) -> Report:
    """Trains the content model on the merged catalogue; skipped when the current one was made from the same data."""
    from cine_recommender.models import layout

    job = _job(force=force)
    known = _up_to_date(layout.KIND, job)
    if known is not None:
        return Report({"skipped": True, "version": known.version}, known.reason)
    output.say("training the content model")
    return _report(output, _renewed(output, layout.KIND, job))


def train_hybrid(output: Output, *, force: bool, rated: bool = True) -> Report:
    """Trains the hybrid on the merged catalogue, the ratings at hand and those given here; skipped when it was made from the same.

    A model that is worse than the one that serves is not promoted, and the report says so. Too few ratings are no fault: the content
    model answers alone then. Where the ratings given here are out of reach, a hybrid that serves is left alone: it may know them.
    """
    from cine_recommender.models.taste import KIND
    from cinemesh.artifacts import ArtifactStore

    job = _job(force=force)
    if not rated and (known := _up_to_date(KIND, job, rated=False)) is not None:
        return Report({"skipped": True, "version": known.version or None}, known.reason)
    with tempfile.TemporaryDirectory() as folder:
        try:
            job = _with_ratings(job, Path(folder) / "ratings.csv")
        except RatingsOutOfReach as reason:
            current = ArtifactStore(job.artifacts_dir).current_version(KIND)
            output.say(f"what people rated here is out of reach: {reason}")
            if current is not None:
                told = f"hybrid model {current} stays: what people rated here is out of reach: {reason}"
                return Report({"skipped": True, "version": current, "reason": str(reason)}, told)
        if (known := _up_to_date(KIND, job)) is not None:
            return Report({"skipped": True, "version": known.version or None}, known.reason)
        assert job.folder is not None
        output.say(
            f"training the hybrid on the ratings of {job.folder.name}{' and those given here' * bool(job.digest)}"
        )
        return _report(output, _renewed(output, KIND, job))


def _settings() -> RecommenderSettings:
    from cine_recommender.settings import RecommenderSettings
    from cinemesh.settings import load

    return load(RecommenderSettings)


def _job(*, force: bool) -> TrainingJob:
    from cine_recommender.training.folders import ratings_folder
    from cine_recommender.training.outcome import TrainingJob

    mesh, own = MeshSettings(), _settings()
    folder = ratings_folder(own.ratings_dir, mesh.data_dir, mesh.var_dir)
    if folder is None or folder.parent == mesh.var_dir:
        folder = starter_folder(mesh.var_dir)  # written anew where it is another version
    return TrainingJob(
        merged_csv=mesh.merged_csv,
        var_dir=mesh.var_dir,
        folder=folder,
        options=own.content_options(),
        force=force,
        activate=True,
    )


def _up_to_date(kind: str, job: TrainingJob, *, rated: bool = True) -> Outcome | None:
    from cine_recommender.training import stamps

    if job.force:
        return None
    made = stamps.made_of(kind, job)
    return stamps.up_to_date(kind, job, made if rated else {k: v for k, v in made.items() if k != stamps.RATED})


def _renewed(output: Output, kind: str, job: TrainingJob) -> Outcome:
    # scikit-learn takes a second to import: only when there is something to train
    from cine_recommender.training.renewal import renew

    with output.progress() as progress:
        return renew(
            kind, job, lambda step, share: progress(step if step != "done" else "publish", round(share * 100), 100)
        )


def _with_ratings(job: TrainingJob, file: Path) -> TrainingJob:
    """Returns the job with what people rated here, written to a file; as it is where the recommender never ran.

    Raises:
        RatingsOutOfReach: the recommender's store does not answer, or a recommender that runs holds its SQLite file.
    """
    from cine_recommender.flows.training_ratings import export
    from cinemesh.db import Database
    from cinemesh.db.database import parse_url, sqlite_path
    from cinemesh.errors import CineError, FailedPrecondition

    url = _settings().store_url
    try:
        parsed = parse_url(url)
        if parsed.get_backend_name() == "sqlite":
            store = sqlite_path(parsed)
            if store is None or not store.exists():
                return job

        async def read() -> TrainingJob:
            async with Database(url) as database:
                made = await export(database, file)
                return job.model_copy(update={"rated": file, "digest": made.digest} if made.rows else {})

        return asyncio.run(read())
    except FailedPrecondition as error:
        raise RatingsOutOfReach(f"{error} `cine model train` asks the running mesh to train.") from None
    except (CineError, ValueError) as error:
        raise RatingsOutOfReach(str(error)) from None


def _report(output: Output, outcome: Outcome) -> Report:
    version = outcome.version or None
    if outcome.result == "unchanged":
        told = {"skipped": True, "version": version, "reason": outcome.reason}
        return Report(told, outcome.reason if version else f"no {outcome.kind}: {outcome.reason}")
    promoted = outcome.result == "promoted"
    serves = version if promoted else outcome.replaced_version or None
    value: dict[str, Any] = {"version": serves, "promoted": promoted, "seconds": outcome.seconds}
    if not promoted:
        return Report({**value, "reason": outcome.reason}, f"the new {outcome.kind} is not served: {outcome.reason}")
    output.say(f"  version {version} in {outcome.seconds:.1f} s")
    lines = [f"{outcome.kind} model {version}, {outcome.seconds:.1f} s"]
    lines += [f"  {name}: {metric.value:.4g} ({metric.protocol})" for name, metric in outcome.metrics.items()]
    metrics = {name: metric.model_dump(mode="json") for name, metric in outcome.metrics.items()}
    return Report({**value, "metrics": metrics}, "\n".join(lines))
