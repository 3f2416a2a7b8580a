"""What the models at hand were made of, by sizes and times of files: a look says whether there is anything new to learn from.

Which version is served is no part of it: somebody may have gone back to the one before, and that is to stay. Nor is whether a new one
passed the gate: the same data would fail it again. Imports nothing that takes a moment to load.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cine_recommender.fusion import kept
from cine_recommender.models import layout, taste
from cine_recommender.training.outcome import Outcome, TrainingJob
from cinemesh.artifacts import ArtifactError, ArtifactStore
from cinemesh.files import file_stamp, read_object
from cinemesh.textencoder import SENTENCE_KIND, SHIPPED

Made = Mapping[str, Any]
"""What a model is made of, as JSON holds it."""
RATED: Final = "rated"
"""The key of what people rated here."""
_FILES: Final = {layout.KIND: "train.json", taste.KIND: "train-hybrid.json"}


class NothingToLearnFrom(Exception):
    """There is no merged catalogue, or no folder with ratings; the message says which."""


def made_of(kind: str, job: TrainingJob) -> dict[str, Any]:
    """Returns what a model made now would be made of.

    Raises:
        NothingToLearnFrom: there is no data.
    """
    try:
        merged = file_stamp(job.merged_csv)
        if kind == layout.KIND:
            return {
                "merged": merged,
                "options": job.options.model_dump(mode="json"),
                "layout": layout.VERSION,
                "encoder": hashlib.sha256((SHIPPED / "manifest.json").read_bytes()).hexdigest(),
                "sentence_encoder": _sentence_encoder(job),
            }
        if job.folder is None and not job.digest:
            raise NothingToLearnFrom("there is no folder with ratings.csv and movies.csv, and nobody rated here")
        return {
            "merged": merged,
            "ratings": file_stamp(job.folder / "ratings.csv") if job.folder is not None else "",
            "folder": job.folder.resolve().name if job.folder is not None else "",
            "layout": kept.VERSION,
            RATED: job.digest,
        }
    except OSError as error:
        name = Path(error.filename or job.merged_csv).name
        raise NothingToLearnFrom(f"{name}: {error.strerror}; run the preprocessing first") from error


def _sentence_encoder(job: TrainingJob) -> str:
    """Returns the artifact of the sentence encoder that films would be embedded with; empty for none."""
    try:
        return (job.options.sentences and ArtifactStore(job.artifacts_dir).current_version(SENTENCE_KIND)) or ""
    except ArtifactError:
        return ""


def up_to_date(kind: str, job: TrainingJob, made: Made) -> Outcome | None:
    """Returns what to say of a kind whose model was made of the same already; None where there is something new.

    Args:
        kind: of model.
        job: says where to look.
        made: of `made_of`; what is left out of it is not compared.
    """
    before = noted(job.var_dir, kind)
    if {name: before.get(name) for name in made} != dict(made):
        return None
    try:
        current = ArtifactStore(job.artifacts_dir).current_version(kind)
    except ArtifactError:
        return None
    if current is not None:
        return Outcome(kind=kind, result="unchanged", version=current, reason=f"{kind} model {current} is up to date")
    if kind == layout.KIND:
        return None  # there must be one
    return Outcome(kind=kind, result="unchanged", reason="there were too few ratings for a hybrid")


def noted(var_dir: Path, kind: str) -> dict[str, Any]:
    """Returns what the model of a kind was made of last; empty when nobody knows."""
    return read_object(_file(var_dir, kind))


def note(var_dir: Path, kind: str, made: Made) -> None:
    """Keeps what the model of a kind was made of. A process killed meanwhile leaves what was known before."""
    file = _file(var_dir, kind)
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(f".{os.getpid()}")
    half.write_text(json.dumps(made), encoding="utf-8")
    half.replace(file)


def _file(var_dir: Path, kind: str) -> Path:
    return var_dir / "run" / _FILES[kind]
