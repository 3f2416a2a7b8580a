"""The versions of models at hand, and the way back to the one that served before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cine.recommender.v1 import events_pb2
from cine_recommender.store import Transaction, model_acts
from cinemesh import telemetry
from cinemesh.artifacts import ArtifactCorrupt, ArtifactError, ArtifactStore, Manifest
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import DataLoss, FailedPrecondition, NotFound
from cinemesh.outbox import Outbox

_log = telemetry.logger("recommender")


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a model.

    Attributes:
        manifest: what it says of itself.
        serving: whether it is the one that serves: the current one, or the best there is where that is damaged.
        previous: whether a rollback would go back to it.
    """

    manifest: Manifest
    serving: bool
    previous: bool

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(entry.size for entry in self.manifest.files.values())


class ModelVersions:
    """Lists versions of models and goes back to earlier ones.

    Args:
        artifacts: the versions; the store that serving loads from, so that what it verified is not verified again.
        database: the store that keeps the audit log.
        outbox: tells other services.
        switched: is called after a switch, so that this process need not wait until it looks for new models again.
        clock: tells the time.
    """

    def __init__(
        self,
        artifacts: ArtifactStore,
        database: Database,
        outbox: Outbox,
        switched: Callable[[], Awaitable[object]],
        clock: Clock = utc_now,
    ) -> None:
        self._artifacts = artifacts
        self._database = database
        self._outbox = outbox
        self._switched = switched
        self._clock = clock

    async def find(self, kind: str = "") -> list[ModelVersion]:
        """Returns the versions of one kind, or of all when it is empty, by kind and newest first.

        A version whose manifest cannot be read is left out and named in the log.
        """
        return await asyncio.to_thread(self._find, kind)

    def _find(self, kind: str) -> list[ModelVersion]:
        kinds = [one for one in self._artifacts.kinds() if kind in ("", one)]
        return [version for one in kinds for version in self._versions(one)]

    def _versions(self, kind: str) -> list[ModelVersion]:
        serving: str | None = None
        previous: str | None = None
        try:
            serving = self._artifacts.newest_valid(kind)[0].version
            previous = self._artifacts.version_before(kind)
        except ArtifactError as error:
            _log.warning("no version of a model can serve", kind=kind, reason=str(error))
        found = []
        for version in reversed(self._artifacts.versions(kind)):
            try:
                manifest = self._artifacts.manifest(kind, version)
            except ArtifactError as error:
                _log.warning("version of a model left out", reason=str(error))
                continue
            found.append(ModelVersion(manifest, version == serving, version == previous))
        return found

    async def rollback(self, kind: str, actor_id: str, reason: str) -> tuple[ModelVersion, str]:
        """Serves the version before the current one again.

        The version is verified, then told of, then switched to: whoever dies or is refused in between leaves everything as it
        was, and may try again.

        Args:
            kind: kind of model.
            actor_id: who wants it.
            reason: why, for the audit log.

        Returns:
            What serves now, and the version that served until now.

        Raises:
            NotFound: there are no models of that kind.
            FailedPrecondition: there is no earlier version.
            DataLoss: the earlier version is damaged.
            Unavailable: the store does not answer.
        """
        target, replaced = await asyncio.to_thread(self._target, kind)

        def effect(tx: Transaction) -> None:
            event = events_pb2.ModelPromoted(kind=kind, version=target, previous_version=replaced, rolled_back=True)
            self._outbox.append(tx, subject=f"models/{kind}", data=event)
            model_acts.record_rollback(tx, actor_id, kind, target, replaced, reason, self._clock())

        await self._database.write(effect)
        artifact = await asyncio.to_thread(self._artifacts.activate, kind, target)
        _log.info("model rolled back", kind=kind, version=target, replaced=replaced, actor=actor_id)
        await self._switched()
        return ModelVersion(artifact.manifest, serving=True, previous=False), replaced

    def _target(self, kind: str) -> tuple[str, str]:
        """Returns the version to go back to, verified, and the current one."""
        if kind not in self._artifacts.kinds():
            problem = "names no kind of model there is"
            raise NotFound(f"kind {problem}", violations=[("kind", problem)])
        try:
            current, before = self._artifacts.current_version(kind), self._artifacts.version_before(kind)
            if current is None or before is None:
                raise FailedPrecondition(f"there is no {kind} model before the one that serves")
            self._artifacts.get(kind, before)
        except ArtifactCorrupt as error:
            raise DataLoss(str(error)) from None
        except ArtifactError as error:
            raise FailedPrecondition(str(error)) from None
        return before, current
