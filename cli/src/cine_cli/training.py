"""`cine train`: the content model of CineMatch, then the hybrid that recommends to people."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

from cine_cli.evaluate import folders_with_ratings
from cine_cli.jobs import Report, file_stamp, read_json, starter_folder
from cine_cli.mesh.options import MeshSettings
from cine_cli.output import Output


def train(output: Output, *, force: bool) -> Report:
    """Trains every model that is missing or stale."""
    content = train_content(output, force=force)
    hybrid = train_hybrid(output, force=force)
    return Report({**content.value, "hybrid": hybrid.value}, f"{content.text}\n{hybrid.text}")


def train_content(output: Output, *, force: bool) -> Report:
    """Trains the content model on the merged catalogue; skipped when the current one was made from the same data."""
    from cine_recommender.models import layout
    from cine_recommender.settings import RecommenderSettings
    from cinemesh import textencoder
    from cinemesh.artifacts import ArtifactStore
    from cinemesh.settings import load

    settings = MeshSettings()
    store = ArtifactStore(settings.var_dir / "artifacts")
    stamp = settings.var_dir / "run" / "train.json"
    options = load(RecommenderSettings).content_options()
    wanted = {
        "merged": file_stamp(settings.merged_csv),
        "options": options.model_dump(mode="json"),
        "layout": layout.VERSION,
        "encoder": hashlib.sha256((textencoder.SHIPPED / "manifest.json").read_bytes()).hexdigest(),
    }
    current = store.current_version("content")
    # which version is served is no part of it: somebody may have gone back to the one before, and that is to stay
    if not force and current is not None and read_json(stamp) == wanted:
        return Report({"skipped": True, "version": current}, f"content model {current} is up to date")
    # scikit-learn takes a second to import: only when there is something to train
    from cine_recommender.training import content

    output.say("training the content model")
    began = time.monotonic()
    with output.progress() as progress:
        artifact = content.train_content(
            settings.merged_csv,
            store,
            options,
            progress=lambda step, share: progress(step if step != "done" else "publish", round(share * 100), 100),
            force=force,
        )
    seconds = time.monotonic() - began
    _note(stamp, wanted)
    output.say(f"  version {artifact.version} in {seconds:.1f} s")
    metrics = {name: metric.model_dump(mode="json") for name, metric in artifact.manifest.metrics.items()}
    value = {"version": artifact.version, "seconds": round(seconds, 2), "metrics": metrics}
    lines = [f"content model {artifact.version}, {seconds:.1f} s"]
    lines += [f"  {name}: {metric.value:.4g} ({metric.protocol})" for name, metric in artifact.manifest.metrics.items()]
    return Report(value, "\n".join(lines))


def ratings_folder(settings: MeshSettings) -> Path:
    """Returns the folder whose ratings the hybrid learns from: the largest of `CINE_DATA_DIR`, else the starter catalogue's audience."""
    found = folders_with_ratings(settings.data_dir)
    return found[-1] if found else starter_folder(settings.var_dir)


def train_hybrid(output: Output, *, force: bool) -> Report:
    """Trains the hybrid on the merged catalogue and the ratings at hand; skipped when the current one was made from the same.

    A model that is worse than the one that serves is not promoted, and the report says so. Too few ratings are no fault: the content
    model answers alone then.
    """
    from cine_recommender.fusion import kept
    from cine_recommender.models.taste import KIND
    from cinemesh.artifacts import ArtifactStore

    settings = MeshSettings()
    store = ArtifactStore(settings.var_dir / "artifacts")
    stamp = settings.var_dir / "run" / "train-hybrid.json"
    folder = ratings_folder(settings)
    wanted = {
        "merged": file_stamp(settings.merged_csv),
        "ratings": file_stamp(folder / "ratings.csv"),
        "folder": folder.name,
        "layout": kept.VERSION,
    }
    current = store.current_version(KIND)
    if not force and read_json(stamp) == wanted:
        told = (
            f"hybrid model {current} is up to date"
            if current is not None
            else "there were too few ratings for a hybrid"
        )
        return Report({"skipped": True, "version": current}, told)
    from cine_recommender.fusion.training import TooFewRatings
    from cine_recommender.training import hybrid

    output.say(f"training the hybrid on the ratings of {folder.name}")
    began = time.monotonic()
    try:
        with output.progress() as progress:
            trained = hybrid.train_hybrid(
                settings.merged_csv,
                folder,
                store,
                progress=lambda step, share: progress(step, round(share * 100), 100),
                force=force,
            )
    except TooFewRatings as few:
        _note(stamp, wanted)
        return Report({"skipped": True, "version": current, "reason": str(few)}, f"no hybrid: {few}")
    seconds = round(time.monotonic() - began, 2)
    _note(stamp, wanted)
    artifact = trained.artifact
    version = artifact.version if artifact is not None else None
    value = {"version": version, "promoted": trained.promoted, "seconds": seconds}
    if not trained.promoted:
        return Report({**value, "reason": trained.reason}, f"the new hybrid is not served: {trained.reason}")
    metrics = artifact.manifest.metrics if artifact is not None else {}
    output.say(f"  version {version} in {seconds:.1f} s")
    lines = [f"hybrid model {version}, {seconds:.1f} s"]
    lines += [f"  {name}: {metric.value:.4g} ({metric.protocol})" for name, metric in metrics.items()]
    told_metrics = {name: metric.model_dump(mode="json") for name, metric in metrics.items()}
    return Report({**value, "metrics": told_metrics}, "\n".join(lines))


def _note(stamp: Path, wanted: dict[str, object]) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps(wanted))
