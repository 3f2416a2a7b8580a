"""IMDb's exports: ratings, the watchlist and lists, in the forms of before 2017, of until 2023, and of today."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final

from cine_ratings.domain.transfers.rows import (
    LIST_NAME_LENGTH,
    NOTES_LENGTH,
    TITLE_LENGTH,
    Flaw,
    Kind,
    Row,
    Unreadable,
    clean,
    half_stars,
    imdb_id_of,
    moment_of,
    title_of,
    year_of,
)
from cine_ratings.domain.transfers.tables import Columns, Table, plain_name, read_table

_OWN_RATING: Final = ("yourrating", "yourated")
_FILM_TYPES: Final = frozenset(
    {
        "",
        "movie",
        "tvmovie",
        "short",
        "tvshort",
        "video",
        "tvspecial",
        "featurefilm",
        "documentary",
        "featuredocumentary",
    }
)
_OLD_MOMENT: Final = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) \d\d:\d\d:\d\d (\d{4})\Z")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMELESS: Final = re.compile(
    r"(?:[0-9a-f-]{36}|ratings?|the file|export|untitled|download|list|ls\d+)?\Z", re.IGNORECASE
)


def is_table(table: Table) -> bool:
    """Whether a CSV file comes from IMDb."""
    return table.has("const", "title")


def read_file(text: str, name: str, today: dt.date) -> Iterator[Row]:
    """Yields the rows of an export.

    Args:
        text: the file.
        name: the name it was sent under; it tells the watchlist from a list, whose name it is.
        today: the present day in UTC.

    Raises:
        Unreadable: it has none of the columns of an export.
    """
    table = read_table(text, name)
    if not is_table(table):
        raise Unreadable(f"{name} has none of the columns of an IMDb export")
    # every export has the column of one's own rating; only that of the ratings has no places
    ratings = any(column in table.columns for column in _OWN_RATING) and (
        "position" not in table.columns or "rating" in PurePosixPath(name.lower()).stem
    )
    list_name = "" if ratings else _list_name(name)
    kind = Kind.RATING if ratings else Kind.LIST_ITEM if list_name else Kind.WATCHLIST
    for columns, problem in table:
        yield _row(kind, list_name, columns, problem, today)


def _list_name(name: str) -> str:
    """Returns the list a file is of; empty for the watchlist, and where its name tells nothing."""
    stem = PurePosixPath(name).stem
    if "watchlist" in plain_name(stem) or _NAMELESS.match(stem):
        return ""
    return clean(stem.replace("_", " "), LIST_NAME_LENGTH)


def _row(kind: Kind, list_name: str, columns: Columns, problem: str, today: dt.date) -> Row:
    said: dict[str, Any] = {"title": clean(columns("title"), TITLE_LENGTH), "problem": problem}
    if not problem:
        try:
            said |= {
                "imdb_id": imdb_id_of(columns("const"), "Const"),
                "title": title_of(columns("title"), "Title"),
                "other_title": clean(columns("originaltitle"), TITLE_LENGTH),
                "year": _year(columns("year")),
                "directors": _names(columns("directors")),
                "left_out": _left_out(columns("titletype")),
                **_particulars(kind, columns, today),
            }
        except Flaw as flaw:
            said["problem"] = str(flaw)
    return Row(kind, list_name=list_name, **said)


def _particulars(kind: Kind, columns: Columns, today: dt.date) -> dict[str, Any]:
    if kind is not Kind.RATING:
        return {
            "at": _moment(columns("created"), "Created", today),
            "notes": clean(columns("description"), NOTES_LENGTH, lines=True),
        }
    written = next((columns(column) for column in _OWN_RATING if columns(column)), "")
    overall = half_stars(written, "Your Rating", out_of=10, lowest=1)
    if overall is None:
        raise Flaw("Your Rating is empty")
    day = columns("daterated") or columns("created")
    return {"overall": overall, "at": _moment(day, "Date Rated", today)}


def _year(text: str) -> int:
    # a series has "2008-2013"; it is left out, or told by its id
    return year_of(text.strip()[:4] if re.match(r"\d{4}\D", text.strip()) else text, "Year")


def _names(text: str) -> tuple[str, ...]:
    names = (clean(name, 200) for name in text.split(","))
    return tuple(name for name in names if name)[:10]


def _left_out(title_type: str) -> str:
    return "" if plain_name(title_type) in _FILM_TYPES else f"Title Type is {clean(title_type, 40)}: not a film"


def _moment(text: str, column: str, today: dt.date) -> dt.datetime | None:
    old = _OLD_MOMENT.match(text.strip())
    if old and old[1] in _MONTHS:
        text = f"{old[3]}-{_MONTHS.index(old[1]) + 1:02}-{int(old[2]):02}"
    return moment_of(text, column, today)
