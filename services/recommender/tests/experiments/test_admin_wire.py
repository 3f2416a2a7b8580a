"""What administrators see and do, over a real server on both stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as Packed

from cine.recommender.v1 import admin_pb2 as pb
from cine.recommender.v1 import admin_pb2_grpc, events_pb2
from cine_recommender.app import RecommenderApplication
from cine_recommender.settings import RecommenderSettings
from cine_recommender.store.model_acts import model_acts
from cinemesh.artifacts import Artifact, ArtifactStore, Metric
from cinemesh.db import mesh_tables
from cinemesh.errors import Code, Reason
from cinemesh.rpc_status import failure_of
from cinemesh.testing import Running, TokenFactory, running, settings_for

from .conftest import TOML, Log, day

NOBODY = ["127.0.0.1:1"]
PEERS = dict.fromkeys(("catalog", "identity", "ratings", "watchlist"), NOBODY)


@pytest.fixture
def options(tmp_path: Path, store_url: str, declared_file: Path) -> RecommenderSettings:
    return settings_for(
        RecommenderSettings,
        tmp_path,
        peers=PEERS,
        database_url=store_url,
        experiments_file=declared_file,
        model_check_seconds=0.05,
    )


@pytest.fixture
def artifacts(options: RecommenderSettings) -> ArtifactStore:
    return ArtifactStore(options.artifacts_dir)


@pytest.fixture
async def server(options: RecommenderSettings) -> AsyncIterator[Running]:
    tokens = TokenFactory(options)  # before anybody reads the keys
    async with running(RecommenderApplication(options, clock=lambda: day(20))) as server:
        server.app.tokens = tokens  # type: ignore[attr-defined]
        yield server


def admin(server: Running) -> Any:
    return server.stub(admin_pb2_grpc.RecommenderAdminServiceStub)


def boss(server: Running) -> tuple[tuple[str, str], ...]:
    tokens: TokenFactory = server.app.tokens  # type: ignore[attr-defined]
    return tokens.metadata(tokens.admin("u-boss"))


def publish(store: ArtifactStore, kind: str, version: str, *, activate: bool = True) -> Artifact:
    with store.stage(kind) as staged:
        (staged.path / "weights.bin").write_bytes(b"\0" * 2_000_000)
        metrics = {"ndcg@10": Metric(value=0.15, protocol="U"), "coverage": Metric(value=0.4, protocol="U")}
        return staged.publish(fingerprint=f"sha256:{version}", metrics=metrics, version=version, activate=activate)


async def refused(call: Any) -> tuple[Code, Reason, list[str]]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    failure = failure_of(caught.value)
    return failure.code, failure.reason, [field for field, _ in failure.violations]


CALLS = (
    ("ListModels", pb.ListModelsRequest()),
    ("RollbackModel", pb.RollbackModelRequest(kind="hybrid")),
    ("StartTraining", pb.StartTrainingRequest()),
    ("ListTrainings", pb.ListTrainingsRequest()),
    ("GetTraining", pb.GetTrainingRequest(training_id="01ABC")),
    ("ListExperiments", pb.ListExperimentsRequest()),
    ("GetExperimentReport", pb.GetExperimentReportRequest(experiment_id="weights")),
)


async def test_only_administrators_may(server: Running) -> None:
    tokens: TokenFactory = server.app.tokens  # type: ignore[attr-defined]
    for call, request in CALLS:
        assert (await refused(getattr(admin(server), call)(request)))[0] is Code.UNAUTHENTICATED
        ada = tokens.metadata(tokens.user("u-ada"))
        assert (await refused(getattr(admin(server), call)(request, metadata=ada)))[0] is Code.PERMISSION_DENIED


async def test_experiments_are_listed_newest_first(server: Running) -> None:
    answer = await admin(server).ListExperiments(pb.ListExperimentsRequest(), metadata=boss(server))
    assert [(one.experiment_id, one.state) for one in answer.experiments] == [
        ("weights", "running"),
        ("earlier", "ended"),
    ]
    weights, earlier = answer.experiments
    assert weights.description == "Do the learned weights find more that people like?"
    assert [(one.name, one.share, one.profile) for one in weights.variants] == [
        ("stated", 0.5, "default"),
        ("learned", 0.5, "tuned"),
    ]
    assert [one.share for one in earlier.variants] == [0.5, 0.25]
    assert weights.started_at.ToJsonString() == "2026-12-01T00:00:00Z"


async def test_a_changed_file_is_followed(server: Running, declared_file: Path) -> None:
    app: Any = server.app
    assert await app.experiments.probe() == "1 running, 2 declared"
    probes = await app.probes()
    assert not probes["experiments"].required
    declared_file.write_text(TOML.replace('"running"', '"paused"'))  # noqa: ASYNC240 - a few bytes
    await app.experiments.refresh()
    answer = await admin(server).ListExperiments(pb.ListExperimentsRequest(), metadata=boss(server))
    assert [one.state for one in answer.experiments] == ["paused", "ended"]


async def test_a_report_tells_what_was_found(server: Running) -> None:
    app: Any = server.app
    log = Log(app.remembering.database)
    for number in range(6):
        variant = "stated" if number % 2 else "learned"
        await log.shown(f"user{number}", 1, variant, [1, 2])
        if number < 4:
            await log.rated(f"user{number}", 2, 1, 5.0)
        if number % 2 == 0:
            await log.rated(f"user{number}", 2, 2, 4.0)
    request = pb.GetExperimentReportRequest(experiment_id="weights")
    report = await admin(server).GetExperimentReport(request, metadata=boss(server))
    assert (report.experiment_id, report.sample_ratio_ok, report.sample_ratio_p_value) == ("weights", True, 1.0)
    assert [(one.variant, one.users, one.answers) for one in report.exposures] == [("stated", 3, 3), ("learned", 3, 3)]
    liked = {one.variant: one for one in report.effects if one.metric == "liked_per_answer"}
    assert (liked["stated"].value, liked["stated"].effect) == (pytest.approx(2 / 3), 0)
    assert liked["learned"].value == pytest.approx(5 / 3)
    assert liked["learned"].effect == pytest.approx(1.0)
    assert liked["learned"].effect_low < 1.0 < liked["learned"].effect_high
    assert report.created_at.ToDatetime().day == 21


async def test_an_experiment_that_is_not_declared_is_not_found(server: Running) -> None:
    request = pb.GetExperimentReportRequest(experiment_id="another")
    found = await refused(admin(server).GetExperimentReport(request, metadata=boss(server)))
    assert found[:2] == (Code.NOT_FOUND, Reason.NOT_FOUND)


async def test_models_are_listed_by_kind_and_newest_first(server: Running, artifacts: ArtifactStore) -> None:
    publish(artifacts, "hybrid", "20261101T000000")
    publish(artifacts, "hybrid", "20261102T000000")
    publish(artifacts, "hybrid", "20261103T000000", activate=False)
    publish(artifacts, "ease", "20261101T000000")
    answer = await admin(server).ListModels(pb.ListModelsRequest(), metadata=boss(server))
    assert [(one.kind, one.version[:8], one.serving, one.previous) for one in answer.models] == [
        ("ease", "20261101", True, False),
        ("hybrid", "20261103", False, False),
        ("hybrid", "20261102", True, False),
        ("hybrid", "20261101", False, True),
    ]
    newest = answer.models[1]
    assert newest.data_fingerprint == "sha256:20261103T000000"
    assert newest.size_mb == pytest.approx(2.0)
    assert [(one.name, one.protocol) for one in newest.metrics] == [("coverage", "U"), ("ndcg@10", "U")]
    assert newest.metrics[1].value == newest.metrics[1].low == newest.metrics[1].high == 0.15

    one = await admin(server).ListModels(pb.ListModelsRequest(kind="ease"), metadata=boss(server))
    assert [model.kind for model in one.models] == ["ease"]
    none = await admin(server).ListModels(pb.ListModelsRequest(kind="../hybrid"), metadata=boss(server))
    assert not none.models


async def test_a_damaged_model_is_not_said_to_serve(server: Running, artifacts: ArtifactStore) -> None:
    publish(artifacts, "hybrid", "20261101T000000")
    damaged = publish(artifacts, "hybrid", "20261102T000000")
    damaged.file("weights.bin").write_bytes(b"x")
    answer = await admin(server).ListModels(pb.ListModelsRequest(), metadata=boss(server))
    assert [(one.version[:8], one.serving) for one in answer.models] == [("20261102", False), ("20261101", True)]
    (damaged.path / "manifest.json").write_text("{")
    answer = await admin(server).ListModels(pb.ListModelsRequest(), metadata=boss(server))
    assert [one.version[:8] for one in answer.models] == ["20261101"]


async def test_going_back_switches_tells_and_is_on_record(server: Running, artifacts: ArtifactStore) -> None:
    publish(artifacts, "hybrid", "20261101T000000")
    publish(artifacts, "hybrid", "20261102T000000")
    request = pb.RollbackModelRequest(kind="hybrid", reason="  too many sequels ")
    answer = await admin(server).RollbackModel(request, metadata=boss(server))
    assert (answer.model.version, answer.model.serving) == ("20261101T000000", True)
    assert answer.replaced_version == "20261102T000000"
    assert artifacts.current_version("hybrid") == "20261101T000000"

    app: Any = server.app
    database = app.remembering.database
    (data,) = await database.read(lambda tx: tx.execute(sa.select(mesh_tables.outbox.c.data)).scalars().all())
    packed, event = Packed.FromString(data), events_pb2.ModelPromoted()
    assert packed.Unpack(event)
    assert (event.kind, event.version, event.previous_version, event.rolled_back) == (
        *("hybrid", "20261101T000000", "20261102T000000"),
        True,
    )
    act = await database.read(lambda tx: tx.execute(sa.select(model_acts)).mappings().one())
    assert (act["actor_id"], act["action"], act["kind"], act["reason"]) == (
        *("u-boss", "model.rollback", "hybrid"),
        "too many sequels",
    )
    assert (act["version"], act["replaced_version"]) == ("20261101T000000", "20261102T000000")
    assert act["call_id"]


async def test_going_back_where_that_is_not_possible_changes_nothing(server: Running, artifacts: ArtifactStore) -> None:
    def back(kind: str) -> Any:
        return admin(server).RollbackModel(pb.RollbackModelRequest(kind=kind), metadata=boss(server))

    assert await refused(back("hybrid")) == (Code.NOT_FOUND, Reason.NOT_FOUND, ["kind"])
    assert (await refused(back("../hybrid")))[0] is Code.NOT_FOUND
    first = publish(artifacts, "hybrid", "20261101T000000")
    assert (await refused(back("hybrid")))[0] is Code.FAILED_PRECONDITION
    publish(artifacts, "hybrid", "20261102T000000")
    first.file("weights.bin").write_bytes(b"x")
    assert (await refused(back("hybrid")))[0] is Code.DATA_LOSS
    assert artifacts.current_version("hybrid") == "20261102T000000"
    app: Any = server.app
    acts = await app.remembering.database.read(lambda tx: tx.execute(sa.select(model_acts)).all())
    assert acts == []
