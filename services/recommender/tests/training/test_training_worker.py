"""Who works on trainings: one of several replicas, at night by itself, and the next one when a service is killed."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cine_recommender.app import RecommenderApplication
from cine_recommender.domain.nightly import last_due
from cine_recommender.flows.promotion import Promotion
from cine_recommender.flows.training_worker import TrainingWorker
from cine_recommender.settings import RecommenderSettings
from cine_recommender.store import doings, trainings
from cine_recommender.store.trainings import LEASE, State, Training
from cine_recommender.training.outcome import KINDS, TrainingJob
from cine_recommender.training.renewal import renew
from cinemesh.artifacts import ArtifactStore
from cinemesh.db import Database, migrate
from cinemesh.outbox import Outbox
from cinemesh.testing import TokenFactory, running

from ..memory.conftest import MovableClock, eventually
from .test_training_wire import Desk, gone, prepare, settings_of

HALF_PAST_THREE = dt.time(3, 30)
Hired = Callable[..., TrainingWorker]


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, "cine_recommender")
    async with Database(store_url) as opened:
        yield opened


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def hired(database: Database, clock: MovableClock, job: TrainingJob, tmp_path: Path) -> Hired:
    """Makes workers of replicas that share a store."""

    async def switched() -> None:
        pass

    def hire(at: dt.time | None = HALF_PAST_THREE, made_at: dt.datetime | None = None) -> TrainingWorker:
        artifacts, outbox = ArtifactStore(job.artifacts_dir), Outbox("recommender")
        promotion = Promotion(artifacts, database, outbox, job.var_dir, switched, clock)
        return TrainingWorker(database, promotion, lambda: job, tmp_path / "rated", at, lambda: made_at, clock)

    return hire


async def known(database: Database) -> list[Training]:
    return await database.read(lambda tx: trainings.newest(tx, 20))


@pytest.mark.parametrize(
    ("now", "day"), [("03:29:59", 13), ("03:30:00", 14), ("23:59:59", 14), ("00:00:00", 13), ("03:30:01", 14)]
)
def test_the_hour_of_the_night(now: str, day: int) -> None:
    moment = dt.datetime.combine(dt.date(2026, 3, 14), dt.time.fromisoformat(now), tzinfo=dt.UTC)
    assert last_due(moment, HALF_PAST_THREE) == dt.datetime(2026, 3, day, 3, 30, tzinfo=dt.UTC)


async def test_every_night_one_replica_looks_and_trains_where_there_is_anything_new(
    database: Database, hired: Hired, clock: MovableClock, job: TrainingJob
) -> None:
    for kind in KINDS:
        await asyncio.to_thread(renew, kind, job)
    first = ArtifactStore(job.artifacts_dir).current_version("hybrid")
    workers = [hired(), hired()]

    async def night() -> list[tuple[str, State]]:
        for _ in range(2):
            await asyncio.gather(*(worker.look() for worker in workers))
        return [(one.night, one.state) for one in reversed(await known(database))]

    assert await night() == [], "it began after the last one"
    clock.forward(hours=12)
    assert await night() == [], "13 minutes too early"
    clock.forward(minutes=21)
    assert await night() == [("2026-03-15", State.UNCHANGED)]
    clock.forward(hours=5)
    assert len(await night()) == 1
    rated = [doings.Doing(doings.RATING, f"r{film}", "ada", 100 + film, clock(), halves=9) for film in range(4)]
    await database.write(lambda tx: doings.note(tx, rated))
    clock.forward(hours=19)
    (_, second) = await night()
    assert second[0] == "2026-03-16"
    assert second[1] in (State.PROMOTED, State.REJECTED)
    assert len(ArtifactStore(job.artifacts_dir).versions("hybrid")) == 2
    assert (ArtifactStore(job.artifacts_dir).current_version("hybrid") != first) == (second[1] is State.PROMOTED)
    clock.forward(days=1)
    assert (await night())[2] == ("2026-03-17", State.UNCHANGED)


async def test_a_night_that_was_slept_through_is_made_up_for_once_it_has_been_up_for_a_while(
    database: Database, hired: Hired, clock: MovableClock
) -> None:
    worker = hired(made_at=clock() - dt.timedelta(days=2))
    await worker.look()
    clock.forward(minutes=9)
    await worker.look()
    assert await known(database) == [], "whoever starts it wants to use it first"
    clock.forward(minutes=2)
    await worker.look()
    assert [one.night for one in await known(database)] == ["2026-03-14"]
    again = hired(made_at=clock() - dt.timedelta(days=2))
    clock.forward(minutes=11)
    await again.look()
    assert len(await known(database)) == 1, "one night, one try, however often it is started"
    clock.forward(days=1)
    await again.look()
    assert [one.night for one in await known(database)] == ["2026-03-15", "2026-03-14"]


async def test_models_made_after_the_last_night_are_not_made_again(
    database: Database, hired: Hired, clock: MovableClock
) -> None:
    worker = hired(made_at=clock() - dt.timedelta(hours=1))
    clock.forward(minutes=30)
    await worker.look()
    assert await known(database) == []


async def test_without_an_hour_no_night_is_used(database: Database, hired: Hired, clock: MovableClock) -> None:
    worker = hired(None)
    clock.forward(days=3)
    await worker.look()
    assert await known(database) == []


async def test_a_night_waits_for_a_training_that_somebody_asked_for(
    database: Database, hired: Hired, clock: MovableClock
) -> None:
    worker = hired()
    await worker.look()
    clock.forward(days=1)
    asked = await database.write(lambda tx: trainings.ask(tx, ("content",), clock(), actor_id="ada"))
    await worker.look()
    assert [one.night for one in await known(database)] == [""]
    clock.forward(seconds=1)
    await worker.look()
    newest, oldest = await known(database)
    assert (newest.night, oldest.training_id) == ("2026-03-15", asked.training_id)


async def test_only_one_of_several_replicas_works_and_another_one_ends_what_it_left(
    database: Database, hired: Hired, clock: MovableClock
) -> None:
    busy, idle = hired(), hired()
    asked = await database.write(lambda tx: trainings.ask(tx, KINDS, clock(), force=True))
    working = asyncio.create_task(busy.look())
    other = busy

    async def at_work() -> bool:
        return other.process is not None

    await eventually(at_work, 60)
    await idle.look()
    assert idle.process is None
    process = busy.process
    assert process is not None
    clock.forward(seconds=LEASE.total_seconds() + 1)
    await idle.look()
    assert [one.state for one in await known(database)] == [State.INTERRUPTED]
    await working  # it hears that the training is not its own any more, and lets go
    assert gone(process.pid)
    found = (await known(database))[0]
    assert (found.training_id, found.state) == (asked.training_id, State.INTERRUPTED)


PROGRAM = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from cine_recommender.app import RecommenderApplication
    from cine_recommender.store import trainings
    from services.recommender.tests.training.test_training_wire import settings_of

    async def serve():
        app = RecommenderApplication(settings_of(Path(sys.argv[1]), sys.argv[2], training_at=None))
        await app.start()
        ask = lambda tx: trainings.ask(tx, ("content", "hybrid"), app.clock(), actor_id="u-boss")
        asked = await app.remembering.database.write(ask)
        app.retraining.worker.wake()
        while app.retraining.worker.process is None:
            await asyncio.sleep(0.01)
        print(asked.training_id, app.retraining.worker.process.pid, flush=True)
        await asyncio.sleep(3600)

    asyncio.run(serve())
    """
)


