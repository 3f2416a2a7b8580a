"""The experiments that hold now: read from the file the setting names, and again whenever it changes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cine_recommender.experiments.assignment import Assigner
from cine_recommender.experiments.declaration import Experiment
from cine_recommender.experiments.reading import DeclarationInvalid, parse
from cinemesh import telemetry
from cinemesh.errors import FailedPrecondition, NotFound

_log = telemetry.logger("experiments")


class DeclaredExperiments:
    """Follows a file of experiments. One that cannot be used changes nothing: what held before goes on holding.

    Args:
        path: the file; None for no experiments.

    Attributes:
        assigner: gives people what the experiments that hold say.
        experiments: those that hold, in the order of the file.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._read: str | None = None
        self._problem = ""
        self.experiments: tuple[Experiment, ...] = ()
        self.assigner = Assigner()

    async def refresh(self) -> bool:
        """Reads the file where it has changed; returns whether other experiments hold now."""
        if self._path is None:
            return False
        try:
            text = await asyncio.to_thread(self._path.read_text, encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = (error.strerror or "unreadable") if isinstance(error, OSError) else "is not UTF-8"
            self._refuse(None, reason)
            return False
        if text == self._read:
            return False
        try:
            experiments = parse(text)
        except DeclarationInvalid as error:
            self._refuse(text, str(error))
            return False
        self._read, self._problem = text, ""
        changed = experiments != self.experiments
        self.experiments = experiments
        self.assigner.use(experiments)
        if changed:
            _log.info("experiments declared", experiments=[f"{one.experiment_id} ({one.state})" for one in experiments])
        return changed

    def _refuse(self, text: str | None, reason: str) -> None:
        problem = f"{self._path.name if self._path else ''}: {reason}"
        if problem != self._problem:
            _log.error("experiments refused; those of before go on", reason=problem, kept=len(self.experiments))
        self._read, self._problem = text, problem

    async def watch(self, every_seconds: float) -> None:
        """Refreshes now and then, until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            try:
                await self.refresh()
            except Exception:
                _log.exception("looking for other experiments failed")

    def get(self, experiment_id: str) -> Experiment:
        """Returns an experiment.

        Raises:
            NotFound: none of that name is declared.
        """
        for one in self.experiments:
            if one.experiment_id == experiment_id:
                return one
        raise NotFound(f'there is no experiment "{experiment_id}"')

    async def probe(self) -> str:
        """Says how many experiments run.

        Raises:
            FailedPrecondition: the file cannot be used; the message says why, and what goes on.
        """
        running = sum(one.state == "running" for one in self.experiments)
        if self._problem:
            raise FailedPrecondition(f"{self._problem}; {running} running experiments of before go on")
        return f"{running} running, {len(self.experiments)} declared"
