"""Models are trained anew while the mesh runs, wired: who asks, who works, what comes of it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from functools import partial

from cine_recommender.flows.promotion import Promotion
from cine_recommender.flows.training_worker import TrainingWorker
from cine_recommender.flows.trainings import Trainings
from cine_recommender.settings import RecommenderSettings
from cine_recommender.training.folders import ratings_folder
from cine_recommender.training.outcome import KINDS, TrainingJob
from cinemesh.artifacts import ArtifactError, ArtifactStore
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.outbox import Outbox


class Retraining:
    """Everything about trainings.

    Attributes:
        trainings: asks for them and finds them.
        worker: runs them.

    Args:
        settings: of the service.
        artifacts: the store that serving loads from.
        database: the store of trainings.
        outbox: tells of what is promoted.
        switched: is called after a switch.
        clock: tells the time.
    """

    def __init__(
        self,
        settings: RecommenderSettings,
        artifacts: ArtifactStore,
        database: Database,
        outbox: Outbox,
        switched: Callable[[], Awaitable[object]],
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings
        self.trainings = Trainings(database, clock)
        self.worker = TrainingWorker(
            database,
            Promotion(artifacts, database, outbox, settings.var_dir, switched, clock),
            self.job,
            settings.service_dir / "training",
            settings.training_at,
            partial(_made_at, artifacts),
            clock,
        )
        self._working: asyncio.Task[None] | None = None

    def job(self) -> TrainingJob:
        """Returns what there is to train on, without what people rated here; looks at folders."""
        settings = self._settings
        return TrainingJob(
            merged_csv=settings.merged_csv,
            var_dir=settings.var_dir,
            folder=ratings_folder(settings.ratings_dir, settings.data_dir, settings.var_dir),
            options=settings.content_options(),
        )

    def start(self) -> None:
        """Begins to look for trainings; the store is open."""
        self._working = asyncio.create_task(self.worker.run(), name="trainings")

    async def stop(self) -> None:
        """Interrupts what runs; the store is open still."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)


def _made_at(artifacts: ArtifactStore) -> dt.datetime | None:
    """Returns when the older of the models that serve was made; None when one of them is missing."""
    try:
        versions = {kind: artifacts.current_version(kind) for kind in KINDS}
        return min(artifacts.manifest(kind, version or "").created_at for kind, version in versions.items())
    except (ArtifactError, ValueError, OSError):
        return None
