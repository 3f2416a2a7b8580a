"""`cine experiments`: on a store of its own, and asking a gateway."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from cine_cli.app import app
from cine_cli.mesh.plan import ROOT
from cine_recommender.store.schema import feedback, impressions
from cinemesh.db import Database, migrate
from cinemesh.testing.ports import free_port

BEGAN = dt.datetime.now(dt.UTC) - dt.timedelta(days=5)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
DECLARED = f"""
[[experiments]]
id = "weights"
description = "Do the learned weights find more that people like?"
state = "running"
started_at = {BEGAN.isoformat()}
[[experiments.variants]]
name = "stated"
share = 0.5
[[experiments.variants]]
name = "learned"
share = 0.5
profile = "tuned"
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a developer's .env has no say


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "experiments.toml"
    written.write_text(DECLARED)
    return written


def surroundings(folder: Path, **more: str) -> dict[str, str]:
    return {
        "CINE_VAR_DIR": str(folder / "var"),
        "CINE_RECOMMENDER_EXPERIMENTS_FILE": str(folder / "experiments.toml"),
        **more,
    }


def cine(folder: Path, *words: str, **more: str) -> Result:
    hidden = dict.fromkeys((name for name in os.environ if name.startswith("CINE_")), None)
    return CliRunner().invoke(app, ["experiments", *words], env={**hidden, **surroundings(folder, **more)})


def store_of(folder: Path) -> str:
    (folder / "var" / "recommender").mkdir(parents=True)
    return f"sqlite:///{folder / 'var' / 'recommender' / 'recommender.sqlite3'}"


def lived(url: str, stated: int, learned: int) -> None:
    asyncio.run(_lived(url, stated, learned))


async def _lived(url: str, stated: int, learned: int) -> None:
    """Keeps two answers for each person; of the learned variant nine in ten like the film shown first, else two in ten."""
    migrate(url, "cine_recommender")
    draw = random.Random(5)
    shown, liked = [], []
    empty = dict.fromkeys(("model", "profile", "rung", "degraded_reason"), "")
    for number in range(stated + learned):
        variant, chance = ("stated", 0.2) if number < stated else ("learned", 0.9)
        shown += [
            {
                **empty,
                "user_id": f"user{number}",
                "request_id": f"r{answer}",
                "created_at": BEGAN + dt.timedelta(hours=1 + answer),
                "experiment_id": "weights",
                "variant": variant,
                "movie_ids": np.array([1, 2], dtype="<i4").tobytes(),
                "details": b"",
            }
            for answer in range(2)
        ]
        if draw.random() < chance:
            at = BEGAN + dt.timedelta(hours=5)
            liked.append(
                {
                    "feedback_id": f"f{number}",
                    "user_id": f"user{number}",
                    "movie_id": 1,
                    "kind": "like",
                    "recommendation_request_id": "",
                    "rank": 0,
                    "reason": "",
                    "created_at": at,
                    "said_at": (at - EPOCH) // dt.timedelta(microseconds=1),
                    "holds": True,
                }
            )
    async with Database(url) as database:
        await database.write(lambda tx: (tx.execute(impressions.insert(), shown), tx.execute(feedback.insert(), liked)))


def test_a_file_is_checked_and_the_key_at_fault_named(tmp_path: Path, file: Path) -> None:
    good = cine(tmp_path, "check")
    assert (good.exit_code, good.stdout.strip()) == (0, "weights: running, stated 0.5, learned 0.5")
    file.write_text(DECLARED.replace("share = 0.5", "share = 0.7"))
    bad = cine(tmp_path, "check")
    assert bad.exit_code == 1
    assert "experiments.toml: experiments[0].variants: shares sum to 1.4" in bad.stderr
    none = cine(tmp_path, "check", CINE_RECOMMENDER_EXPERIMENTS_FILE="")
    assert none.exit_code == 1
    assert "CINE_RECOMMENDER_EXPERIMENTS_FILE names no file" in none.stderr


