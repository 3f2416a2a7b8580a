"""Retraining on a real mesh, by the commands a person types: what somebody rated is learned from, served, and can be taken back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from .mesh import ROOT, Mesh, started
from .people import client_of, sign_up

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    admins = {"CINE_IDENTITY_ADMINS": "boss", "CINE_IDENTITY_SECOND_FACTOR": "optional"}
    with started(tmp_path_factory.mktemp("retraining"), **admins) as made:
        yield made


def cine(mesh: Mesh, token: str, *words: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "cine_cli", *words, "--json"],
        cwd=ROOT,
        env={**mesh.environment, "CINE_TOKEN": token},
        capture_output=True,
        text=True,
    )
    return done.returncode, json.loads(done.stdout)


def waited_for(found: Callable[[], Any], wanted: Any) -> None:
    end = time.monotonic() + 30
    while (last := found()) != wanted:
        assert time.monotonic() < end, last
        time.sleep(0.2)


def test_what_somebody_rated_is_learned_from_served_and_taken_back(mesh: Mesh) -> None:
    boss = sign_up(mesh, "boss")
    with client_of(mesh, "ada") as ada:

        def serving() -> str:
            answer = ada.get("/api/v1/recommendations/").raise_for_status()
            return str(answer.json()["model"])

        first = serving()
        films = ada.get("/api/v1/movies/popular?page_size=12").raise_for_status().json()["movies"]
        for film in films:
            body = {"movie_id": film["movie_id"], "overall": 4.5}
            ada.post("/api/v1/ratings/rate", json=body).raise_for_status()
        refused = ada.post("/api/v1/admin/recommender/training", json={})
        assert refused.status_code == httpx.codes.FORBIDDEN
        # followed within a second: a training that begins before would learn from fewer
        waited_for(lambda: ada.get("/api/v1/recommendations/").json()["rung"], "personal")

        code, done = cine(mesh, boss, "model", "train", "--wait")
        results = {one["kind"]: one for one in done["outcomes"]}
        assert (code, done["state"]) == (0, "promoted"), done
        assert (results["content"]["result"], results["hybrid"]["result"]) == ("unchanged", "promoted")
        waited_for(serving, f"hybrid/{results['hybrid']['version']}")
        assert {one["name"] for one in results["hybrid"]["metrics"]} >= {"ndcg@10", "people"}

        code, listed = cine(mesh, boss, "model", "trainings")
        assert (code, [one["training_id"] for one in listed["trainings"]]) == (0, [done["training_id"]])
        code, one = cine(mesh, boss, "model", "trainings", done["training_id"])
        assert one == listed["trainings"][0]

        code, back = cine(mesh, "", "model", "rollback", "hybrid")
        assert (code, f"hybrid/{back['current']}") == (0, first)
        waited_for(serving, first)
        code, again = cine(mesh, boss, "model", "train", "--kind", "hybrid", "--wait")
        assert (code, again["state"]) == (0, "unchanged"), "what was taken back stays so"
        assert serving() == first


def test_without_a_token_it_is_said_what_is_missing(mesh: Mesh) -> None:
    code, told = cine(mesh, "", "model", "train")
    assert code == 1
    assert "CINE_TOKEN" in told["error"]


def test_a_command_in_words(mesh: Mesh) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cine_cli", "model", "trainings", "01ABC"],
        cwd=ROOT,
        env={**mesh.environment, "CINE_TOKEN": sign_up(mesh, f"nobody{os.getpid()}")},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, "the mesh refuses" in done.stderr) == (1, True)
