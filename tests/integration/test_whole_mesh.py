"""The real mesh, started as `make run` starts it: what people and neighbours see of it, and what a killed service does to it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from cinemesh import topology

from .mesh import Mesh, started

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with started(tmp_path_factory.mktemp("mesh")) as made:
        yield made


def test_starter_catalogue_answers_the_first_calls_of_the_readme(mesh: Mesh) -> None:
    health = mesh.get("/health").json()
    assert health["status"] == "ok" and health["service"] == "cinematch-ml-backend" and health["num_items"] > 390
    found = mesh.get("/api/v1/movies/search?query=metropolsi").json()
    assert found["movies"][0]["title"] == "Metropolis" and found["fuzzy"] is True
    taste = {"user_id": "test", "preferred_genres": ["action", "science fiction"], "services": []}
    matched = httpx.post(f"{mesh.address}/api/recommendations", json=taste, timeout=10, trust_env=False).json()
    assert len(matched["recommendations"]) == 20
    assert all(0 <= film["score"] <= 1 for film in matched["recommendations"])


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/redoc", "/openapi.json", "/health/live", "/health/ready", "/api/v1/genres/"]
)
def test_pages_are_there(mesh: Mesh, path: str) -> None:
    assert mesh.get(path).status_code == 200


def test_similar_films_are_films_of_the_catalogue(mesh: Mesh) -> None:
    film = mesh.get("/api/v1/movies/search?query=the%20matrix").json()["movies"][0]
    similar = mesh.get(f"/api/v1/recommendations/similar/{film['movie_id']}").json()["recommendations"]
    assert similar and all(
        mesh.get(f"/api/v1/movies/{one['movie']['movie_id']}").status_code == 200 for one in similar[:3]
    )


@pytest.mark.parametrize("service", topology.SERVICES)
def test_every_service_lists_itself_over_reflection(mesh: Mesh, service: str) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{topology.grpc_port(service, mesh.base)}") as channel:
        names = ProtoReflectionDescriptorDatabase(channel).get_services()
    assert any(name.startswith(f"cine.{service}.v1.") for name in names)
    assert "cine.common.v1.StatusService" in names


def test_a_call_not_built_yet_says_so(mesh: Mesh) -> None:
    answer = httpx.post(
        f"{mesh.address}/api/v1/sentiment/analyze", json={"text": "lovely"}, timeout=10, trust_env=False
    )
    assert answer.status_code == 501
    assert answer.json()["details"][0]["reason"] == "NOT_IMPLEMENTED"


def test_serving_processes_hold_no_torch(mesh: Mesh) -> None:
    for process in mesh.status()["processes"]:
        maps = Path(f"/proc/{process['pid']}/maps")
        if maps.exists():
            assert "libtorch" not in maps.read_text(), process["name"]


@pytest.mark.parametrize("victim", ["ratings", "catalog", "recommender", "portal", "envoy"])
def test_a_killed_process_leaves_the_others_answering_and_comes_back(mesh: Mesh, victim: str) -> None:
    before = next(p for p in mesh.status()["processes"] if p["name"] == victim)
    os.kill(before["pid"], signal.SIGKILL)
    if victim not in ("portal", "envoy"):
        told = mesh.get("/health/detailed").json()
        assert told["status"] == "ok" or victim in told["down"]
    if victim not in ("catalog", "envoy"):
        assert mesh.get("/api/v1/movies/popular").status_code == 200
    if victim not in ("recommender", "envoy"):
        assert mesh.get("/health").json()["status"] == "ok"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        now = next(p for p in mesh.status()["processes"] if p["name"] == victim)
        if now["ready"] and now["pid"] != before["pid"]:
            break
        time.sleep(0.2)
    else:
        pytest.fail(f"{victim} did not come back")
    assert now["restarts"] == before["restarts"] + 1
    while time.monotonic() < deadline:
        try:
            if mesh.get("/api/v1/movies/popular").status_code == 200 and mesh.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail("the gateway does not answer again")


def test_a_second_mesh_on_the_same_ports_is_told_which_are_busy(mesh: Mesh, tmp_path: Path) -> None:
    other = Mesh(mesh.base, mesh.address, {**mesh.environment, "CINE_VAR_DIR": str(tmp_path)})
    told = other.cine("start")
    assert told.returncode == 3
    assert f"port {mesh.base + 300}, wanted by envoy, is in use" in told.stderr


def test_doctor_finds_nothing_wrong(mesh: Mesh) -> None:
    told = mesh.cine("doctor", "--json")
    assert told.returncode == 0, told.stdout
