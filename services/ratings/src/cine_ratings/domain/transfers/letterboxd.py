"""Letterboxd's export (a ZIP, or one of its CSV files), and the CSV that Letterboxd itself imports.

What is in the ZIP: `ratings.csv` the rating of each film as it stands, `diary.csv` each watching with its day, `watched.csv` each
film ever marked as watched, `reviews.csv`, `watchlist.csv`, `lists/*.csv`, `likes/films.csv`. Folders `deleted` and `orphaned`
hold what the person threw away: they stay closed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from cine_ratings.domain.transfers.html_text import markdown_of
from cine_ratings.domain.transfers.rows import (
    BODY_LENGTH,
    LIST_NAME_LENGTH,
    NOTES_LENGTH,
    TITLE_LENGTH,
    Flaw,
    Kind,
    Row,
    Unreadable,
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
from cine_ratings.domain.transfers.tables import Columns, Table, read_table

FOLDERS: Final = ("lists", "likes", "deleted", "orphaned")
LIKES: Final = "Liked on Letterboxd"
UNDATED: Final = "undated"
"""Label of a diary entry whose day is the one on which the film was marked as watched, not that of the watching."""

_LIST_HEAD: Final = "Letterboxd list export"
_MAIN: Final = ("ratings.csv", "diary.csv", "watched.csv", "reviews.csv", "watchlist.csv", "likes/films.csv")


def files_of(names: tuple[str, ...]) -> list[str]:
    """Returns the files of an export that are read, in the order in which their rows are counted."""
    return [name for name in _MAIN if name in names] + sorted(
        name for name in names if name.startswith("lists/") and name.endswith(".csv") and name.count("/") == 1
    )


def is_table(table: Table) -> bool:
    """Whether a CSV file comes from Letterboxd, or is made for it."""
    return table.has("name", "letterboxduri") or ("title" in table.columns and _is_import(table))


def _is_import(table: Table) -> bool:
    own = {"letterboxduri", "watcheddate", "rating10", "tmdbid", "imdbid"}
    return bool(own & set(table.columns)) and "const" not in table.columns


def is_list(text: str) -> bool:
    """Whether a text is the export of a list."""
    return text.startswith(_LIST_HEAD)


def read_archive(texts: Mapping[str, str], today: dt.date) -> Iterator[Row]:
    """Yields the rows of an export.

    Args:
        texts: its files by name, as `files_of` names them.
        today: the present day in UTC.

    Raises:
        Unreadable: a file is not what its name says.
    """
    logged: set[tuple[str, int]] = set()
    # with the ratings at hand a diary tells of days only, and with the diary a review tells of its words only
    whole = {"rates": "ratings.csv" not in texts, "logs": "diary.csv" not in texts}
    for name in files_of(tuple(texts)):
        for row in _rows(texts[name], name, today, {"file_name": name}, whole):
            if name == "diary.csv":
                logged.add((row.title, row.year))
            elif name == "watched.csv" and (row.title, row.year) in logged:
                continue
            yield row


def read_file(text: str, name: str, today: dt.date) -> Iterator[Row]:
    """Yields the rows of one file.

    Args:
        text: the file.
        name: the name it was sent under: it tells `watchlist.csv` from `watched.csv`.
        today: the present day in UTC.

    Raises:
        Unreadable: it is no file of Letterboxd's.
    """
    return _rows(text, name, today, {}, {"rates": True, "logs": True})


def _rows(text: str, name: str, today: dt.date, shared: Mapping[str, Any], whole: Mapping[str, bool]) -> Iterator[Row]:
    if is_list(text):
        yield from _list_rows(text, name, today, shared)
        return
    table = read_table(text, name)
    if not is_table(table):
        raise Unreadable(f"{name} has none of the columns of a Letterboxd export")
    reader = _Reader(today, _purpose(table, name), shared, whole)
    for columns, problem in table:
        yield reader.row(columns, problem)


def _purpose(table: Table, name: str) -> str:
    """Returns what a table is for: the ones of one shape are told apart by their names."""
    stem = PurePosixPath(name.lower()).stem
    if "review" in table.columns and "name" in table.columns:
        return "reviews"
    if "watcheddate" in table.columns and "name" in table.columns:
        return "diary"
    if "title" in table.columns:
        return "import"
    if "rating" in table.columns:
        return "ratings"
    if name.lower() == "likes/films.csv" or stem.startswith("likes"):
        return "likes"
    return "watchlist" if "watchlist" in stem else "watched"


def _list_rows(text: str, name: str, today: dt.date, shared: Mapping[str, Any]) -> Iterator[Row]:
    head = read_table(text, name, skip=1)
    first = next(iter(head), None)
    list_name = clean(first[0]("name"), LIST_NAME_LENGTH) if first else ""
    list_name = list_name or clean(PurePosixPath(name).stem, LIST_NAME_LENGTH) or "Letterboxd"
    added = _moment_or_none(first[0]("date"), today) if first else None
    # the films begin behind the list's own description, which may span lines
    start = text.find("\nPosition,")
    if start < 0:
        return
    for columns, problem in read_table(text[start + 1 :], name):
        notes = clean(markdown_of(columns("description")), NOTES_LENGTH, lines=True)
        yield Row(
            **{"kind": Kind.LIST_ITEM, **shared, **_film(columns, problem)}, list_name=list_name, at=added, notes=notes
        )


def _moment_or_none(text: str, today: dt.date) -> dt.datetime | None:
    try:
        return moment_of(text, "Date", today)
    except Flaw:
        return None


def _film(columns: Columns, problem: str) -> dict[str, Any]:
    """Returns what a row says of its film, and what is wrong with that."""
    column = "Title" if columns("title") else "Name"
    try:
        return {
            "problem": problem,
            "title": title_of(columns(column.lower()), column),
            "year": year_of(columns("year"), "Year"),
            "imdb_id": imdb_id_of(columns("imdbid"), "imdbID"),
            "tmdb_id": number_of(columns("tmdbid"), "tmdbID"),
        }
    except Flaw as flaw:
        return {"problem": problem or str(flaw), "title": clean(columns(column.lower()), TITLE_LENGTH)}


class _Reader:
    """Reads the rows of a table with one purpose."""

    def __init__(self, today: dt.date, purpose: str, shared: Mapping[str, Any], whole: Mapping[str, bool]) -> None:
        self._today = today
        self._rates, self._logs = whole["rates"], whole["logs"]
        self._fill = {
            "ratings": self._rating,
            "diary": self._diary,
            "watched": self._watched,
            "reviews": self._review,
            "watchlist": self._dated,
            "likes": self._like,
            "import": self._import,
        }[purpose]
        kind = {
            "ratings": Kind.RATING,
            "reviews": Kind.REVIEW,
            "watchlist": Kind.WATCHLIST,
            "likes": Kind.LIST_ITEM,
        }.get(purpose, Kind.WATCH)
        self._shared = {"kind": kind, **shared}

    def row(self, columns: Columns, problem: str) -> Row:
        said = {**self._shared, **_film(columns, problem)}
        if not said["problem"]:
            try:
                said |= self._fill(columns)
            except Flaw as flaw:
                said["problem"] = str(flaw)
        return Row(**said)

    def _dated(self, columns: Columns) -> dict[str, Any]:
        return {"at": moment_of(columns("date"), "Date", self._today)}

    def _like(self, columns: Columns) -> dict[str, Any]:
        return {**self._dated(columns), "list_name": LIKES}

    def _rating(self, columns: Columns) -> dict[str, Any]:
        overall = half_stars(columns("rating"), "Rating")
        if overall is None:
            raise Flaw("Rating is empty")
        return {**self._dated(columns), "overall": overall}

    def _watched(self, columns: Columns) -> dict[str, Any]:
        marked = moment_of(columns("date"), "Date", self._today)
        if marked is None:
            raise Flaw("Date is empty")
        return {"at": marked, "watched_on": marked.date(), "tags": (UNDATED,)}

    def _watching(self, columns: Columns) -> dict[str, Any]:
        return {
            **self._dated(columns),
            "watched_on": day_of(columns("watcheddate"), "Watched Date", self._today),
            "rewatch": columns("rewatch").strip().lower() in ("yes", "true", "1"),
            "tags": tags_of(columns("tags").split(",")),
            "overall": half_stars(columns("rating"), "Rating"),
            "rates": self._rates,
        }

    def _diary(self, columns: Columns) -> dict[str, Any]:
        watching = self._watching(columns)
        if watching["watched_on"] is None:
            raise Flaw("Watched Date is empty")
        return watching

    def _review(self, columns: Columns) -> dict[str, Any]:
        return {**self._watching(columns), "body": self._body(columns), "logs": self._logs}

    def _body(self, columns: Columns) -> str:
        written = columns("review")
        body = written if len(written) > 2 * BODY_LENGTH else body_of(markdown_of(written))
        if not body:
            raise Flaw("Review is empty")
        if len(body) > BODY_LENGTH:
            raise Flaw(f"Review has more than {BODY_LENGTH} characters")
        return body

    def _import(self, columns: Columns) -> dict[str, Any]:
        """A row of the CSV that Letterboxd imports: a watching, a review, or a rating alone."""
        watching = self._watching(columns)
        tens = half_stars(columns("rating10"), "Rating10", out_of=10)
        watching["overall"] = tens if watching["overall"] is None else watching["overall"]
        if columns("review").strip():
            return {**watching, "kind": Kind.REVIEW, "body": self._body(columns), "logs": self._logs}
        if watching["watched_on"] is not None:
            return watching
        if watching["overall"] is None:
            return {"kind": Kind.WATCHLIST}
        return {"kind": Kind.RATING, "overall": watching["overall"], "at": watching["at"]}
