"""Trainings as administrators ask for them and look at them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from cine_recommender.store import Transaction, trainings
from cine_recommender.store.trainings import LeaseLost, State, Training
from cine_recommender.training.outcome import KINDS
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import Aborted, InvalidArgument, NotFound

KEPT_FOR: Final = dt.timedelta(days=180)
"""How long it is known what came of a training."""
GONE: Final = "interrupted: the recommender that trained went away; what served before serves on"


class Trainings:
    """Asks for trainings and finds them.

    Args:
        database: the store.
        clock: tells the time.
    """

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    def asked(self, kinds: Sequence[str], actor_id: str, *, force: bool) -> Callable[[Transaction], Training]:
        """Returns the effect of asking for a training: the training, or the one that waits or runs already.

        Args:
            kinds: of model; empty for all.
            actor_id: who asks.
            force: train also what is up to date.

        Raises:
            InvalidArgument: a kind is none that can be trained.
        """
        for one in kinds:
            if one not in KINDS:
                problem = f"must be of {', '.join(KINDS)}"
                raise InvalidArgument(f"kinds {problem}", violations=[("kinds", problem)])
        wanted = [one for one in KINDS if one in kinds] or list(KINDS)

        def effect(tx: Transaction) -> Training:
            try:
                return trainings.ask(tx, wanted, self._clock(), actor_id=actor_id, force=force)
            except LeaseLost:
                raise Aborted("trainings begin and end too fast to say which one runs; try again") from None

        return effect

    async def get(self, training_id: str) -> Training:
        """Returns a training.

        Raises:
            NotFound: there is none.
        """
        found = await self._database.read(lambda tx: trainings.get(tx, training_id))
        if found is None:
            problem = "names no training"
            raise NotFound(f"training_id {problem}", violations=[("training_id", problem)])
        return self._as_it_is(found)

    async def newest(self, limit: int) -> list[Training]:
        """Returns the latest trainings, newest first."""
        found = await self._database.read(lambda tx: trainings.newest(tx, limit))
        return [self._as_it_is(one) for one in found]

    async def prune(self) -> int:
        """Forgets trainings that ended long ago. Returns how many."""
        before = self._clock() - KEPT_FOR
        return await self._database.write(lambda tx: trainings.prune(tx, before))

    def _as_it_is(self, one: Training) -> Training:
        """Returns a training whose process went away as interrupted, although nobody has written it down yet."""
        if one.at_work and not one.switching and one.held_until < self._clock():
            return replace(one, state=State.INTERRUPTED, detail=GONE, ended_at=one.held_until)
        return one
