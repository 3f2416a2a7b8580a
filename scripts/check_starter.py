"""Compares the starter catalogue with real data files where the films overlap, and prints every disagreement.

`CINE_DATA_DIR=… .venv-dev/bin/python scripts/check_starter.py [--all]`

Year, directors, cast and runtime are compared with MovieLens, TMDb extracts, JustWatch, streaming lists and Wikipedia. A film is
paired by IMDb or TMDb id, else by title and the same year, else by title, a year one apart and a person in common.
Disagreements are either mistakes to correct in `starter/films/` or explained one by one in `starter/explained.yaml`
(a list of `{id, field, ours, theirs, source, reason}`). Exit status 1: an unexplained disagreement, or an explanation of none.

What counts: another year; a runtime more than 5 minutes and 4 % away; directors that are not the same people; for JustWatch,
whose casts are complete, a name of ours that is missing there; for lists of leading actors, a cast with nobody in common.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from cine_catalog.pipeline import CatalogDataError, movielens
from cine_catalog.pipeline.matching import Films, match, people_of, title_keys
from cine_catalog.pipeline.report import BadRows
from cine_catalog.pipeline.sources import find_sources
from cine_catalog.pipeline.titles import normalise_title
from cine_starter import StarterFilm, StarterInvalid, load_films

EXPLAINED = Path(__file__).resolve().parents[1] / "starter" / "explained.yaml"
RUNTIME_MINUTES = 5
RUNTIME_SHARE = 0.04
COMPLETE_CASTS = frozenset({"justwatch"})
LEAST_NAMES = 5
"""Shorter casts of a complete list were cut by somebody."""
FIELDS = ("id", "field", "ours", "theirs", "source")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One field of one film on which a source says something else. All values as text, so that they compare with YAML."""

    id: int
    title: str
    field: str
    ours: str
    theirs: str
    source: str

    def key(self) -> tuple[str, ...]:
        """What an explanation must repeat."""
        return str(self.id), self.field, self.ours, self.theirs, self.source

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.id} {self.title}: {self.field}: ours {self.ours!r}, {self.source} {self.theirs!r}"


def compared(films: list[StarterFilm], data_dir: Path) -> tuple[list[Disagreement], dict[str, int]]:
    """Compare with everything under a data folder.

    Returns:
        Disagreements sorted by film, and how many films each source was compared with.
    """
    by_id = {film.id: film for film in films}
    table = _table(films)
    counts: dict[str, int] = {}
    found: list[Disagreement] = []
    for name, part in _parts(data_dir):
        pairs = _pairs(table, part)
        counts[name] = counts.get(name, 0) + pairs.height
        for row in pairs.join(part.drop("movie_id"), on="row").iter_rows(named=True):
            found += _differences(by_id[row["movie_id"]], row, name)
    return sorted(found, key=lambda item: item.key()), counts


def _table(films: list[StarterFilm]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "movie_id": [film.id for film in films],
            "title": [film.title for film in films],
            "alternatives": [[*filter(None, [film.original_title]), *film.alternative_titles] for film in films],
            "year": [film.year for film in films],
            "imdb_id": [film.imdb_id for film in films],
            "directors": [film.directors for film in films],
            "cast": [film.cast for film in films],
            "genres": [list(film.genres) for film in films],
        },
        schema={
            "movie_id": pl.Int32,
            "title": pl.String,
            "alternatives": pl.List(pl.String),
            "year": pl.Int32,
            "imdb_id": pl.String,
            "directors": pl.List(pl.String),
            "cast": pl.List(pl.String),
            "genres": pl.List(pl.String),
        },
    ).with_columns(pl.lit(None, pl.Int32).alias("tmdb_id"))


