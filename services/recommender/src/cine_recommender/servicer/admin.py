"""RecommenderAdminService: models and experiments as administrators see them."""

from __future__ import annotations

from typing import Any, Final

from cine.recommender.v1 import admin_pb2 as pb
from cine.recommender.v1 import admin_pb2_grpc
from cine_recommender.experiments.declaration import Experiment
from cine_recommender.experiments.declared import DeclaredExperiments
from cine_recommender.experiments.report import ExperimentReport
from cine_recommender.flows.experiments import Experiments
from cine_recommender.flows.model_versions import ModelVersion, ModelVersions
from cinemesh import context as calls
from cinemesh.plain_text import plain_text, searchable
from cinemesh.stamps import stamp

_MEGABYTE: Final = 1_000_000


class AdminServicer(admin_pb2_grpc.RecommenderAdminServiceServicer):
    """Turns calls of administrators into flows and back. Training is left to the base class, which says so.

    Args:
        models: versions of models.
        declared: the experiments that are declared.
        experiments: judges them.
    """

    def __init__(self, models: ModelVersions, declared: DeclaredExperiments, experiments: Experiments) -> None:
        self._models = models
        self._declared = declared
        self._experiments = experiments

    async def ListModels(self, request: pb.ListModelsRequest, _: Any) -> pb.ListModelsResponse:
        """Lists versions of models."""
        found = await self._models.find(searchable(request.kind, "kind"))
        return pb.ListModelsResponse(models=[_model(one) for one in found])

    async def RollbackModel(self, request: pb.RollbackModelRequest, _: Any) -> pb.RollbackModelResponse:
        """Serves the version before the current one."""
        kind, reason = searchable(request.kind, "kind"), plain_text(request.reason, "reason")
        model, replaced = await self._models.rollback(kind, calls.current().principal.user_id, reason)
        return pb.RollbackModelResponse(model=_model(model), replaced_version=replaced)

    async def ListExperiments(self, request: pb.ListExperimentsRequest, _: Any) -> pb.ListExperimentsResponse:
        """Lists the experiments that are declared."""
        newest = sorted(self._declared.experiments, key=lambda one: one.started_at, reverse=True)
        return pb.ListExperimentsResponse(experiments=[experiment_message(one) for one in newest])

    async def GetExperimentReport(
        self, request: pb.GetExperimentReportRequest, _: Any
    ) -> pb.GetExperimentReportResponse:
        """Says what an experiment found so far."""
        experiment = self._declared.get(searchable(request.experiment_id, "experiment_id"))
        return report_message(await self._experiments.report(experiment))


def _model(one: ModelVersion) -> pb.ModelInfo:
    manifest = one.manifest
    return pb.ModelInfo(
        kind=manifest.kind,
        version=manifest.version,
        created_at=stamp(manifest.created_at),
        data_fingerprint=manifest.fingerprint,
        metrics=[
            # manifests keep no intervals
            pb.ModelMetric(name=name, value=metric.value, low=metric.value, high=metric.value, protocol=metric.protocol)
            for name, metric in sorted(manifest.metrics.items())
        ],
        serving=one.serving,
        previous=one.previous,
        size_mb=one.size / _MEGABYTE,
    )


def experiment_message(one: Experiment) -> pb.Experiment:
    """Returns what is declared as a message."""
    return pb.Experiment(
        experiment_id=one.experiment_id,
        description=one.description,
        state=one.state,
        variants=[
            pb.Variant(name=variant.name, share=variant.share, profile=variant.profile) for variant in one.variants
        ],
        started_at=stamp(one.started_at),
    )


def report_message(report: ExperimentReport) -> pb.GetExperimentReportResponse:
    """Returns a report as a message."""
    return pb.GetExperimentReportResponse(
        experiment_id=report.experiment_id,
        exposures=[
            pb.VariantExposure(variant=one.variant, users=one.users, answers=one.answers) for one in report.exposures
        ],
        sample_ratio_p_value=report.sample_ratio_p_value,
        sample_ratio_ok=report.sample_ratio_ok,
        effects=[
            pb.VariantEffect(
                variant=one.variant,
                metric=one.metric,
                value=one.value,
                effect=one.difference.effect if one.difference else 0.0,
                effect_low=one.difference.low if one.difference else 0.0,
                effect_high=one.difference.high if one.difference else 0.0,
            )
            for one in report.effects
        ],
        created_at=stamp(report.created_at),
    )
