"""Finds out what somebody's file is, and reads it."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from cine_ratings.domain.transfers import imdb, letterboxd, own, trakt
from cine_ratings.domain.transfers.archive import Archive, is_zip
from cine_ratings.domain.transfers.rows import MOST_ROWS, Row, Source, Unreadable, clean
from cine_ratings.domain.transfers.tables import decoded, read_table

_PLAINLY: Final = {
    Source.LETTERBOXD: "Letterboxd",
    Source.IMDB: "IMDb",
    Source.TRAKT: "Trakt",
    Source.CINE: "CineAesthete",
}
_NAME_LENGTH: Final = 255
MOST_OF_ONE_FILM: Final = 1_000
"""Rows of one film that an import may have."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was recognised.

    Attributes:
        source: where it comes from.
        rows: its rows, in its order.
    """

    source: Source
    rows: list[Row]


def read_upload(file: BinaryIO, source: str, file_name: str, today: dt.date) -> Reading:
    """Returns what a file says. It takes seconds for a large one: call it off the event loop.

    Args:
        file: the bytes; a ZIP, CSV or JSON file.
        source: where it is said to come from; empty to find out.
        file_name: the name it was sent under; only ever looked at.
        today: the present day in UTC.

    Raises:
        Unreadable: it is none of the files that are known, is damaged, or has too many rows.
    """
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    if not head:
        raise Unreadable("the file is empty")
    name = clean(file_name, _NAME_LENGTH).rpartition("/")[2].rpartition("\\")[2] or "the file"
    found, rows = _packed(file, source, today) if is_zip(head) else _plain(file.read(), name, today)
    if source and source != found:
        raise Unreadable(f"the file is not from {_PLAINLY[Source(source)]}: it looks like one of {_PLAINLY[found]}'s")
    return Reading(found, _counted(rows))


def _counted(rows: Iterator[Row]) -> list[Row]:
    read = list(itertools.islice(rows, MOST_ROWS + 1))
    if len(read) > MOST_ROWS:
        raise Unreadable(f"the file has more than {MOST_ROWS:,} rows")
    # all rows of a film are looked at together: nobody watched it that often
    often = Counter((row.title, row.year, row.imdb_id) for row in read).most_common(1)
    if often and often[0][1] > MOST_OF_ONE_FILM:
        raise Unreadable(f"the file has more than {MOST_OF_ONE_FILM:,} rows of one film")
    return read


def _plain(data: bytes, name: str, today: dt.date) -> tuple[Source, Iterator[Row]]:
    text = decoded(data, name)
    if not text.strip():
        raise Unreadable("the file is empty")
    if text.lstrip()[:1] in "{[":
        return _documents({"": _parsed(text, name)}, today)
    found = _source_of(text, name)
    if found is None:
        raise Unreadable("the file is none of the exports that are read here: Letterboxd, IMDb, Trakt, CineAesthete")
    return found, _reader(found)(text, name, today)


def _packed(file: BinaryIO, source: str, today: dt.date) -> tuple[Source, Iterator[Row]]:
    archive = Archive(file, letterboxd.FOLDERS)
    tables = [name for name in archive.names if name.lower().endswith(".csv")]
    known = letterboxd.files_of(archive.names)
    if known and source in ("", Source.LETTERBOXD):
        texts = {name: decoded(archive.read(name), name) for name in known}
        if any(_source_of(text, name) is Source.LETTERBOXD for name, text in texts.items()):
            return Source.LETTERBOXD, letterboxd.read_archive(texts, today)
    documents = trakt.files_of(archive.names) or [name for name in archive.names if name.lower().endswith(".json")]
    if documents and source in ("", Source.TRAKT, Source.CINE):
        parsed = {name: _parsed(decoded(archive.read(name), name), name) for name in documents}
        return _documents(parsed, today)
    texts = {name: decoded(archive.read(name), name) for name in tables}
    sources = {name: found for name, text in texts.items() if (found := _source_of(text, name)) is not None}
    if not sources:
        raise Unreadable("the ZIP holds none of the files of an export that is read here")
    first = Source(source) if source in sources.values() else next(iter(sources.values()))
    read = _reader(first)
    return first, itertools.chain.from_iterable(
        read(texts[name], name, today) for name, found in sources.items() if found is first
    )


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable(f"{name or 'the file'} is not JSON") from None


def _documents(documents: dict[str, Any], today: dt.date) -> tuple[Source, Iterator[Row]]:
    ours = [document for document in documents.values() if own.is_document(document)]
    if ours:
        return Source.CINE, itertools.chain.from_iterable(own.read_document(one, today) for one in ours)
    try:
        known = any(trakt.is_document(document) for document in documents.values())
    except RecursionError:
        known = False
    if not known:
        raise Unreadable("the JSON is neither a backup of Trakt's nor an export of ours")
    return Source.TRAKT, trakt.read_documents(documents, today)


def _source_of(text: str, name: str) -> Source | None:
    if letterboxd.is_list(text):
        return Source.LETTERBOXD
    try:
        table = read_table(text, name)
    except Unreadable:
        return None
    if own.is_table(table):
        return Source.CINE
    if imdb.is_table(table):
        return Source.IMDB
    return Source.LETTERBOXD if letterboxd.is_table(table) else None


def _reader(source: Source) -> Callable[[str, str, dt.date], Iterator[Row]]:
    if source is Source.IMDB:
        return imdb.read_file
    if source is Source.CINE:
        return lambda text, name, today: own.read_table_rows(read_table(text, name), today)
    return letterboxd.read_file
