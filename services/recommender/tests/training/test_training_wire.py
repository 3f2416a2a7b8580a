"""Trainings over a real server on both stores: asked for, run in a process of their own, judged, promoted, served."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as Packed

from cine.recommender.v1 import admin_pb2 as pb
from cine.recommender.v1 import admin_pb2_grpc, events_pb2
from cine_recommender.app import RecommenderApplication
from cine_recommender.flows.promotion import Promotion
from cine_recommender.settings import RecommenderSettings
from cine_recommender.store import doings, trainings
from cine_recommender.store.model_acts import model_acts
from cine_recommender.training import stamps
from cine_recommender.training.outcome import Outcome, TrainingJob
from cine_recommender.training.renewal import renew
from cinemesh.artifacts import ArtifactStore, Metric
from cinemesh.db import mesh_tables
from cinemesh.errors import Code
from cinemesh.rpc_status import failure_of
from cinemesh.testing import Running, TokenFactory, running, settings_for

from ..evaluation.audience import audience
from ..memory.conftest import MovableClock, eventually
from .conftest import ratings_of, write_catalogue, write_ratings

NOBODY = ["127.0.0.1:1"]
PEERS = dict.fromkeys(("catalog", "identity", "ratings", "watchlist"), NOBODY)
OVER = {"promoted", "rejected", "unchanged", "interrupted", "failed"}


@dataclass
class Desk:
    """An administrator in front of a server."""

    server: Running
    tokens: TokenFactory
    clock: MovableClock

    @property
    def app(self) -> Any:
        return self.server.app

    @property
    def artifacts(self) -> ArtifactStore:
        store: ArtifactStore = self.app.artifacts
        return store

    def ask(self, call: str, request: Any) -> Any:
        stub = self.server.stub(admin_pb2_grpc.RecommenderAdminServiceStub)
        return getattr(stub, call)(request, metadata=self.tokens.metadata(self.tokens.admin("u-boss")))

    async def start(self, **more: Any) -> Any:
        self.clock.forward(seconds=1)
        return await self.ask("StartTraining", pb.StartTrainingRequest(**more))

    async def get(self, training_id: str) -> Any:
        return await self.ask("GetTraining", pb.GetTrainingRequest(training_id=training_id))

    async def over(self, training_id: str) -> Any:
        """Waits until a training has ended."""

        async def holds() -> bool:
            return (await self.get(training_id)).state in OVER and await self.free()

        await eventually(holds, 90)
        return await self.get(training_id)

    async def free(self) -> bool:
        """Whether nothing is left to do."""
        return await self.app.remembering.database.read(trainings.in_hand) is None

    async def process(self) -> int:
        """Waits until a process trains, and returns its id."""
        worker = self.app.retraining.worker

        async def holds() -> bool:
            return worker.process is not None

        await eventually(holds, 60)
        pid: int = worker.process.pid
        return pid

    async def events(self) -> list[tuple[str, str, str]]:
        """Returns kind, version and version before of every promotion told."""
        query = sa.select(mesh_tables.outbox.c.data)
        found = await self.app.remembering.database.read(lambda tx: tx.execute(query).scalars().all())
        told = []
        for data in found:
            event = events_pb2.ModelPromoted()
            assert Packed.FromString(data).Unpack(event)
            told.append((event.kind, event.version, event.previous_version))
        return told


def prepare(folder: Path) -> None:
    """Lays out a small catalogue and ratings of an audience."""
    write_catalogue(folder)
    write_ratings(folder / "ratings", ratings_of(audience(80)))


def settings_of(folder: Path, store_url: str, **more: Any) -> RecommenderSettings:
    return settings_for(
        RecommenderSettings,
        folder,
        **{"peers": PEERS, "database_url": store_url, "ratings_dir": folder / "ratings", **more},
    )


@pytest.fixture
async def desk(tmp_path: Path, store_url: str) -> AsyncIterator[Desk]:
    prepare(tmp_path)
    settings, clock = settings_of(tmp_path, store_url, training_at=None), MovableClock()
    tokens = TokenFactory(settings)  # before anybody reads the keys
    async with running(RecommenderApplication(settings, clock=clock)) as server:
        yield Desk(server, tokens, clock)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_training_makes_models_judges_them_and_serves_them(desk: Desk) -> None:
    started = await desk.start(request_id="first")
    assert (started.state, list(started.kinds), started.nightly) == ("queued", ["content", "hybrid"], False)
    assert (await desk.start()).training_id == started.training_id, "one at a time"
    done = await desk.over(started.training_id)
    assert (done.state, done.progress) == ("promoted", 1.0), done
    assert done.created_at.seconds <= done.started_at.seconds <= done.ended_at.seconds
    versions = {one.kind: one.version for one in done.outcomes}
    assert [(one.kind, one.result) for one in done.outcomes] == [("content", "promoted"), ("hybrid", "promoted")]
    assert {kind: desk.artifacts.current_version(kind) for kind in versions} == versions
    assert "ndcg@10" in {metric.name for metric in done.outcomes[1].metrics}

    async def served() -> bool:
        loaded = {"content": desk.app.content.loaded, "hybrid": desk.app.taste.loaded}
        return {kind: one and one.model.version for kind, one in loaded.items()} == versions

    await eventually(served)
    assert await desk.events() == [(kind, versions[kind], "") for kind in ("content", "hybrid")]
    acts = await desk.app.remembering.database.read(lambda tx: tx.execute(sa.select(model_acts)).mappings().all())
    assert [(act["action"], act["actor_id"], act["reason"]) for act in acts] == [
        ("model.promote", "u-boss", f"training {done.training_id}")
    ] * 2

    assert (await desk.start(request_id="first")).training_id == done.training_id
    again = await desk.over((await desk.start()).training_id)
    assert (again.state, {one.version for one in again.outcomes}) == ("unchanged", set(versions.values()))

    database = desk.app.remembering.database
    rated = [doings.Doing(doings.RATING, f"r{at}", "ada", 100 + at, desk.clock(), halves=9) for at in range(5)]
    await database.write(lambda tx: doings.note(tx, rated))
    third = await desk.over((await desk.start()).training_id)
    assert {one.kind: one.result for one in third.outcomes}["content"] == "unchanged"
    assert third.outcomes[1].version != versions["hybrid"]
    listed = await desk.ask("ListTrainings", pb.ListTrainingsRequest(limit=2))
    assert [one.training_id for one in listed.trainings] == [third.training_id, again.training_id]
    folder = desk.app.settings.service_dir / "training"
    assert list(folder.glob("*")) == [], "nothing of what people rated is left lying about"


async def test_a_model_that_is_worse_is_kept_unserved_with_the_reason(desk: Desk) -> None:
    store, job = desk.artifacts, desk.app.retraining.job().model_copy(update={"activate": True})
    first = await asyncio.to_thread(renew, "hybrid", job)
    with store.stage("hybrid") as staged:  # serves, and says of itself that it is better than any can be
        (staged.path / "weights.bin").write_bytes(b"x")
        told = {"ndcg@10": Metric(value=2.0, protocol="U")}
        best = staged.publish(fingerprint="of it", parameters={"ratings": "ratings"}, metrics=told)
    done = await desk.over((await desk.start(kinds=["hybrid"], force=True)).training_id)
    assert done.state == "rejected"
    (outcome,) = done.outcomes
    assert (outcome.result, outcome.replaced_version) == ("rejected", best.version)
    assert "below that of the model that serves, 2.0000" in outcome.reason
    assert outcome.reason in done.detail
    assert outcome.version not in (best.version, first.version)
    assert outcome.version in store.versions("hybrid")
    assert store.current_version("hybrid") == best.version
    assert await desk.events() == []
    assert (await desk.over((await desk.start(kinds=["hybrid"])).training_id)).state == "unchanged"


async def test_what_cannot_be_trained_is_said_plainly(desk: Desk) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.start(kinds=["graph"])
    failure = failure_of(caught.value)
    assert failure.code is Code.INVALID_ARGUMENT
    assert dict(failure.violations) == {"kinds": "must be of content, hybrid"}
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.get("01ABC")
    assert failure_of(caught.value).code is Code.NOT_FOUND

    merged = desk.app.settings.merged_csv
    merged.write_bytes(merged.read_bytes()[:-40])
    done = await desk.over((await desk.start()).training_id)
    assert done.state == "failed"
    assert all("half-written or altered" in one.reason for one in done.outcomes)
    merged.unlink()
    done = await desk.over((await desk.start()).training_id)
    assert (done.state, "run the preprocessing first" in done.detail) == ("failed", True)


async def test_a_training_that_is_killed_has_failed_and_the_next_one_begins(desk: Desk) -> None:
    started = await desk.start()
    pid = await desk.process()
    politely = min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)

    async def polite() -> bool:
        return os.getpriority(os.PRIO_PROCESS, pid) == politely

    await eventually(polite)
    os.kill(pid, signal.SIGKILL)
    done = await desk.over(started.training_id)
    assert done.state == "failed"
    assert "ended by signal 9" in done.detail
    assert desk.artifacts.current_version("hybrid") is None
    assert (await desk.over((await desk.start(kinds=["content"])).training_id)).state == "promoted"


async def test_a_service_that_stops_ends_its_training_and_says_so(tmp_path: Path, store_url: str) -> None:
    prepare(tmp_path)
    settings, clock = settings_of(tmp_path, store_url, training_at=None), MovableClock()
    tokens = TokenFactory(settings)
    async with running(RecommenderApplication(settings, clock=clock)) as server:
        desk = Desk(server, tokens, clock)
        started = await desk.start()
        pid = await desk.process()
    assert gone(pid)
    async with running(RecommenderApplication(settings, clock=clock)) as server:
        desk = Desk(server, tokens, clock)
        found = await desk.get(started.training_id)
        assert (found.state, "was stopped" in found.detail) == ("interrupted", True)
        assert (await desk.over((await desk.start(kinds=["content"])).training_id)).state == "promoted"


async def test_a_promotion_cut_short_is_finished_by_whoever_looks_next(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path)
    settings, clock = settings_of(tmp_path, store_url, training_at=None), MovableClock()
    tokens = TokenFactory(settings)
    whole = Promotion.finish

    async def die(*_: Any) -> None:
        raise OSError("the machine went away")

    monkeypatch.setattr(Promotion, "finish", die)
    async with running(RecommenderApplication(settings, clock=clock)) as server:
        desk = Desk(server, tokens, clock)
        started = await desk.start(kinds=["content"])

        async def settled() -> bool:
            return bool((await desk.get(started.training_id)).state == "promoted")

        await eventually(settled, 90)
        assert desk.artifacts.current_version("content") is None
    monkeypatch.setattr(Promotion, "finish", whole)
    clock.forward(seconds=31)
    async with running(RecommenderApplication(settings, clock=clock)) as server:
        desk = Desk(server, tokens, clock)
        done = await desk.over(started.training_id)
        (outcome,) = done.outcomes
        assert desk.artifacts.current_version("content") == outcome.version
        assert await desk.events() == [("content", outcome.version, "")]
        assert stamps.noted(settings.var_dir, "content") != {}


async def test_a_promotion_is_not_finished_against_whoever_went_back(desk: Desk, job: TrainingJob) -> None:
    store, promotion = desk.artifacts, desk.app.retraining.worker._promotion
    first = (await asyncio.to_thread(renew, "content", job)).version
    forced = job.model_copy(update={"force": True, "activate": False})
    made: Outcome = await asyncio.to_thread(renew, "content", forced)
    outcome = made.but(result="promoted", replaced_version=first)
    await promotion.finish("01ABC", [outcome])
    assert store.current_version("content") == made.version
    store.rollback("content")
    await promotion.finish("01ABC", [outcome])
    assert store.current_version("content") == first
