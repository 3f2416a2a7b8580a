from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cine_recommender.evaluation import biasonly, run
from cine_recommender.evaluation.kept import Kept, key_of
from cine_recommender.evaluation.protocol import Outcome
from cine_recommender.evaluation.rating import RatingCandidate
from cine_recommender.evaluation.run import Asked, Evaluation, evaluate
from cine_recommender.interactions import Interactions
from cine_recommender.signals.signal import Candidate, FilmFacts

from .audience import Table, audience, fit_taste


def quiet(_step: str, _done: int, _total: int) -> None: ...


class Runs:
    """Counts how often models are fitted."""

    def __init__(self) -> None:
        self.fits = 0

    def candidate(self, name: str = "one", grid: list[dict[str, Any]] | None = None) -> Candidate:
        return Candidate(name, self.fit, grid or [{}])

    def fit(self, interactions: Interactions, facts: FilmFacts | None, options: dict[str, Any], seed: int) -> Table:
        self.fits += 1
        return fit_taste(interactions, facts, options, seed)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    log = audience()
    monkeypatch.setattr(run, "read_log", lambda _folder: log)
    return Runs()


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., Evaluation]:
    def asked(*models: Candidate, **others: Any) -> Evaluation:
        told: dict[str, Any] = {"protocols": ["U"], "rating_candidates": [], "kept": Kept(tmp_path / "kept"), **others}
        return evaluate(Asked([Path("any")], candidates=list(models), **told), quiet)

    return asked


def test_what_was_run_is_not_run_again_and_gives_the_same_table(runs: Runs, ask: Callable[..., Evaluation]) -> None:
    first = ask(runs.candidate(grid=[{}, {"sign": -1.0}]))
    assert runs.fits == 3
    second = ask(runs.candidate(grid=[{}, {"sign": -1.0}]))
    assert runs.fits == 3
    assert second.told() == first.told()
    assert second.results[0].outcomes[0].tried == first.results[0].outcomes[0].tried
    ask(runs.candidate(grid=[{}, {"sign": -1.0}]), again=True)
    assert runs.fits == 6


@pytest.mark.parametrize(
    "others", [{"seed": 1}, {"protocols": ["T"], "cuts": 2}], ids=["another seed", "another protocol"]
)
def test_what_figures_depend_on_is_run_anew(runs: Runs, ask: Callable[..., Evaluation], others: dict[str, Any]) -> None:
    ask(runs.candidate())
    ask(runs.candidate(), **others)
    assert runs.fits > 1
    before = runs.fits
    ask(runs.candidate())
    ask(runs.candidate(), **others)
    assert runs.fits == before


def test_other_options_and_names_are_run_anew(runs: Runs, ask: Callable[..., Evaluation]) -> None:
    ask(runs.candidate())
    ask(runs.candidate(grid=[{"sign": -1.0}]))
    ask(runs.candidate("two"))
    assert runs.fits == 3


def test_a_file_cut_short_is_run_anew(runs: Runs, ask: Callable[..., Evaluation], tmp_path: Path) -> None:
    ask(runs.candidate())
    (path,) = (tmp_path / "kept").iterdir()
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:size])
        assert Kept(tmp_path / "kept").find(Outcome, "one", path.stem.split("-")[1]) is None
    ask(runs.candidate())
    assert runs.fits == 2


def test_rating_predictors_are_kept_as_well(
    runs: Runs, ask: Callable[..., Evaluation], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"protocols": ["R"], "rating_candidates": [RatingCandidate("bias only", biasonly.fit, [{}])]}
    first = ask(**asked)
    fitted = []
    monkeypatch.setattr(biasonly, "Biases", lambda rows: fitted.append(rows))
    second = ask(**asked)
    assert not fitted and second.told() == first.told()
    np.testing.assert_array_equal(second.ratings[0].lines[0].outcome.errors, first.ratings[0].lines[0].outcome.errors)


def test_a_key_follows_the_source_of_a_model_and_of_what_it_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "cine_recommender_of_tests"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text("A = 1\n")
    (package / "other.py").write_text("B = 1\n")
    model = package / "model.py"
    model.write_text("from cine_recommender_of_tests import parts\ndef fit(*_):\n    return parts.A\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("cine_recommender.evaluation.kept._PACKAGE", "cine_recommender_of_tests")
    monkeypatch.setattr("cine_recommender.evaluation.kept._ALWAYS", ())
    import importlib

    fit = importlib.import_module("cine_recommender_of_tests.model").fit

    def key() -> str:
        return key_of({"seed": 0}, "m", [{}], fit)

    first = key()
    (package / "other.py").write_text("B = 2\n")
    assert key() == first
    assert key_of({"seed": 0}, "m", [{}], functools.partial(fit, 1)) == first
    (package / "parts.py").write_text("A = 2\n")
    second = key()
    assert second != first
    model.write_text(model.read_text() + "# changed\n")
    assert key() not in {first, second}
