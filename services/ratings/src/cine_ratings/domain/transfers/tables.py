"""Reads CSV as people have it: any encoding of the usual ones, any line end, columns in any order and under several names."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from cine_ratings.domain.transfers.rows import Unreadable

FIELD_LENGTH: Final = 131_072
"""Longest field, in characters: more than six times the longest review."""
_MOST_COLUMNS: Final = 200
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NOT_OF_A_NAME: Final = re.compile(r"[^a-z0-9]+")

Columns: TypeAlias = Callable[[str], str]
"""Gives the field of a row under a column's name; empty where the row or the table has none."""


def decoded(data: bytes, name: str) -> str:
    """Returns the text of a file: by its byte order mark, else UTF-8, else the Western encoding old exports are in.

    Raises:
        Unreadable: it is no text.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return _text(data[len(bom) :].decode(encoding), name)
            except UnicodeDecodeError:
                raise Unreadable(f"{name} is not the {encoding.upper()} it says it is") from None
    try:
        return _text(data.decode("utf-8"), name)
    except UnicodeDecodeError:
        if b"\x00" in data:
            raise Unreadable(f"{name} is not a text file") from None
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _text(text: str, name: str) -> str:
    if "\x00" in text:
        raise Unreadable(f"{name} is not a text file")
    return text


def plain_name(column: str) -> str:
    """Returns the name of a column without what differs between exports: case, spaces, signs ("Your Rating" → "yourrating")."""
    return _NOT_OF_A_NAME.sub("", column.lower())


class Table:
    """A CSV table: its header, and its rows one by one.

    Attributes:
        columns: plain names of the header, in order.
    """

    def __init__(self, lines: Iterator[list[str]], columns: Sequence[str]) -> None:
        """Takes what `read_table` made."""
        self.columns = tuple(columns)
        self._lines = lines

    def has(self, *columns: str) -> bool:
        """Whether it has all of these columns."""
        return all(column in self.columns for column in columns)

    def __iter__(self) -> Iterator[tuple[Columns, str]]:
        """Yields each row that is not empty, and what is wrong with its shape; empty when nothing is.

        Raises:
            Unreadable: a field is too long.
        """
        width = len(self.columns)
        for cells in self._lines:
            if not any(cells):
                continue
            problem = ""
            if len(cells) > width and any(cells[width:]):
                problem = f"it has {len(cells)} columns, the header {width}"
            yield _columns(dict(zip(self.columns, cells, strict=False))), problem


def _columns(fields: Mapping[str, str]) -> Columns:
    return lambda column: fields.get(column, "")


def read_table(text: str, name: str, *, skip: int = 0) -> Table:
    """Returns the table in a text.

    Args:
        text: a CSV file; commas, or semicolons as some spreadsheets write them.
        name: what to call the file in an error.
        skip: lines to leave out before the header.

    Raises:
        Unreadable: it has no header, or a field is too long.
    """
    if "\n" not in text:
        text = text.replace("\r", "\n")
    lines = _lines(text, name)
    header: list[str] | None = None
    count = 0
    for cells in lines:
        count += 1
        if count <= skip or not any(cell.strip() for cell in cells):
            continue
        header = cells
        break
    if header is None:
        raise Unreadable(f"{name} has no header")
    if len(header) > _MOST_COLUMNS:
        raise Unreadable(f"{name} has more than {_MOST_COLUMNS} columns")
    return Table(lines, [plain_name(cell) for cell in header])


def _lines(text: str, name: str) -> Iterator[list[str]]:
    head = text[: 64 * 1024].lstrip().partition("\n")[0]
    delimiter = ";" if "," not in head and ";" in head else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # the only fault left in this dialect: a field beyond the limit, or a lone carriage return
            reason = "a field is too long" if "limit" in str(error) else "it is not CSV"
            raise Unreadable(f"{name}, line {line}: {reason}") from None
        if any(len(cell) > FIELD_LENGTH for cell in cells):
            raise Unreadable(f"{name}, line {line}: a field is too long")
        yield cells
