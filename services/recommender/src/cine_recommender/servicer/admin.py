"""RecommenderAdminService: models, trainings and experiments as administrators see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cine.recommender.v1 import admin_pb2 as pb
from cine.recommender.v1 import admin_pb2_grpc
from cine_recommender.experiments.declaration import Experiment
from cine_recommender.experiments.declared import DeclaredExperiments
from cine_recommender.experiments.report import ExperimentReport
from cine_recommender.flows.experiments import Experiments
from cine_recommender.flows.model_versions import ModelVersion, ModelVersions
from cine_recommender.flows.trainings import Trainings
from cine_recommender.servicer.training import metric_messages, training_message
from cinemesh import context as calls
from cinemesh.db import Database
from cinemesh.idempotency import RequestIds
from cinemesh.plain_text import plain_text, searchable
from cinemesh.stamps import stamp

_MEGABYTE: Final = 1_000_000
_TRAININGS: Final = 20


class AdminServicer(admin_pb2_grpc.RecommenderAdminServiceServicer):
    """Turns calls of administrators into flows and back.

    Args:
        models: versions of models.
        trainings: asks for trainings and finds them.
        wake: is called when one was asked for.
        declared: the experiments that are declared.
        experiments: judges them.
        database: the store of trainings.
        request_ids: gives first answers again.
    """

    def __init__(
        self,
        models: ModelVersions,
        trainings: Trainings,
        wake: Callable[[], None],
        declared: DeclaredExperiments,
        experiments: Experiments,
        database: Database,
        request_ids: RequestIds,
    ) -> None:
        self._models = models
        self._trainings = trainings
        self._wake = wake
        self._declared = declared
        self._experiments = experiments
        self._database = database
        self._request_ids = request_ids

    async def ListModels(self, request: pb.ListModelsRequest, _: Any) -> pb.ListModelsResponse:
        """Lists versions of models."""
        found = await self._models.find(searchable(request.kind, "kind"))
        return pb.ListModelsResponse(models=[_model(one) for one in found])

    async def RollbackModel(self, request: pb.RollbackModelRequest, _: Any) -> pb.RollbackModelResponse:
        """Serves the version before the current one."""
        kind, reason = searchable(request.kind, "kind"), plain_text(request.reason, "reason")
        model, replaced = await self._models.rollback(kind, calls.current().principal.user_id, reason)
        return pb.RollbackModelResponse(model=_model(model), replaced_version=replaced)

    async def StartTraining(self, request: pb.StartTrainingRequest, _: Any) -> pb.StartTrainingResponse:
        """Asks for a training; it begins within moments, in one of the replicas."""
        asked = self._trainings.asked(list(request.kinds), calls.current().principal.user_id, force=request.force)
        answer = await self._request_ids.once(
            self._database,
            "StartTraining",
            request,
            pb.StartTrainingResponse,
            lambda tx: training_message(pb.StartTrainingResponse, asked(tx)),
        )
        self._wake()
        return answer

    async def ListTrainings(self, request: pb.ListTrainingsRequest, _: Any) -> pb.ListTrainingsResponse:
        """Lists the latest trainings."""
        found = await self._trainings.newest(request.limit or _TRAININGS)
        return pb.ListTrainingsResponse(trainings=[training_message(pb.GetTrainingResponse, one) for one in found])

    async def GetTraining(self, request: pb.GetTrainingRequest, _: Any) -> pb.GetTrainingResponse:
        """Gives the state of a training."""
        found = await self._trainings.get(searchable(request.training_id, "training_id"))
        return training_message(pb.GetTrainingResponse, found)

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
        metrics=metric_messages(manifest.metrics),
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
