"""Trainings as messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from cine.recommender.v1 import admin_pb2 as pb
from cine_recommender.store.trainings import Training
from cine_recommender.training.outcome import Outcome
from cinemesh.artifacts import Metric
from cinemesh.stamps import stamp

M = TypeVar("M", pb.StartTrainingResponse, pb.GetTrainingResponse)


def training_message(message: type[M], one: Training) -> M:
    """Returns a training as either message of it; both have the same fields."""
    return message(
        training_id=one.training_id,
        state=one.state,
        kinds=one.kinds,
        progress=one.percent / 100,
        detail=one.detail,
        started_at=stamp(one.started_at) if one.started_at is not None else None,
        ended_at=stamp(one.ended_at) if one.ended_at is not None else None,
        outcomes=[_outcome(Outcome.model_validate(told)) for told in one.outcomes],
        created_at=stamp(one.created_at),
        nightly=bool(one.night),
    )


def metric_messages(metrics: Mapping[str, Metric]) -> list[pb.ModelMetric]:
    """Returns measurements by name; manifests keep no intervals."""
    return [
        pb.ModelMetric(name=name, value=metric.value, low=metric.value, high=metric.value, protocol=metric.protocol)
        for name, metric in sorted(metrics.items())
    ]


def _outcome(one: Outcome) -> pb.TrainingOutcome:
    return pb.TrainingOutcome(
        kind=one.kind,
        result=one.result,
        version=one.version,
        replaced_version=one.replaced_version,
        reason=one.reason,
        metrics=metric_messages(one.metrics),
    )
