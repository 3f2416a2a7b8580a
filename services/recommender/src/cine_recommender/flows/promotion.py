"""What comes of a training: written down, told of and on record in one transaction, then served."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cine.recommender.v1 import events_pb2
from cine_recommender.store import Transaction, model_acts, trainings
from cine_recommender.store.trainings import State, Training
from cine_recommender.training import stamps
from cine_recommender.training.outcome import Outcome, in_words
from cinemesh import telemetry
from cinemesh.artifacts import ArtifactError, ArtifactStore
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.outbox import Outbox

_log = telemetry.logger("recommender")
_WORST_FIRST = (("failed", State.FAILED), ("promoted", State.PROMOTED), ("rejected", State.REJECTED))


@dataclass(frozen=True, slots=True)
class Settled:
    """What is written down of a training.

    Attributes:
        state: how it ended.
        outcomes: what came of each kind.
        switching: whether there is anything for `Promotion.finish` to do.
    """

    state: State
    outcomes: Sequence[Outcome]
    switching: bool


class Promotion:
    """Promotes models.

    A model serves after the transaction that says so. Whoever dies in between leaves a training that is `switching`: the next process
    that looks switches to its models, unless somebody chose another version meanwhile.

    Args:
        artifacts: the versions.
        database: the store.
        outbox: tells other services.
        var_dir: where is kept what models were made of.
        switched: is called after a switch, so that this process need not wait until it looks for new models again.
        clock: tells the time.
    """

    def __init__(
        self,
        artifacts: ArtifactStore,
        database: Database,
        outbox: Outbox,
        var_dir: Path,
        switched: Callable[[], Awaitable[object]],
        clock: Clock = utc_now,
    ) -> None:
        self._artifacts = artifacts
        self._database = database
        self._outbox = outbox
        self._var_dir = var_dir
        self._switched = switched
        self._clock = clock

    async def settle(self, training: Training, holder: str, outcomes: Sequence[Outcome]) -> Settled:
        """Writes down what came of a training. Nothing that passed serves before `finish`.

        Args:
            training: which.
            holder: the process at work on it.
            outcomes: what came of each kind.

        Raises:
            LeaseLost: another process took the training over, or it is settled already; nothing is promoted by this call.
            Unavailable: the store does not answer.
        """
        settled = await asyncio.to_thread(lambda: [self._verified(one) for one in outcomes])
        results = {one.result for one in settled}
        state = next((state for result, state in _WORST_FIRST if result in results), State.UNCHANGED)
        switching = any(one.made_of is not None for one in settled)

        def effect(tx: Transaction) -> None:
            trainings.end(
                tx,
                training.training_id,
                holder,
                self._clock(),
                state=state,
                detail=in_words(settled),
                outcomes=[one.model_dump(mode="json") for one in settled],
                switching=switching,
            )
            for one in settled:
                if one.result == "promoted":
                    self._tell(tx, training, one)

        await self._database.write(effect)
        return Settled(state, settled, switching)

    def _tell(self, tx: Transaction, training: Training, one: Outcome) -> None:
        event = events_pb2.ModelPromoted(kind=one.kind, version=one.version, previous_version=one.replaced_version)
        self._outbox.append(tx, subject=f"models/{one.kind}", data=event)
        why = f"training {training.training_id}"
        model_acts.record_promotion(
            tx, training.actor_id, one.kind, one.version, one.replaced_version, why, self._clock()
        )

    async def finish(self, training_id: str, outcomes: Iterable[Outcome]) -> None:
        """Serves what a training promoted, and keeps what its models were made of. Done twice it is done once."""
        for one in outcomes:
            await asyncio.to_thread(self._switch, one)
        await self._database.write(lambda tx: trainings.close(tx, training_id))
        await self._switched()

    def _verified(self, one: Outcome) -> Outcome:
        """Returns what passed the gate as promoted, with what serves now; as failed where the version is damaged."""
        if one.result != "made":
            return one
        try:
            self._artifacts.get(one.kind, one.version)
            replaced = self._artifacts.current_version(one.kind) or ""
        except ArtifactError as error:
            return one.but(result="failed", reason=str(error), made_of=None)
        return one.but(result="promoted", replaced_version=replaced)

    def _switch(self, one: Outcome) -> None:
        if one.result == "promoted":
            try:
                current = self._artifacts.current_version(one.kind) or ""
                if current == one.replaced_version and self._artifacts.version_before(one.kind) != one.version:
                    self._artifacts.activate(one.kind, one.version)
                    _log.info("model promoted", kind=one.kind, version=one.version, replaced=one.replaced_version)
                elif current != one.version:
                    # served already and taken back, or somebody published another one
                    _log.info("model promoted was taken back", kind=one.kind, version=one.version, serving=current)
            except ArtifactError as error:
                _log.error("model promoted cannot be served", kind=one.kind, version=one.version, reason=str(error))
                return
        if one.made_of is not None:
            stamps.note(self._var_dir, one.kind, one.made_of)