def test_a_report_is_told_in_plain_words(tmp_path: Path, file: Path) -> None:
    lived(store_of(tmp_path), 60, 64)
    told = cine(tmp_path, "report")
    assert told.exit_code == 0, told.stderr
    assert "weights: Do the learned weights find more that people like?" in told.stdout
    assert "stated   60 people, 120 answers" in told.stdout
    assert "learned  64 people, 128 answers" in told.stdout
    assert "people are shared out as declared (p = 0.72)" in told.stdout
    (liked,) = [line for line in told.stdout.splitlines() if "films liked per answer" in line]
    assert liked.endswith(": more")
    (clicked,) = [line for line in told.stdout.splitlines() if "films clicked per answer" in line]
    assert clicked.endswith(": no difference shown")

    # once as a process of its own, whose standard output is one JSON object
    command = [sys.executable, "-m", "cine_cli", "experiments", "report", "weights", "--json"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CINE_")}
    done = subprocess.run(
        command, cwd=ROOT, env={**kept, **surroundings(tmp_path)}, capture_output=True, text=True, check=True
    )
    as_json = json.loads(done.stdout)
    (one,) = as_json["experiments"]
    assert one["experiment"]["variants"][1]["profile"] == "tuned"
    assert [exposure["users"] for exposure in one["report"]["exposures"]] == [60, 64]
    effects = {(each["variant"], each["metric"]): each for each in one["report"]["effects"]}
    assert effects["learned", "people_who_liked"]["effect_low"] > 0.4


def test_nothing_is_said_of_effects_when_people_are_not_shared_out_as_declared(tmp_path: Path, file: Path) -> None:
    lived(store_of(tmp_path), 60, 140)
    told = cine(tmp_path, "report", "weights")
    assert told.exit_code == 0, told.stderr
    assert "ALARM: people are not shared out as declared (p = 1.5e-08)" in told.stdout
    assert "per answer" not in told.stdout


def test_what_stands_in_the_way_of_a_report_is_said(tmp_path: Path, file: Path) -> None:
    before = cine(tmp_path, "report")
    assert before.exit_code == 1
    assert "no answers have been recorded yet" in before.stderr
    url = store_of(tmp_path)
    lived(url, 2, 2)
    unknown = cine(tmp_path, "report", "another")
    assert unknown.exit_code == 1
    assert 'there is no experiment "another"; declared: weights' in unknown.stderr

    async def beside() -> Result:
        async with Database(url):
            return await asyncio.to_thread(cine, tmp_path, "report")

    held = asyncio.run(beside())
    assert held.exit_code == 1
    assert "set CINE_TOKEN to an administrator's access token" in held.stderr
    assert cine(tmp_path, "report").exit_code == 0


class Gateway:
    """Answers as the gateway does, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("authorization", "")))
                status, told = outer.answers.get(self.path, (404, {"message": "no such path"}))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(told).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.port = free_port()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Gateway:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as served:
        yield served


def test_with_a_token_the_running_mesh_is_asked(tmp_path: Path, file: Path, gateway: Gateway) -> None:
    lived(store_of(tmp_path), 60, 64)
    (kept,) = json.loads(cine(tmp_path, "report", "--json").stdout)["experiments"]
    path = "/api/v1/admin/recommender/experiments"
    gateway.answers = {
        path: (200, {"experiments": [kept["experiment"]]}),
        f"{path}/weights/report": (200, kept["report"]),
    }
    asking = {"CINE_TOKEN": "of-an-admin", "CINE_GATEWAY_PORT": str(gateway.port)}
    told = cine(tmp_path, "report", **asking)
    assert told.exit_code == 0, told.stderr
    assert told.stdout == cine(tmp_path, "report").stdout
    assert gateway.asked == [(path, "Bearer of-an-admin"), (f"{path}/weights/report", "Bearer of-an-admin")]

    gateway.answers[path] = (403, {"message": "this call is not open to you"})
    refused = cine(tmp_path, "report", **asking)
    assert refused.exit_code == 1
    assert "the mesh refuses: this call is not open to you" in refused.stderr
    assert "of-an-admin" not in refused.stdout + refused.stderr


def test_a_gateway_that_is_not_there_is_named(tmp_path: Path, file: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    told = cine(tmp_path, "report", "--url", address, CINE_TOKEN="x")
    assert told.exit_code == 1
    assert f"the gateway at {address}" in told.stderr
    assert "does not answer" in told.stderr
