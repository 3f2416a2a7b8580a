"""What came of experiments, counted from the log of answers."""

from __future__ import annotations

import asyncio
from typing import Final

from cine_recommender.experiments.declaration import Experiment
from cine_recommender.experiments.outcomes import Act, Answer, Tally, joined, tally
from cine_recommender.experiments.report import ExperimentReport, report_of
from cine_recommender.store import Transaction
from cine_recommender.store import experiments as store
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database

PEOPLE_AT_ONCE: Final = 50
"""People whose answers are read at a time: on SQLite everybody else waits for the milliseconds that takes."""


class Experiments:
    """Judges experiments by what people did about films shown to them.

    Args:
        database: the store.
        clock: tells the time.
    """

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def report(self, experiment: Experiment) -> ExperimentReport:
        """Returns what an experiment found in the answers since it started, of which the log keeps those of 30 days.

        Raises:
            Unavailable: the store does not answer.
        """
        names = [variant.name for variant in experiment.variants]
        people = await self._database.read(
            lambda tx: store.people_of(tx, experiment.experiment_id, experiment.started_at)
        )
        tallies: list[Tally] = []
        for first in range(0, len(people), PEOPLE_AT_ONCE):
            some = people[first : first + PEOPLE_AT_ONCE]

            def read(tx: Transaction, some: list[str] = some) -> tuple[list[Answer], list[Act]]:
                answers = store.answers_to(tx, experiment.experiment_id, experiment.started_at, some)
                return answers, store.acts_of(tx, some, experiment.started_at)

            answers, acts = await self._database.read(read)
            tallies.append(await asyncio.to_thread(tally, answers, acts, names))
        return await asyncio.to_thread(report_of, experiment, joined(tallies), self._clock())
