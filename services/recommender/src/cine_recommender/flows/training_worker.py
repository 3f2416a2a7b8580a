"""The work on trainings: one at a time over all replicas, each in a process of its own; at night by itself."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ulid import ULID

from cine_recommender.domain.nightly import last_due
from cine_recommender.flows.promotion import Promotion
from cine_recommender.flows.training_process import TrainingProcess
from cine_recommender.flows.training_ratings import export
from cine_recommender.flows.trainings import GONE
from cine_recommender.store import Transaction, trainings
from cine_recommender.store.trainings import LEASE, LeaseLost, State, Training
from cine_recommender.training import stamps
from cine_recommender.training.outcome import KINDS, Outcome, TrainingJob
from cinemesh import telemetry
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import CineError

_LOOK_SECONDS: Final = 3.0
_PAUSES: Final = (1.0, 2.0, 4.0, 8.0)
_LOOKED_BACK: Final = 20
_AWAKE: Final = dt.timedelta(minutes=10)
"""How long it has been up before it asks for a night that it missed: whoever starts it wants to use it first."""
_BEAT_SECONDS: Final = LEASE.total_seconds() / 3
_STOPPED: Final = "interrupted: the recommender that trained was stopped; what served before serves on"
_OUR_FAULT: Final = "something went wrong on our side; the recommender's log says what"
_EVALUATING: Final = "quality"
"""The step of a training that measures what it made."""
_log = telemetry.logger("recommender")


class TrainingWorker:
    """Runs trainings that were asked for, asks for one every night, and ends what others left.

    A machine that sleeps at night asks when it is awake: once it has been up for a while, for the night it missed.

    Args:
        database: the store.
        promotion: settles what comes of them.
        job: says what there is to train on at the moment, without what people rated here.
        folder: where those ratings are written for the time of a training.
        at: the hour of the night in UTC; None for never.
        made_at: says when what serves was made, None where something is missing; looks at files.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        promotion: Promotion,
        job: Callable[[], TrainingJob],
        folder: Path,
        at: dt.time | None,
        made_at: Callable[[], dt.datetime | None],
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._promotion = promotion
        self._job = job
        self._folder = folder
        self._at = at
        self._made_at = made_at
        self._clock = clock
        self._holder = str(ULID())
        self._began = clock()
        self._since: dt.datetime | None = None
        self._wake = asyncio.Event()
        self._held = time.monotonic()
        self.process: TrainingProcess | None = None

    def wake(self) -> None:
        """Says that there may be something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Works until cancelled; a training that runs then is interrupted."""
        released, away = self._database.dialect != "sqlite", False
        while True:
            try:
                if not released:
                    # nobody else can have this file open: whoever ran a training is dead
                    await self._database.write(trainings.release_all)
                    released = True
                self._wake.clear()
                await self.look()
                away = False
            except CineError as fault:
                if not away:  # once, not every time
                    _log.info("trainings have to wait", reason=fault.message)
                away = True
            except Exception:
                _log.exception("the work on trainings failed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)

    async def look(self) -> None:
        """Does what there is to do: asks for the night's training, runs what waits, ends what others left."""
        await self._ask_at_night()
        found = await self._database.read(trainings.in_hand)
        if found is None:
            return
        now, training_id = self._clock(), found.training_id
        if found.state is State.QUEUED or (found.switching and found.held_until < now):
            if await self._database.write(lambda tx: trainings.claim(tx, training_id, self._holder, now)):
                await (self._finish(found) if found.switching else self._work(found))
            return
        if found.held_until >= now:
            return
        if await self._database.write(lambda tx: trainings.interrupt_left(tx, now, GONE)):
            _log.warning("a training was interrupted", training_id=training_id)

    async def _ask_at_night(self) -> None:
        if self._at is None:
            return
        now = self._clock()
        due = last_due(now, self._at)
        if self._since is None:
            self._since = await self._last_tried()
        if due <= self._since or (due <= self._began and now < self._began + _AWAKE):
            return
        night = due.date().isoformat()
        asked = await self._database.write(lambda tx: trainings.ask(tx, KINDS, now, night=night))
        if asked.night == night:  # else one that somebody asked for is in the way: later
            self._since = due

    async def _last_tried(self) -> dt.datetime:
        """Returns when models were made or a training of all was asked for last; where neither is known, when this began."""
        asked = await self._database.read(lambda tx: trainings.newest(tx, _LOOKED_BACK))
        made = await asyncio.to_thread(self._made_at)
        known = [one.created_at for one in asked if set(one.kinds) == set(KINDS)] + ([made] if made is not None else [])
        return max(known, default=self._began)

    async def _finish(self, found: Training) -> None:
        """Serves what whoever ran a training promoted before they went away."""
        _log.info("a promotion is finished", training_id=found.training_id)
        await self._promotion.finish(found.training_id, map(Outcome.model_validate, found.outcomes))

    async def _work(self, training: Training) -> None:
        _log.info("training begins", training_id=training.training_id, kinds=training.kinds, night=training.night)
        try:
            await asyncio.to_thread(self._clear)
            outcomes = await self._trained(training)
            await self._settle(training, outcomes)
        except LeaseLost:
            _log.warning("a training was taken over", training_id=training.training_id)
        except asyncio.CancelledError:
            await self._leave(training)
            raise

    async def _settle(self, training: Training, outcomes: Sequence[Outcome]) -> None:
        """Writes down what came of it, and serves what passed; hours of work do not go because the store is away for a moment."""
        for pause in (*_PAUSES, None):
            try:
                settled = await self._promotion.settle(training, self._holder, outcomes)
                break
            except CineError as away:
                if pause is None:
                    raise
                _log.info("what came of a training cannot be written down yet", reason=away.message)
                await asyncio.sleep(pause)
        _log.info("training ended", training_id=training.training_id, state=settled.state)
        if settled.switching:
            await self._promotion.finish(training.training_id, settled.outcomes)

    async def _leave(self, training: Training) -> None:
        """Says that a training was interrupted, when the service stops; after a promotion nothing is left to say."""

        def change(tx: Transaction) -> int:
            return trainings.interrupt_left(tx, self._clock(), _STOPPED, self._holder)

        with contextlib.suppress(CineError):
            if await self._database.write(change):
                _log.info("a training was interrupted", training_id=training.training_id)

    async def _trained(self, training: Training) -> list[Outcome]:
        try:
            file = self._folder / f"{training.training_id}.csv"
            known = await asyncio.to_thread(self._job)
            job = known.model_copy(update={"kinds": training.kinds, "force": training.force, "activate": False})
            await self._say(training, "reading what people rated here", 0)
            rated = await export(self._database, file, lambda: self._beat(training))
            job = job.model_copy(update={"rated": file if rated.rows else None, "digest": rated.digest})
            same = None if job.force else await asyncio.to_thread(_nothing_new, job)
            return same if same is not None else await self._listen(training, job)
        except LeaseLost:
            raise
        except Exception as fault:
            _log.exception("a training failed", training_id=training.training_id)
            reason = fault.message if isinstance(fault, CineError) else _OUR_FAULT
            return [Outcome(kind=kind, result="failed", reason=reason) for kind in training.kinds]
        finally:
            await asyncio.to_thread(self._clear)

    async def _listen(self, training: Training, job: TrainingJob) -> list[Outcome]:
        """Returns what a process says came of each kind."""
        process = self.process = await TrainingProcess.start(job)
        outcomes: dict[str, Outcome] = {}
        try:
            while True:
                try:
                    told = await process.heard(_BEAT_SECONDS)
                except TimeoutError:
                    await self._beat(training)
                    continue
                if told is None:
                    break
                if "outcome" in told:
                    one = Outcome.model_validate(told["outcome"])
                    outcomes[one.kind] = one
                else:
                    await self._say(training, told["step"], round(100 * told["share"]))
            status = await process.ended()
        finally:
            await process.end()
            self.process = None
        return [outcomes.get(kind) or _unfinished(kind, status) for kind in training.kinds]

    async def _say(self, training: Training, step: str, percent: int) -> None:
        """Says what it is doing.

        Raises:
            LeaseLost: another process took the training over.
        """
        measuring = step.rpartition(": ")[2] == _EVALUATING
        state = State.EVALUATING if measuring else State.RUNNING
        await self._hold(training, state=state, detail=step, percent=min(max(percent, 0), 99))

    async def _beat(self, training: Training) -> None:
        """Says now and then that we are still at work.

        Raises:
            LeaseLost: another process took the training over.
        """
        if time.monotonic() - self._held >= _BEAT_SECONDS:
            await self._hold(training)

    async def _hold(self, training: Training, **values: Any) -> None:
        def change(tx: Transaction) -> None:
            trainings.hold(tx, training.training_id, self._holder, self._clock(), **values)

        try:
            await self._database.write(change)
            self._held = time.monotonic()
        except CineError as away:  # for a moment: that does not end a training
            _log.info("the store is not told how a training goes on", reason=away.message)

    def _clear(self) -> None:
        """Removes what trainings of before left: there is one at a time."""
        for left in self._folder.glob("*.csv"):
            left.unlink(missing_ok=True)


def _nothing_new(job: TrainingJob) -> list[Outcome] | None:
    """Returns what to say when no model has anything new to learn from; None when one has. A look at files, no more."""
    known: list[Outcome] = []
    for kind in job.kinds:
        try:
            same = stamps.up_to_date(kind, job, stamps.made_of(kind, job))
        except stamps.NothingToLearnFrom as reason:
            same = Outcome(kind=kind, result="failed", reason=str(reason))
        if same is None:
            return None
        known.append(same)
    return known


def _unfinished(kind: str, status: int) -> Outcome:
    reason = f"the training process ended with status {status}; the recommender's log may say why"
    if status < 0:
        reason = f"the training process was ended by signal {-status}; signal 9 often means that memory ran out"
    return Outcome(kind=kind, result="failed", reason=reason)
