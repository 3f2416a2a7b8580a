"""Trakt's backups: a ZIP of JSON files, or one JSON file of one kind or of all.

Every entry names its film with its ids, so hardly one is matched by its title. Episodes and shows are left out.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
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
    number_of,
    title_of,
    year_of,
)

# what an entry is follows from which moment it carries
_MOMENTS: Final = ("rated_at", "watched_at", "last_watched_at", "listed_at")
_OTHERS: Final = ("show", "season", "episode", "person")
_FILE: Final = re.compile(r"(ratings|history|watched|watchlist|lists?)", re.IGNORECASE)


def is_document(document: Any) -> bool:
    """Whether a JSON document comes from Trakt."""
    return next(_entries(document, ""), None) is not None


def files_of(names: tuple[str, ...]) -> list[str]:
    """Returns the files of a backup that are read, in the order in which their rows are counted."""
    return sorted(name for name in names if name.lower().endswith(".json") and _FILE.search(name.rpartition("/")[2]))


def read_documents(documents: Mapping[str, Any], today: dt.date) -> Iterator[Row]:
    """Yields the rows of a backup.

    Args:
        documents: its JSON documents by the name of their file; empty for a single one.
        today: the present day in UTC.

    Raises:
        Unreadable: no document has an entry of Trakt's.
    """
    found = False
    has_history = any(
        "watched_at" in entry for name, document in documents.items() for entry, _ in _entries(document, name)
    )
    for name, document in documents.items():
        for entry, list_name in _entries(document, name):
            found = True
            if has_history and "last_watched_at" in entry:
                continue  # the sum of what the history has one by one
            yield Row(**_said(entry, list_name, today), file_name=name if len(documents) > 1 else "")
    if not found:
        raise Unreadable("the file has no entry of a Trakt backup")


def _entries(document: Any, name: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yields the entries of a document, and the list each is on; empty for none."""
    if isinstance(document, dict):
        if isinstance(document.get("items"), list):
            list_name = clean(str(document.get("name") or ""), LIST_NAME_LENGTH)
            yield from ((entry, list_name or _list_of(name) or "Trakt") for entry in _listed(document["items"]))
            return
        for key, part in document.items():
            if key == "lists" and isinstance(part, list):
                for one in part:
                    yield from _entries(one, name)
            elif isinstance(part, list | dict):
                yield from _entries(part, name)
        return
    if isinstance(document, list):
        list_name = _list_of(name)
        yield from ((entry, list_name if "listed_at" in entry else "") for entry in _listed(document))


def _listed(items: list[Any]) -> Iterator[dict[str, Any]]:
    for item in items:
        if isinstance(item, dict) and any(isinstance(item.get(moment), str) for moment in _MOMENTS):
            yield item


def _list_of(name: str) -> str:
    """Returns the list that a file of a backup is of ("lists-list-12-best-of-2020.json"); empty for the watchlist."""
    stem = PurePosixPath(name).stem.lower()
    if not stem.startswith("list") or "watchlist" in stem:
        return ""
    words = re.sub(r"^lists?(?:[-_]list)?(?:[-_]\d+)?", "", stem)
    return clean(words.replace("-", " ").replace("_", " "), LIST_NAME_LENGTH).capitalize()


def _said(entry: Mapping[str, Any], list_name: str, today: dt.date) -> dict[str, Any]:
    kind = _kind(entry, list_name)
    film = entry.get("movie")
    if not isinstance(film, dict):
        other = next((name for name in _OTHERS if name in entry), "")
        thing = entry.get(other)
        title = str(thing.get("title") or "") if isinstance(thing, dict) else ""
        wrong = {"left_out": f"{other}: not a film"} if other else {"problem": "movie is missing"}
        return {"kind": kind, "list_name": list_name, "title": clean(title, TITLE_LENGTH), **wrong}
    said: dict[str, Any] = {"kind": kind, "list_name": list_name}
    try:
        ids = film.get("ids")
        ids = ids if isinstance(ids, dict) else {}
        said |= {
            "title": title_of(str(film.get("title") or ""), "title"),
            "year": year_of(_plain(film.get("year")), "year"),
            "imdb_id": imdb_id_of(_plain(ids.get("imdb")), "imdb"),
            "tmdb_id": number_of(_plain(ids.get("tmdb")), "tmdb"),
            **_particulars(kind, entry, today),
        }
    except Flaw as flaw:
        said |= {"title": clean(str(film.get("title") or ""), TITLE_LENGTH), "problem": str(flaw)}
    return said


def _kind(entry: Mapping[str, Any], list_name: str) -> Kind:
    if "rated_at" in entry:
        return Kind.RATING
    if "listed_at" in entry:
        return Kind.LIST_ITEM if list_name else Kind.WATCHLIST
    return Kind.WATCH


def _particulars(kind: Kind, entry: Mapping[str, Any], today: dt.date) -> dict[str, Any]:
    column = next(moment for moment in _MOMENTS if isinstance(entry.get(moment), str))
    at = moment_of(entry[column], column, today)
    if kind is Kind.RATING:
        overall = half_stars(_plain(entry.get("rating")), "rating", out_of=10, lowest=1)
        if overall is None:
            raise Flaw("rating is empty")
        return {"overall": overall, "at": at}
    if kind is Kind.WATCH:
        if at is None:
            raise Flaw(f"{column} is empty")
        return {"watched_on": at.date(), "at": at}
    return {"at": at, "notes": clean(_plain(entry.get("notes")), NOTES_LENGTH, lines=True)}


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
