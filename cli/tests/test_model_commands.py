"""The commands that make models and choose which one is served, run as a person runs them, on the starter catalogue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cine_cli.mesh.plan import ROOT
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
