"""Our own files: the JSON that says everything, and the CSV for a spreadsheet. What is written here is read back word for word."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cine_ratings.domain.diary import DiaryEntry
from cine_ratings.domain.rating import DIMENSIONS, Rating, stars_of
from cine_ratings.domain.review import Review
from cine_ratings.domain.transfers.rows import (
    BODY_LENGTH,
    HEADLINE_LENGTH,
    NOTES_LENGTH,
    TITLE_LENGTH,
    Flaw,
    Kind,
    Row,
    body_of,
    clean,
    day_of,
    half_stars,
    imdb_id_of,
    moment_of,
    number_of,
    tags_of,
    title_of,
    year_of,
)
from cine_ratings.domain.transfers.tables import Columns, Table

FORMAT: Final = "cine-history/1"
COLUMNS: Final = (
    *("kind", "movie_id", "title", "year", "imdb_id", "tmdb_id"),
    *("overall", "plot", "acting", "cinematography", "soundtrack"),
    *("rated_at", "watched_on", "rewatch", "tags", "notes"),
)
Text = Callable[[str], str]
"""Gives what a row says under a name, as text; empty for nothing."""
_SECTIONS: Final = {"ratings": Kind.RATING, "diary": Kind.WATCH, "reviews": Kind.REVIEW}
# what a spreadsheet takes for a formula when a cell begins with it; the mark in front tells it is text
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What a file says of a film, so that it can be found elsewhere."""

    movie_id: int
    title: str = ""
    year: int = 0
    imdb_id: str = ""
    tmdb_id: int = 0


def rating_document(rating: Rating, film: FilmFacts) -> dict[str, Any]:
    """Returns a rating as the JSON file has it."""
    stars = {name: stars_of(value) for name, value in rating.score.values.items() if value is not None}
    return {
        "movie": _film_document(film),
        **stars,
        "rated_at": _written(rating.updated_at),
    }


def diary_document(entry: DiaryEntry, film: FilmFacts) -> dict[str, Any]:
    """Returns a diary entry as the JSON file has it."""
    overall = {} if entry.overall is None else {"overall": stars_of(entry.overall)}
    return {
        "movie": _film_document(film),
        "watched_on": entry.watched_on.isoformat(),
        "rewatch": entry.rewatch,
        **overall,
        "notes": entry.notes,
        "tags": list(entry.tags),
    }


def review_document(review: Review, film: FilmFacts) -> dict[str, Any]:
    """Returns a review as the JSON file has it."""
    return {
        "movie": _film_document(film),
        "title": review.title,
        "body_markdown": review.text.markdown,
        "contains_spoilers": review.contains_spoilers,
        "created_at": _written(review.created_at),
    }


def json_pieces(exported_at: dt.datetime) -> tuple[str, Mapping[str, str], str]:
    """Returns the beginning of the JSON file, what opens each section in order, and the end."""
    head = json.dumps({"format": FORMAT, "exported_at": _written(exported_at)}, indent=1).rpartition("\n}")[0]
    return head, {name: f',\n "{name}": [' for name in _SECTIONS}, "\n}\n"


def table_row(thing: Rating | DiaryEntry, film: FilmFacts) -> list[str]:
    """Returns a rating or a diary entry as a row of the CSV file; see `COLUMNS`."""
    values: dict[str, str] = {
        "kind": Kind.RATING if isinstance(thing, Rating) else Kind.WATCH,
        "movie_id": str(film.movie_id),
        "title": film.title,
        "year": str(film.year or ""),
        "imdb_id": film.imdb_id,
        "tmdb_id": str(film.tmdb_id or ""),
    }
    if isinstance(thing, Rating):
        scores = {name: value for name, value in thing.score.values.items() if value is not None}
        values |= {name: f"{stars_of(value):g}" for name, value in scores.items()}
        values["rated_at"] = _written(thing.updated_at)
    else:
        values["watched_on"] = thing.watched_on.isoformat()
        values["overall"] = "" if thing.overall is None else f"{stars_of(thing.overall):g}"
        values["rewatch"] = "yes" if thing.rewatch else ""
        values["tags"] = json.dumps(thing.tags, ensure_ascii=False) if thing.tags else ""
        values["notes"] = thing.notes
    return [as_text(values.get(name, "")) for name in COLUMNS]


