"""What a training is told, and what comes of it, in a form that passes between processes and into the store."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cine_recommender.models import layout, taste
from cine_recommender.training.options import ContentOptions
from cinemesh.artifacts import Artifact, Metric

KINDS = (layout.KIND, taste.KIND)
"""What can be trained, in the order it is done."""
Result = Literal["made", "promoted", "rejected", "unchanged", "failed"]
"""`made` is what passed the gate and waits to be promoted."""


class Outcome(BaseModel):
    """What came of one kind of model.

    Attributes:
        kind: of model.
        result: what came of it.
        version: the version that was made; where none was, the one that serves; empty for none.
        replaced_version: what served before; it serves on where the new one is rejected; empty for none.
        reason: why it was rejected, left as it is, or failed; empty for one that passed.
        metrics: what the version was measured at.
        made_of: kept by `stamps.note` once it is settled; None where it is to be tried again.
        seconds: how long it took.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    result: Result
    version: str = ""
    replaced_version: str = ""
    reason: str = ""
    metrics: dict[str, Metric] = Field(default_factory=dict)
    made_of: dict[str, Any] | None = None
    seconds: float = 0.0

    @classmethod
    def of(cls, kind: str, result: Result, artifact: Artifact | None, **more: Any) -> Outcome:
        """Returns the outcome with what a version says of itself."""
        if artifact is None:
            return cls(kind=kind, result=result, **more)
        return cls(kind=kind, result=result, version=artifact.version, metrics=artifact.manifest.metrics, **more)

    def but(self, **changes: Any) -> Outcome:
        """Returns the outcome with some things changed."""
        return self.model_copy(update=changes)


class TrainingJob(BaseModel):
    """What a training has to do.

    Attributes:
        kinds: of model, of `KINDS`.
        merged_csv: the merged catalogue.
        var_dir: where models lie, and what they were made of.
        folder: the ratings that came with the data; None for none: then those given here are all there is.
        rated: a file of `flows.training_ratings.export`; None for none.
        digest: of that file.
        options: of the content model.
        force: train although nothing changed.
        activate: serve what passes the gate; otherwise it is left to whoever asked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: tuple[str, ...] = KINDS
    merged_csv: Path
    var_dir: Path
    folder: Path | None = None
    rated: Path | None = None
    digest: str = ""
    options: ContentOptions = ContentOptions()
    force: bool = False
    activate: bool = False

    @property
    def artifacts_dir(self) -> Path:
        """Folder of models."""
        return self.var_dir / "artifacts"


def in_words(outcomes: Iterable[Outcome]) -> str:
    """Returns what came of each kind, in a line."""
    return "; ".join(map(_said, outcomes))


def _said(one: Outcome) -> str:
    if one.result == "promoted":
        return f"{one.kind}: {one.version} serves now"
    return (
        f"{one.kind}: {'' if one.result in ('unchanged', 'failed') else f'{one.version} is not served: '}{one.reason}"
    )
