"""Wires the recommender: its models and their training, what it remembers, experiments, the servicers, the watch for new models."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from cine.recommender.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    cinematch_pb2,
    cinematch_pb2_grpc,
    recommender_pb2,
    recommender_pb2_grpc,
)
from cine_recommender.domain.variety import Variety
from cine_recommender.experiments.declared import DeclaredExperiments
from cine_recommender.flows.answering import KnowsPreferences, ServesTaste
from cine_recommender.flows.experiments import Experiments
from cine_recommender.flows.model_versions import ModelVersions
from cine_recommender.flows.names import Names
from cine_recommender.models.served import ServedContent, ServedTaste
from cine_recommender.recommending import Recommending
from cine_recommender.remembering import Remembering
from cine_recommender.retraining import Retraining
from cine_recommender.servicer.admin import AdminServicer
from cine_recommender.servicer.cinematch import CineMatchServicer
from cine_recommender.servicer.recommender import RecommenderServicer
from cine_recommender.servicer.similar import SimilarCalls
from cine_recommender.settings import RecommenderSettings
from cine_recommender.speaking import Speaking
from cinemesh.artifacts import ArtifactStore
from cinemesh.clock import Clock, utc_now
from cinemesh.feed import FeedServicer
from cinemesh.paging import PageTokens
from cinemesh.server import Application, Mount, Probe
from cinemesh.textencoder.present import PresentEncoder


class RecommenderApplication(Application):
    """The recommender as a serving process. Without a model it serves too, and says that there is none.

    Args:
        settings: its settings; read from the environment when None.
        clock: tells the time; tests move it.
        taste: the hybrid model to serve; None for the published one.
        preferences: tells what people prefer; None for what Identity tells.
    """

    name = "recommender"

    def __init__(
        self,
        settings: RecommenderSettings | None = None,
        *,
        clock: Clock = utc_now,
        taste: ServesTaste | None = None,
        preferences: KnowsPreferences | None = None,
    ) -> None:
        self.settings: RecommenderSettings = settings or RecommenderSettings()
        variety = Variety(self.settings.max_per_director, self.settings.max_per_series)
        self.artifacts = ArtifactStore(self.settings.artifacts_dir)
        self.content = ServedContent(self.artifacts, variety)
        self.taste = ServedTaste(self.artifacts)
        self.present = PresentEncoder(self.artifacts)
        self._executor = ThreadPoolExecutor(self.settings.likeness_threads, thread_name_prefix="likeness")
        self.clock = clock
        self.remembering = Remembering(self.settings, clock)
        self.experiments = DeclaredExperiments(self.settings.experiments_file)
        self.speaking = Speaking(self.settings, self.content, self.remembering.films, clock)
        self.recommending = Recommending(
            self.settings,
            content=self.content,
            taste=taste or self.taste,
            memory=self.remembering.memory,
            preferences=preferences or self.remembering.preferences,
            people=Names(self.remembering.database, self.remembering.people),
            sharing=self.remembering.preferences,
            assigner=self.experiments.assigner,
            impressions=self.remembering.impressions,
            executor=self._executor,
            present=self.present,
            reader=self.speaking.reader,
            wording=self.speaking.wording,
            clock=clock,
        )
        database, outbox = self.remembering.database, self.remembering.outbox
        self.retraining = Retraining(self.settings, self.artifacts, database, outbox, self._refreshed, clock)
        self._watching: list[asyncio.Task[None]] = []

    async def start(self) -> list[Mount]:
        """Opens the store, loads the model, if there is one, and begins to look for newer ones and to follow other services."""
        await self.remembering.start()
        await self.content.refresh()
        await self.taste.refresh()
        await self.experiments.refresh()
        self._watching += [
            asyncio.create_task(one.watch(self.settings.model_check_seconds))
            for one in (self.content, self.taste, self.experiments)
        ]
        self.retraining.start()
        tokens = PageTokens.of(self.settings)
        parts = (
            SimilarCalls(self.content, tokens, self._executor),
            *self.recommending.parts(tokens),
            *self.speaking.parts(),
            *self.remembering.parts(tokens),
        )
        # The generated base classes are abstract to type checkers only: calls left out answer UNIMPLEMENTED.
        recommender = RecommenderServicer(*parts)  # type: ignore[abstract]
        admin = self._admin()
        return [
            Mount(
                CineMatchServicer(self.content, self._executor),
                cinematch_pb2_grpc.add_CineMatchServiceServicer_to_server,
                cinematch_pb2.DESCRIPTOR.services_by_name["CineMatchService"],
            ),
            Mount(
                recommender,
                recommender_pb2_grpc.add_RecommenderServiceServicer_to_server,
                recommender_pb2.DESCRIPTOR.services_by_name["RecommenderService"],
            ),
            Mount(
                admin,
                admin_pb2_grpc.add_RecommenderAdminServiceServicer_to_server,
                admin_pb2.DESCRIPTOR.services_by_name["RecommenderAdminService"],
            ),
        ]

    def _admin(self) -> AdminServicer:
        database, outbox = self.remembering.database, self.remembering.outbox
        models = ModelVersions(self.artifacts, database, outbox, self._refreshed, self.clock)
        judged, training = Experiments(database, self.clock), self.retraining
        request_ids = self.remembering.request_ids
        return AdminServicer(
            models, training.trainings, training.worker.wake, self.experiments, judged, database, request_ids
        )

    async def _refreshed(self) -> bool:
        content, taste = await asyncio.gather(self.content.refresh(), self.taste.refresh())
        return content or taste

    async def stop(self) -> None:
        """Closes what `start` opened."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        await self.retraining.stop()
        await self.speaking.stop()
        await self.remembering.stop()
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def probes(self) -> dict[str, Probe]:
        """Asks for the model and the store, and whether what others tell arrives."""
        probes = {
            "model:content": Probe(self.content.probe),
            "model:hybrid": Probe(self.taste.probe, required=False),
            "model:sentence-encoder": Probe(self._sentence_encoder, required=False),
            **self.remembering.probes(),
            **self.speaking.probes(),
        }
        if self.settings.experiments_file is not None:
            probes["experiments"] = Probe(self.experiments.probe, required=False)
        return probes

    async def _sentence_encoder(self) -> str:
        return await asyncio.to_thread(self.present.probe)

    def feed(self) -> FeedServicer:
        """Serves feedback given and taken back."""
        return self.remembering.feed()
