"""The commands that make models and choose which one is served, run as a person runs them, on the starter catalogue."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cine_cli.mesh.plan import ROOT
from cine_recommender.store import doings
from cinemesh.db import Database, migrate
from tests.integration.prepared import put_into


def cine(folder: Path, *words: str, **more: str) -> dict[str, Any]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CINE_")},
        "CINE_VAR_DIR": str(folder / "var"),
        "CINE_MERGED_CSV": str(folder / "movies_merged.csv"),
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-m", "cine_cli", *words, "--json"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_rollback_stays_until_something_that_the_model_is_made_of_changes(tmp_path: Path) -> None:
    put_into(tmp_path)
    first = cine(tmp_path, "train")["version"]
    second = cine(tmp_path, "train", CINE_RECOMMENDER_MIN_DF="2")["version"]
    assert first != second
    assert cine(tmp_path, "model", "rollback", "content")["current"] == first
    again = cine(tmp_path, "train", CINE_RECOMMENDER_MIN_DF="2")
    assert (again["skipped"], again["version"]) == (True, first)
    assert again["hybrid"]["skipped"]
    assert cine(tmp_path, "train", CINE_RECOMMENDER_MIN_DF="1")["version"] not in (first, second)


def test_what_people_rated_here_is_learned_from_unless_a_running_recommender_holds_it(tmp_path: Path) -> None:
    put_into(tmp_path)
    first = cine(tmp_path, "train")["hybrid"]["version"]
    file = tmp_path / "var" / "recommender" / "recommender.sqlite3"
    file.parent.mkdir(parents=True)
    url = f"sqlite:///{file}"
    migrate(url, "cine_recommender")
    now = dt.datetime.now(dt.UTC)
    rated = [
        doings.Doing(doings.RATING, f"r{film}", "ada", film, now, halves=9, happened_at=film) for film in (1, 2, 3)
    ]

    async def rate_and_train_beside() -> dict[str, Any]:
        async with Database(url) as database:
            await database.write(lambda tx: doings.note(tx, rated))
            return await asyncio.to_thread(cine, tmp_path, "train")

    held = asyncio.run(rate_and_train_beside())["hybrid"]
    assert (held["skipped"], held["version"]) == (True, first)
    assert "cine model train" in held["reason"]
    assert cine(tmp_path, "train")["hybrid"]["version"] != first
    assert cine(tmp_path, "train")["hybrid"]["skipped"]
