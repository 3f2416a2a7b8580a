from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from cine_starter import StarterFilm, load_films

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_starter.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_starter", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_starter"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def third_man() -> StarterFilm:
    return next(film for film in load_films() if film.title == "The Third Man")


def data_folder(
    root: Path, *, title: str = "The Third Man", year: int = 1949, runtime: int = 104, director: str = "Carol Reed"
) -> Path:
    folder = root / "justwatch-netflix"
    folder.mkdir(parents=True)
    (folder / "titles.csv").write_text(
        "id,title,type,description,release_year,runtime,genres,production_countries,imdb_id\n"
        f"tm1,{title},MOVIE,Vienna.,{year},{runtime},['drama'],['GB'],tt0041959\n"
    )
    # Spelled and ordered as other people do; "Paul Hoerbiger" for "Paul Hörbiger".
    cast = [
        "Joseph Cotten",
        "Alida Valli",
        "Orson Welles",
        "Trevor Howard",
        "Bernard Lee",
        "Ernst Deutsch",
        "Paul Hoerbiger",
    ]
    cast += ["Wilfrid Hyde White", "Erich Ponto"]
    lines = [f"1,tm1,{name},,ACTOR" for name in cast] + [f"2,tm1,{director},,DIRECTOR"]
    (folder / "credits.csv").write_text("person_id,id,name,character,role\n" + "\n".join(lines) + "\n")
    return root


def found(script: ModuleType, film: StarterFilm, data: Path) -> list[tuple[str, str, str]]:
    return [(item.field, item.ours, item.theirs) for item in script.compared([film], data)[0]]


def test_agreement_is_silent_whatever_the_spelling(script: ModuleType, third_man: StarterFilm, tmp_path: Path) -> None:
    assert found(script, third_man, data_folder(tmp_path)) == []
    assert script.compared([third_man], tmp_path)[1] == {"justwatch": 1}


def test_another_year_runtime_and_director_are_disagreements(
    script: ModuleType, third_man: StarterFilm, tmp_path: Path
) -> None:
    data = data_folder(tmp_path, year=1950, runtime=93, director="Somebody Else")
    fields = {field: theirs for field, _, theirs in found(script, third_man, data)}
    assert fields == {"year": "1950", "runtime_minutes": "93", "directors": "Somebody Else"}


def test_a_name_of_ours_missing_from_a_complete_cast_is_a_disagreement(
    script: ModuleType, third_man: StarterFilm, tmp_path: Path
) -> None:
    film = third_man.model_copy(update={"cast": ["Joseph Cotten", "Nobody Known", "Orson Welles"]})
    assert found(script, film, data_folder(tmp_path)) == [("cast", "Nobody Known", "not listed")]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Wong Kar-wai", "Kar-Wai Wong", True),
        ("D. W. Griffith", "D.W. Griffith", True),
        ("Paul Hörbiger", "Paul Hoerbiger", True),
        ("Joel Coen", "Ethan Coen", False),
        ("Carol Reed", "Donna Reed", False),
    ],
)
def test_names_are_compared_as_people_read_them(script: ModuleType, one: str, other: str, same: bool) -> None:
    assert script._same_person(one, other) is same


def test_explanations_must_be_whole(script: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "explained.yaml"
    assert script.read_explained(path) == {}
    path.write_text("- {id: 1, field: year, ours: '1', theirs: '2', source: x, reason: ''}\n")
    with pytest.raises(ValueError, match=r"explained\.yaml: entry 1 must have exactly"):
        script.read_explained(path)
    path.write_text("- {id: 1, field: year, ours: 1, theirs: 2, source: x, reason: because}\n")
    assert script.read_explained(path) == {("1", "year", "1", "2", "x"): "because"}


def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, explained: Path, data: Path) -> int:
    monkeypatch.setattr(script, "EXPLAINED", explained)
    monkeypatch.setattr(sys, "argv", ["check_starter.py"])
    monkeypatch.setenv("CINE_DATA_DIR", str(data))
    status: int = script.main()
    return status


def test_unexplained_and_stale_end_with_1_and_explained_with_0(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    third_man: StarterFilm,
) -> None:
    data = data_folder(tmp_path / "data", year=1950)
    explained = tmp_path / "explained.yaml"
    assert run(script, monkeypatch, explained, data) == 1
    assert f"UNEXPLAINED  {third_man.id} The Third Man: year: ours '1949', justwatch '1950'" in capsys.readouterr().out
    entry = f"- {{id: {third_man.id}, field: year, ours: '1949', theirs: '1950', source: justwatch, reason: American release}}\n"
    explained.write_text(entry)
    assert run(script, monkeypatch, explained, data) == 0
    explained.write_text(entry + entry.replace("1950", "1951"))
    assert run(script, monkeypatch, explained, data) == 1
    assert "STALE" in capsys.readouterr().out


def test_it_says_so_when_there_is_nothing_to_compare_with() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("CINE_DATA_DIR", None)
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "CINE_DATA_DIR is unset" in done.stdout
    assert "Nothing was checked" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(
    "CINE_DATA_DIR" not in os.environ, reason="CINE_DATA_DIR is unset: the starter catalogue was not compared"
)
def test_every_disagreement_with_the_real_files_is_explained(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(script, monkeypatch, script.EXPLAINED, Path(os.environ["CINE_DATA_DIR"]))
    assert status == 0, capsys.readouterr().out
