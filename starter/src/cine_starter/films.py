"""Loading `films/*.yaml`: every rule of `starter/README.md` is checked, every violation named by file, id and field."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

FILMS = Path(__file__).resolve().parents[2] / "films"
"""The reviewed data files of this repository."""

Genre = Literal[
    "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama", "Fantasy", "Film-Noir",
    "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
]  # fmt: skip
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Language = Annotated[str, StringConstraints(pattern="^([a-z]{2}|zxx)$")]
_TRAILING_ARTICLE = re.compile(r", (The|A|An|Le|La|Les|L'|Der|Die|Das|Il|El|Los|Las)$")
_GREY_TOLERANCE = 8
"""Largest difference between the channels of a grey: scans of black-and-white film are seldom perfectly neutral."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PaletteColour(_Strict):
    """One colour of a palette; weights of a palette sum to 1."""

    hex: str = Field(pattern="^#[0-9a-fA-F]{6}$")
    weight: float = Field(gt=0, le=1)

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green, blue, 0–255."""
        return int(self.hex[1:3], 16), int(self.hex[3:5], 16), int(self.hex[5:7], 16)


class Look(_Strict):
    """How a film looks, described so that it can be searched."""

    colour: Literal["colour", "black-and-white", "tinted", "mixed"]
    palette: list[PaletteColour] = Field(min_length=4, max_length=6)
    light: Text
    composition: Text
    texture: Text
    scenes: list[Text] = Field(min_length=3, max_length=3)

    @field_validator("palette")
    @classmethod
    def _sums_to_one(cls, palette: list[PaletteColour]) -> list[PaletteColour]:
        total = sum(colour.weight for colour in palette)
        if abs(total - 1) > 0.011:
            raise ValueError(f"weights sum to {total:.3f}, not to 1")
        return palette

    @model_validator(mode="after")
    def _grey_when_black_and_white(self) -> Look:
        if self.colour == "black-and-white":
            for colour in self.palette:
                if max(colour.rgb) - min(colour.rgb) > _GREY_TOLERANCE:
                    raise ValueError(f"{colour.hex} is no grey, but the film is black-and-white")
        return self


class StarterFilm(_Strict):
    """One film of the starter catalogue; `starter/README.md` explains the fields."""

    id: int = Field(ge=900_001, le=2**31 - 1)
    title: Text
    original_title: Text | None = None
    alternative_titles: list[Text] = []
    year: int = Field(ge=1870, le=2050)
    runtime_minutes: int = Field(ge=1, le=1000)
    countries: list[Country] = Field(min_length=1)
    languages: list[Language] = Field(min_length=1)
    genres: list[Genre] = Field(min_length=1)
    directors: list[Text] = Field(min_length=1)
    cinematographers: list[Text] = []
    composers: list[Text] = []
    cast: list[Text] = Field(max_length=7)
    keywords: list[Text] = Field(min_length=6, max_length=10)
    overview: Text
    imdb_id: str | None = Field(default=None, pattern=r"^tt\d{7,8}$")
    look: Look

    @field_validator("title")
    @classmethod
    def _as_people_write_it(cls, title: str) -> str:
        found = _TRAILING_ARTICLE.search(title)
        if found:
            raise ValueError(f"the article {found[1]!r} belongs in front")
        return title

    @field_validator("keywords")
    @classmethod
    def _lower_case(cls, keywords: list[str]) -> list[str]:
        for keyword in keywords:
            if keyword != keyword.lower():
                raise ValueError(f"{keyword!r} is not lower case")
        return keywords

    @field_validator(
        "genres", "directors", "cast", "keywords", "countries", "languages", "cinematographers", "composers"
    )
    @classmethod
    def _without_repeats(cls, names: list[str]) -> list[str]:
        if len(set(names)) != len(names):
            raise ValueError("an entry is repeated")
        return names

    @field_validator("overview")
    @classmethod
    def _two_or_three_sentences(cls, overview: str) -> str:
        words = len(overview.split())
        if not 35 <= words <= 80:
            raise ValueError(f"{words} words; 40 to 75 are asked for")
        return overview

    @model_validator(mode="after")
    def _enough_cast(self) -> StarterFilm:
        # Documentaries and cartoons without speech may have nobody to credit.
        if len(self.cast) < 3 and not {"Documentary", "Animation"} & set(self.genres):
            raise ValueError(f"cast: {len(self.cast)} names; 3 to 7 are asked for")
        return self


@dataclass(frozen=True, slots=True)
class Problem:
    """A violated rule: in which file, which film (its id or its place), which field."""

    file: str
    film: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.film}: {self.field}: {self.message}"


class StarterInvalid(Exception):
    """The data files break their rules; `problems` lists all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load_films(folder: Path = FILMS) -> list[StarterFilm]:
    """Read every `*.yaml` of a folder.

    Returns:
        Films sorted by id.

    Raises:
        StarterInvalid: no file, broken YAML, a field against its rule, an id or a title with year used twice.
    """
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise StarterInvalid([Problem(str(folder), "-", "-", "no *.yaml files here")])
    problems: list[Problem] = []
    films: dict[int, StarterFilm] = {}
    named: dict[tuple[str, int], int] = {}
    for path in paths:
        for place, entry in _entries(path, problems):
            film = _film(path, place, entry, problems)
            if film is None:
                continue
            label = f"id {film.id}"
            key = (film.title.casefold(), film.year)
            if film.id in films:
                problems.append(Problem(path.name, label, "id", f"is also {films[film.id].title!r}"))
            elif key in named:
                problems.append(
                    Problem(path.name, label, "title", f"{film.title} ({film.year}) is also id {named[key]}")
                )
            films.setdefault(film.id, film)
            named.setdefault(key, film.id)
    if problems:
        raise StarterInvalid(problems)
    return [films[movie_id] for movie_id in sorted(films)]


def fingerprint(folder: Path = FILMS) -> str:
    """SHA-256 over the files' names and contents, and over the code that writes the folder from them."""
    digest = hashlib.sha256()
    for path in [*sorted(folder.glob("*.yaml")), *sorted(Path(__file__).parent.glob("*.py"))]:
        digest.update(f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _entries(path: Path, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    try:
        # The C loader is ten times as fast; the wheel has it on every platform we run on.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        entries = yaml.load(path.read_text("utf-8"), Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        where = f"line {place.line + 1}" if place is not None else "-"
        problems.append(Problem(path.name, where, "-", f"not valid YAML ({getattr(error, 'problem', error)})"))
        return
    if not isinstance(entries, list):
        problems.append(Problem(path.name, "-", "-", "a list of films was expected"))
        return
    yield from enumerate(entries, start=1)


def _film(path: Path, place: int, entry: Any, problems: list[Problem]) -> StarterFilm | None:
    label = f"id {entry['id']}" if isinstance(entry, dict) and "id" in entry else f"film {place}"
    try:
        return StarterFilm.model_validate(entry)
    except ValidationError as error:
        for found in error.errors(include_url=False):
            where = ".".join(str(part) for part in found["loc"]) or "-"
            problems.append(Problem(path.name, label, where, found["msg"].removeprefix("Value error, ")))
        return None