async def test_a_service_that_is_killed_leaves_neither_a_process_nor_a_training_that_runs_for_ever(
    tmp_path: Path, store_url: str
) -> None:
    prepare(tmp_path)
    service = await asyncio.to_thread(
        lambda: subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), store_url],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    )
    try:
        assert service.stdout is not None
        while len(words := (await asyncio.to_thread(service.stdout.readline)).split()) != 2 or not words[1].isdigit():
            assert service.poll() is None
    finally:
        service.kill()
        await asyncio.to_thread(service.communicate)
    training_id, pid = words[0], int(words[1])

    async def ended() -> bool:
        return gone(pid)

    await eventually(ended, 30)

    clock = MovableClock()
    clock.now = dt.datetime.now(dt.UTC)
    settings = settings_of(tmp_path, store_url, training_at=None)
    tokens = TokenFactory(settings)
    if not store_url.startswith("sqlite"):  # another replica may be at work for all that this one knows
        clock.forward(seconds=LEASE.total_seconds() + 1)
    async with running(RecommenderApplication(settings, clock=clock)) as server:
        desk = Desk(server, tokens, clock)

        async def told() -> bool:
            return bool((await desk.get(training_id)).state == "interrupted")

        await eventually(told, 30)
        found: Any = await desk.over(training_id)
        assert "went away" in found.detail
        assert (await desk.over((await desk.start(kinds=["content"])).training_id)).state == "promoted"


def test_the_hour_is_one_of_utc(tmp_path: Path) -> None:
    assert RecommenderSettings.only(training_at="").training_at is None
    assert RecommenderSettings.only(training_at="23:05").training_at == dt.time(23, 5)
    for wrong in ("25:00", "late", "03:30+02:00"):
        with pytest.raises(ValueError, match="training_at"):
            RecommenderSettings.only(training_at=wrong)
