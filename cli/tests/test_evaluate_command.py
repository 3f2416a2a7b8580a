"""`cine evaluate` as a person runs it, on a small log made for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cine_cli.mesh.plan import ROOT


def cine(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CINE_")},
        "CINE_VAR_DIR": str(folder / "var"),
        "CINE_MERGED_CSV": str(folder / "movies_merged.csv"),
        "OMP_NUM_THREADS": "1",
        **more,
    }
    return subprocess.run(
        [sys.executable, "-m", "cine_cli", "evaluate", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 people with two tastes, 60 films."""
    root = tmp_path_factory.mktemp("data")
    lots = np.random.default_rng(0)
    data = root / "data" / "small-log"
    data.mkdir(parents=True)
    rows = ["userId,movieId,rating,timestamp"]
    for person in range(40):
        films = lots.choice(np.arange(person % 2, 60, 2), 20, replace=False)
        rows += [f"{person},{film},{lots.choice([3, 4, 5])},{1000 * at}" for at, film in enumerate(films)]
    (data / "ratings.csv").write_text("\n".join(rows) + "\n")
    films_rows = [
        "movieId,title,genres",
        *(f"{film},Film {film} (2001),{'War' if film % 2 else 'Drama'}" for film in range(60)),
    ]
    (data / "movies.csv").write_text("\n".join(films_rows) + "\n")
    return root


def test_models_are_judged_and_the_report_can_be_made_again(folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "docs" / "evaluation.md"
    report.parent.mkdir()
    words = ["--models", "popular,ease", "--models", "Bias-Only", "--protocol", "u,R", "--report", str(report)]
    first = cine(folder, "--json", *words, CINE_DATA_DIR=str(folder / "data"))
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)["results"]
    assert [(one["protocol"], one["data"]) for one in told] == [("U", "small-log"), ("R", "small-log")]
    ease, popular = told[0]["models"]
    assert ease["model"] == "EASE" and popular["model"] == "popular"
    assert ease["ndcg"]["mean"] > 1.3 * popular["ndcg"]["mean"] and ease["lead"]["low"] > 0
    assert told[1]["models"][0]["model"] == "bias only" and 0 < told[1]["models"][0]["rmse"]["mean"] < 2
    text = report.read_text()
    assert (
        "cine evaluate --data $CINE_DATA_DIR/small-log --protocol U,R --models popular,ease,Bias-Only --cuts 8 --seed 0"
        in text
    )
    assert str(folder) not in text
    again = cine(folder, *words, CINE_DATA_DIR=str(folder / "data"))
    assert again.returncode == 0, again.stderr
    assert f"{ease['ndcg']['mean']:.4f}" in again.stdout and "bias only" in again.stdout
    assert "…" not in again.stdout.split("wrote")[0]  # nothing ran: no step was begun
    assert report.read_text() == text


def test_models_are_listed(folder: Path) -> None:
    told = json.loads(cine(folder, "--json", "--models", "list").stdout)
    assert {"EASE", "iALS", "popular"} <= set(told["ranking"]) and "bias only" in told["rating"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--models", "eese"], "unknown model 'eese'; there are popular, "),
        (["--protocol", "X"], "unknown protocol 'X'; there are U, T, R"),
        (["--data", "nowhere"], "nowhere/ratings.csv: "),
        ([], "no folder with ratings.csv and movies.csv: name one with --data, or set CINE_DATA_DIR"),
        (["--protocol", "T", "--cuts", "90"], "90 cuts are too many"),
        (["--catalogue"], "movies_merged.csv: No such file or directory; run the preprocessing first"),
    ],
)
def test_what_cannot_be_run_is_said_in_words(folder: Path, words: list[str], message: str) -> None:
    data = {} if not words or "nowhere" in words else {"CINE_DATA_DIR": str(folder / "data")}
    done = cine(folder, *words, **data)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
    machine = cine(folder, "--json", *words, **data)
    assert machine.returncode == 1 and message in json.loads(machine.stdout)["error"]