def csv_line(cells: Sequence[str]) -> str:
    """Returns a line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()


def as_text(cell: str) -> str:
    """Returns a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def from_text(cell: str) -> str:
    """Returns the cell that `as_text` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def is_table(table: Table) -> bool:
    """Whether a CSV file is one of ours."""
    return table.has("kind", "movieid", "overall", "watchedon")


def is_document(document: Any) -> bool:
    """Whether a JSON document is one of ours."""
    return isinstance(document, dict) and document.get("format") == FORMAT


def read_table_rows(table: Table, today: dt.date) -> Iterator[Row]:
    """Yields the rows of our CSV file."""
    for columns, problem in table:
        kinds = {Kind.RATING.value: Kind.RATING, Kind.WATCH.value: Kind.WATCH}
        kind = kinds.get(columns("kind"))
        if kind is None:
            yield Row(Kind.RATING, title=clean(columns("title"), TITLE_LENGTH), problem="kind is not rating or watch")
            continue
        yield _row(kind, _cells(columns), problem, today)


def _cells(columns: Columns) -> dict[str, Any]:
    cells = {name: from_text(columns(name.replace("_", ""))) for name in COLUMNS}
    return {**cells, "tags": _tags(cells["tags"])}


def _tags(cell: str) -> list[str]:
    try:
        tags = json.loads(cell) if cell else []
    except ValueError:
        tags = cell.split(",")  # written by hand
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def read_document(document: Mapping[str, Any], today: dt.date) -> Iterator[Row]:
    """Yields the rows of our JSON file."""
    for section, kind in _SECTIONS.items():
        things = document.get(section)
        for thing in things if isinstance(things, list) else ():
            if not isinstance(thing, dict):
                yield Row(kind, problem=f"{section} has something that is no object")
                continue
            movie = thing.get("movie")
            # the title of a review is its headline, that of its film is the film's
            named = {"headline": thing.get("title"), **thing, **(movie if isinstance(movie, dict) else {})}
            yield _row(kind, {**named, "title": movie.get("title") if isinstance(movie, dict) else ""}, "", today)


def _row(kind: Kind, said: Mapping[str, Any], problem: str, today: dt.date) -> Row:
    def text(name: str) -> str:
        value = said.get(name)
        if isinstance(value, bool):
            return "yes" if value else ""
        return str(value) if isinstance(value, str | int | float) else ""

    found: dict[str, Any] = {"title": clean(text("title"), TITLE_LENGTH), "problem": problem, "whole": True}
    if not problem:
        try:
            found |= _film(text)
            found |= {Kind.RATING: _rating, Kind.WATCH: _watch, Kind.REVIEW: _review}[kind](said, text, today)
        except Flaw as flaw:
            found["problem"] = str(flaw)
    return Row(kind, **found)


def _film(text: Text) -> dict[str, Any]:
    film: dict[str, Any] = {
        "movie_id": number_of(text("movie_id"), "movie_id"),
        "imdb_id": imdb_id_of(text("imdb_id"), "imdb_id"),
        "tmdb_id": number_of(text("tmdb_id"), "tmdb_id"),
        "year": year_of(text("year"), "year"),
    }
    if not film["movie_id"]:
        title_of(text("title"), "title")
    return film


def _rating(_: Mapping[str, Any], text: Text, today: dt.date) -> dict[str, Any]:
    halves = {name: half_stars(text(name), name) for name in DIMENSIONS}
    if halves["overall"] is None:
        raise Flaw("overall is empty")
    return {**halves, "at": moment_of(text("rated_at"), "rated_at", today)}


def _watch(said: Mapping[str, Any], text: Text, today: dt.date) -> dict[str, Any]:
    day = day_of(text("watched_on"), "watched_on", today)
    if day is None:
        raise Flaw("watched_on is empty")
    tags = said.get("tags")
    labels = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return {
        "watched_on": day,
        "overall": half_stars(text("overall"), "overall"),
        "rewatch": text("rewatch").lower() in ("yes", "true"),
        "tags": tags_of(labels),
        "notes": clean(text("notes"), NOTES_LENGTH, lines=True),
    }


def _review(_: Mapping[str, Any], text: Text, today: dt.date) -> dict[str, Any]:
    body = body_of(text("body_markdown"))
    if not body:
        raise Flaw("body_markdown is empty")
    if len(body) > BODY_LENGTH:
        raise Flaw(f"body_markdown has more than {BODY_LENGTH} characters")
    return {
        "body": body,
        "headline": clean(text("headline"), HEADLINE_LENGTH),
        "spoilers": text("contains_spoilers") == "yes",
        "at": moment_of(text("created_at"), "created_at", today),
    }


def _film_document(film: FilmFacts) -> dict[str, Any]:
    ids = {"imdb_id": film.imdb_id, "tmdb_id": film.tmdb_id}
    return {
        "movie_id": film.movie_id,
        "title": film.title,
        "year": film.year,
        **{name: value for name, value in ids.items() if value},
    }


def _written(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