def _parts(data_dir: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    bad = BadRows()
    folders = movielens.discover(data_dir)
    if folders:
        films = movielens.load_films(folders[0], bad)
        links = [movielens.load_links(folder.links, bad) for folder in folders if folder.links is not None]
        if links:
            ids = pl.concat(links).unique("movie_id", keep="first", maintain_order=True)
            films = films.join(ids, on="movie_id", how="left", maintain_order="left")
        names = films.with_row_index("row").with_columns(pl.col("row").cast(pl.UInt32))
        missing = {"imdb_id": pl.String(), "tmdb_id": pl.Int32(), "runtime_minutes": pl.Int32()}
        lists = {"directors": pl.List(pl.String), "cast": pl.List(pl.String)}
        empty = [
            pl.lit(None, dtype).alias(name) for name, dtype in {**missing, **lists}.items() if name not in names.columns
        ]
        yield "movielens", names.with_columns(empty).rename({"alternative_titles": "other_titles"})
    for source in find_sources(data_dir, None, None):
        for part in source.load(bad).parts:
            yield source.name, part


def _pairs(table: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
    """Films and rows: matched without looking at people (a wrong cast must not hide itself), except a year apart."""
    keys = title_keys(table, "movie_id", "title", "alternatives")
    nobody = pl.DataFrame(schema={"movie_id": pl.Int32, "people": pl.List(pl.String)})
    # Our movie_ids are not MovieLens': they must not meet by chance.
    found = match(Films(table, keys, nobody), part.with_columns(pl.lit(None, pl.Int32).alias("movie_id")))
    pairs = found.pairs.join(table.select("movie_id", pl.col("year").alias("ours")), on="movie_id")
    pairs = pairs.join(part.select("row", pl.col("year").alias("theirs")), on="row")
    known = pairs.join(people_of(table, "movie_id"), on="movie_id", how="left")
    known = known.join(people_of(part, "row"), on="row", how="left", suffix="_theirs")
    shared = (pl.col("people").list.set_intersection("people_theirs").list.len() > 0).fill_null(value=False)
    by_id = pl.col("row").is_in(found.by_id["row"].implode())
    return known.filter(by_id | (pl.col("ours") == pl.col("theirs")) | shared).select("movie_id", "row")


def _differences(film: StarterFilm, row: dict[str, Any], source: str) -> Iterator[Disagreement]:
    def differ(field: str, ours: object, theirs: object) -> Disagreement:
        return Disagreement(film.id, film.title, field, str(ours), str(theirs), source)

    if row["year"] is not None and row["year"] != film.year:
        yield differ("year", film.year, row["year"])
    runtime = row["runtime_minutes"]
    if runtime is not None and abs(runtime - film.runtime_minutes) > max(RUNTIME_MINUTES, RUNTIME_SHARE * runtime):
        yield differ("runtime_minutes", film.runtime_minutes, runtime)
    directors, cast = row["directors"] or [], row["cast"] or []
    if directors and (_missing(film.directors, directors) or _missing(directors, film.directors)):
        yield differ("directors", ", ".join(film.directors), ", ".join(directors))
    missing = _missing(film.cast, cast)
    if source in COMPLETE_CASTS and len(cast) >= LEAST_NAMES and missing:
        yield differ("cast", ", ".join(missing), "not listed")
    elif cast and film.cast and len(missing) == len(film.cast):
        yield differ("cast", ", ".join(film.cast), ", ".join(cast))


def _missing(names: list[str], among: list[str]) -> list[str]:
    return [name for name in names if not any(_same_person(name, other) for other in among)]


def _same_person(one: str, other: str) -> bool:
    """Spellings of one name: accents, initials, order ("Wong Kar-wai", "Kar-Wai Wong"), transliteration."""
    first, second = normalise_title(one).split(), normalise_title(other).split()
    if sorted(first) == sorted(second) or "".join(first) == "".join(second):
        return True
    # A shorter form of the same name: "Fernandel", "Setsuko Hara" and "Setsuko S. Hara".
    short, long = sorted((set(first), set(second)), key=len)
    if len(short) > 1 and short <= long:
        return True
    spelled = difflib.SequenceMatcher(None, " ".join(sorted(first)), " ".join(sorted(second))).ratio()
    straight = difflib.SequenceMatcher(None, "".join(first), "".join(second)).ratio()
    return max(spelled, straight) >= 0.8


def read_explained(path: Path) -> dict[tuple[str, ...], str]:
    """Explanations by what they explain.

    Raises:
        ValueError: the file is not a list of `{id, field, ours, theirs, source, reason}`; names the entry.
    """
    if not path.exists():
        return {}
    entries = yaml.safe_load(path.read_text("utf-8")) or []
    if not isinstance(entries, list):
        raise ValueError(f"{path.name}: a list was expected")
    explained: dict[tuple[str, ...], str] = {}
    for place, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict) or set(entry) != {*FIELDS, "reason"} or not str(entry["reason"]).strip():
            raise ValueError(f"{path.name}: entry {place} must have exactly {', '.join(FIELDS)} and a reason")
        explained[tuple(str(entry[field]) for field in FIELDS)] = str(entry["reason"])
    return explained


def main() -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Compare the starter catalogue with the files under CINE_DATA_DIR.")
    parser.add_argument("--all", action="store_true", help="print the explained disagreements too, with their reasons")
    arguments = parser.parse_args()
    folder = os.environ.get("CINE_DATA_DIR", "")
    if not folder:
        print("CINE_DATA_DIR is unset: there is nothing to compare the starter catalogue with. Nothing was checked.")
        return 0
    try:
        films = load_films()
        explained = read_explained(EXPLAINED)
        found, counts = compared(films, Path(folder))
    except (StarterInvalid, CatalogDataError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    told = ", ".join(f"{count} with {name}" for name, count in counts.items())
    print(f"{len(films)} starter films compared: {told or 'no source found'}.")
    open_ones = [item for item in found if item.key() not in explained]
    if arguments.all:
        for item in found:
            if item.key() in explained:
                print(f"explained    {item} ({explained[item.key()]})")
    for item in open_ones:
        print(f"UNEXPLAINED  {item}")
    stale = sorted(set(explained) - {item.key() for item in found})
    for key in stale:
        print(f"STALE        {EXPLAINED.name} explains what is no disagreement: {', '.join(key)}")
    print(
        f"{len(found)} disagreements, {len(found) - len(open_ones)} explained, {len(open_ones)} unexplained, {len(stale)} stale."
    )
    return 1 if open_ones or stale else 0


if __name__ == "__main__":
    sys.exit(main())
