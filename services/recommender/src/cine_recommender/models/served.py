"""The model that is being served, replaced whole when a better one is published."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from cine_recommender.domain.variety import Variety
from cine_recommender.models import layout
from cine_recommender.models.content import ContentModel, load_content
from cine_recommender.models.taste import KIND, PublishedTaste, load_taste
from cinemesh import telemetry
from cinemesh.artifacts import Artifact, ArtifactCorrupt, ArtifactError, ArtifactStore
from cinemesh.errors import Reason, Unavailable

_AGAIN_SECONDS = 2.0


class Published(Protocol):
    """A model of an artifact."""

    @property
    def version(self) -> str:
        """Version of the artifact."""
        ...

    @property
    def name(self) -> str:
        """Kind and version, as answers name it."""
        ...

    def __len__(self) -> int:
        """Returns how many films it knows."""
        ...


M = TypeVar("M", bound=Published)


@dataclass(frozen=True, slots=True)
class Serving(Generic[M]):
    """A model, and why it is not the newest one: empty when it is."""

    model: M
    degraded_reason: str = ""


class Served(Generic[M]):
    """Holds a model and follows what is published.

    A version that fails its checks is refused with a log line, and what was served goes on being served. Requests in
    flight keep the model they began with.

    Args:
        store: where models are published.
        kind: of artifact.
        load: reads one; raises `ArtifactCorrupt` for one that cannot be used.
    """

    def __init__(self, store: ArtifactStore, kind: str, load: Callable[[Artifact], M]) -> None:
        """Start without a model."""
        self._store, self._kind, self._load = store, kind, load
        self._serving: Serving[M] | None = None
        self._reported: set[str] = set()
        self._unusable: set[str] = set()
        self._log = telemetry.logger("recommender")

    @property
    def serving(self) -> Serving[M]:
        """What is being served.

        Raises:
            Unavailable: no model has been published yet, or none of them is valid.
        """
        if self._serving is None:
            message = "the model is not there yet: it is being trained, or was never; try again shortly"
            raise Unavailable(message, reason=Reason.MODEL_NOT_READY, retry_after=_AGAIN_SECONDS)
        return self._serving

    @property
    def loaded(self) -> Serving[M] | None:
        """What is being served, None while there is nothing."""
        return self._serving

    async def probe(self) -> str:
        """Says which version serves and how many films it knows: `Probe(served.probe)`.

        Raises:
            Unavailable: there is none.
        """
        note = f"; {self.serving.degraded_reason}" if self.serving.degraded_reason else ""
        return f"{self._told(self.serving.model)}{note}"

    def _told(self, model: M) -> str:
        return f"{model.version}, {len(model)} films"

    async def refresh(self) -> bool:
        """Serve the best version there is; returns whether that is another one than before."""
        before = self._serving
        after = await asyncio.to_thread(self._best, before)
        if after is None or after == before:
            return False
        self._serving = after
        self._log.info("model served", model=after.model.name, films=len(after.model), reason=after.degraded_reason)
        return True

    async def watch(self, every_seconds: float) -> None:
        """Refresh now and then, until cancelled; a fault is logged and the model at hand goes on being served."""
        while True:
            await asyncio.sleep(every_seconds)
            try:
                await self.refresh()
            except Exception:
                self._log.exception("looking for a new model failed")

    def _best(self, before: Serving[M] | None) -> Serving[M] | None:
        """Find and load the best version; blocks on the disk."""
        while True:
            try:
                artifact, refused = self._store.newest_valid(self._kind, skip=self._unusable)
            except ArtifactError as error:  # none that can be used, or a pointer that holds nonsense
                self._report(error)
                return None
            for problem in refused:
                self._report(problem)
            newest = artifact.version == self._store.current_version(self._kind)
            reason = "" if newest else "the newest model fails its checks; the one before it answers"
            if before is not None and before.model.version == artifact.version:
                return Serving(before.model, reason)
            try:
                return Serving(self._load(artifact), reason)
            except ArtifactCorrupt as error:
                self._unusable.add(artifact.version)
                self._report(error)

    def _report(self, problem: ArtifactError) -> None:
        if str(problem) not in self._reported:
            self._reported.add(str(problem))
            self._log.warning("model not served", reason=str(problem))


class ServedContent(Served[ContentModel]):
    """Holds the content model."""

    def __init__(self, store: ArtifactStore, variety: Variety) -> None:
        """Start without a model."""
        super().__init__(store, layout.KIND, lambda artifact: load_content(artifact, variety))


class ServedTaste(Served[PublishedTaste]):
    """Holds the hybrid model."""

    def __init__(self, store: ArtifactStore) -> None:
        """Start without a model."""
        super().__init__(store, KIND, load_taste)

    @property
    def taste(self) -> PublishedTaste | None:
        """The model; None while there is none."""
        return self._serving.model if self._serving is not None else None

    @property
    def taste_reason(self) -> str:
        """Why it is not the newest one; empty when it is, or when there is none."""
        return self._serving.degraded_reason if self._serving is not None else ""

    def _told(self, model: PublishedTaste) -> str:
        return f"{super()._told(model)}, profile {model.profiles[0]}"
