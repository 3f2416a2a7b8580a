from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cine_starter import FILMS, StarterInvalid, fingerprint, load_films

FILM: dict[str, Any] = {
    "id": 900_001,
    "title": "The Example",
    "year": 1949,
    "runtime_minutes": 100,
    "countries": ["GB"],
    "languages": ["en"],
    "genres": ["Drama"],
    "directors": ["A Director"],
    "cast": ["One", "Two", "Three"],
    "keywords": ["one", "two", "three", "four", "five", "six"],
    "overview": " ".join(["word"] * 50) + ".",
    "imdb_id": "tt0041959",
    "look": {
        "colour": "black-and-white",
        "palette": [{"hex": grey, "weight": 0.25} for grey in ("#000000", "#444444", "#888888", "#cccccc")],
        "light": "Hard light.",
        "composition": "Tilted frames.",
        "texture": "Wet stone.",
        "scenes": ["First.", "Second.", "Third."],
    },
}


def folder(tmp_path: Path, *films: dict[str, Any]) -> Path:
    (tmp_path / "some.yaml").write_text(yaml.safe_dump(list(films), allow_unicode=True))
    return tmp_path


def test_the_catalogue_of_this_repository_keeps_its_rules_and_is_varied() -> None:
    films = load_films()
    assert len(films) >= 300
    assert len({film.countries[0] for film in films}) >= 25
    assert {film.year // 10 for film in films} >= set(range(192, 203))
    assert any("zxx" in film.languages for film in films)
    assert {genre for film in films for genre in film.genres} == {
        "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama", "Fantasy", "Film-Noir",
        "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
    }  # fmt: skip
    assert {film.look.colour for film in films} == {"colour", "black-and-white", "tinted", "mixed"}
    assert [film.id for film in films] == sorted(film.id for film in films)


def test_a_film_that_keeps_the_rules_loads(tmp_path: Path) -> None:
    films = load_films(folder(tmp_path, FILM))
    assert films[0].title == "The Example"
    assert films[0].look.palette[1].rgb == (0x44, 0x44, 0x44)


def changed(path: str, value: Any) -> dict[str, Any]:
    film: dict[str, Any] = yaml.safe_load(yaml.safe_dump(FILM))
    target = path.split(".")
    parent: Any = film
    for part in target[:-1]:
        parent = parent[int(part) if part.isdigit() else part]
    parent[int(target[-1]) if target[-1].isdigit() else target[-1]] = value
    return film


@pytest.mark.parametrize(
    ("path", "value", "field", "message"),
    [
        ("id", 17, "id", "greater than or equal to 900001"),
        ("title", "Third Man, The", "title", "the article 'The' belongs in front"),
        ("year", 1066, "year", "greater than or equal to 1870"),
        ("runtime_minutes", "long", "runtime_minutes", "valid integer"),
        ("countries", ["England"], "countries.0", "pattern"),
        ("languages", ["english"], "languages.0", "pattern"),
        ("genres", ["Romcom"], "genres.0", "Input should be"),
        ("cast", ["One"], "-", "1 names; 3 to 7 are asked for"),
        ("keywords", ["Upper", "b", "c", "d", "e", "f"], "keywords", "'Upper' is not lower case"),
        ("keywords", ["a", "a", "c", "d", "e", "f"], "keywords", "an entry is repeated"),
        ("overview", "Too short.", "overview", "2 words"),
        ("imdb_id", "41959", "imdb_id", "pattern"),
        ("look.colour", "sepia", "look.colour", "Input should be"),
        ("look.palette.0.hex", "black", "look.palette.0.hex", "pattern"),
        ("look.palette.0.hex", "#ff0000", "look", "#ff0000 is no grey"),
        ("look.palette.0.weight", 0.5, "look.palette", "weights sum to 1.250"),
        ("look.scenes", ["One."], "look.scenes", "at least 3 items"),
        ("budget", 1, "budget", "Extra inputs are not permitted"),
    ],
)
def test_a_broken_rule_names_file_film_and_field(
    tmp_path: Path, path: str, value: Any, field: str, message: str
) -> None:
    film = changed(path, value)
    with pytest.raises(StarterInvalid) as caught:
        load_films(folder(tmp_path, film))
    problem = caught.value.problems[0]
    assert (problem.file, problem.film, problem.field) == ("some.yaml", f"id {film['id']}", field)
    assert message in problem.message
    assert str(problem) in str(caught.value)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(StarterInvalid) as caught:
        load_films(folder(tmp_path, changed("year", 1), {**FILM, "id": 900_002, "overview": "No."}))
    assert [problem.film for problem in caught.value.problems] == ["id 900001", "id 900002"]


def test_ids_and_titles_are_unique_across_files(tmp_path: Path) -> None:
    folder(tmp_path, FILM)
    (tmp_path / "other.yaml").write_text(yaml.safe_dump([FILM, {**FILM, "id": 900_005}]))
    with pytest.raises(StarterInvalid, match="is also 'The Example'") as caught:
        load_films(tmp_path)
    assert "is also id 900001" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("- id: [", "line 2: -: not valid YAML"), ("films: none", "a list of films was expected"), ("- 5", "film 1")],
)
def test_files_that_are_no_film_lists_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "some.yaml").write_text(text + "\n")
    with pytest.raises(StarterInvalid, match=r"some\.yaml") as caught:
        load_films(tmp_path)
    assert message in str(caught.value)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StarterInvalid, match=r"no \*\.yaml files"):
        load_films(tmp_path)


def test_the_fingerprint_follows_the_files(tmp_path: Path) -> None:
    first = fingerprint(folder(tmp_path, FILM))
    assert first == fingerprint(tmp_path) != fingerprint(folder(tmp_path, {**FILM, "year": 1950}))
    assert fingerprint(FILMS) == fingerprint()
