"""Reading CSV files that may be damaged: good rows are kept, bad ones are listed with their row number.

A well-formed file is parsed by Polars in one go. What Polars cannot do is say *which* row is broken, and it lets one
unclosed quote swallow everything behind it. So records are cut first (a quote may span at most ``max_lines`` lines),
checked for their number of fields, and only then parsed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cine_catalog.pipeline.errors import ColumnMissing, SourceBroken, SourceMissing
from cine_catalog.pipeline.report import BadRows

_BOM = b"\xef\xbb\xbf"
_PIECE_BYTES = 64 * 1024 * 1024
ROW = "row"
"""Name of the column with the line number of each record (the header is line 1)."""


def read_bytes(path: Path) -> bytes:
    """The whole file, or ``SourceMissing`` naming it and the reason."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise SourceMissing(path) from None
    except IsADirectoryError:
        raise SourceMissing(path, "is a folder, not a file") from None
    except PermissionError:
        raise SourceMissing(path, "permission denied") from None


def read_table(
    path: Path, required: Sequence[str], bad: BadRows, *, optional: Sequence[str] = (), max_lines: int = 1
) -> pl.DataFrame:
    """Read ``required`` and ``optional`` columns as strings, plus ``row``.

    Args:
        path: a comma-separated UTF-8 file with a header line.
        required: columns that must be there, else ``ColumnMissing``.
        bad: receives rows with invalid UTF-8, an unclosed quote, a NUL or a wrong number of fields.
        optional: columns read when there, null when not.
        max_lines: lines one quoted field may span; 1 where the format has none (MovieLens).

    Raises:
        SourceMissing, SourceBroken: no such file; an empty file.
        ColumnMissing: a required column is absent.
    """
    lines = _decoded_lines(path, read_bytes(path).removeprefix(_BOM), 1, bad)
    header = _header(path, lines["record"][0] if lines.height else "", required)
    frame = _parse(path, _records(path, lines.slice(1), len(header), max_lines, bad), header, bad)
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in optional if name not in header]
    return frame.with_columns(absent).select(ROW, *required, *optional)


@dataclass(frozen=True, slots=True)
class Numbers:
    """A number column: its type and the range its values must lie in."""

    dtype: pl.DataType
    least: float
    most: float


def read_numbers(path: Path, columns: Mapping[str, Numbers], bad: BadRows) -> Iterator[pl.DataFrame]:
    """Read number columns of a file of any size in pieces of about 64 MB, each in ``columns``' types.

    A piece that does not parse as it stands (a broken row, a blank line, a quote, a value out of range) is read again
    row by row, and the rows at fault are listed.

    Raises:
        SourceMissing, SourceBroken, ColumnMissing: as ``read_table``.
    """
    size = path.stat().st_size if path.exists() else len(read_bytes(path))
    with path.open("rb") as file:
        first = file.readline().removeprefix(_BOM).decode("utf-8", "replace")
        header = _header(path, first.rstrip("\r\n"), list(columns))
        number, done = 2, file.tell()
        while done < size:
            piece = file.read(_PIECE_BYTES) + file.readline()
            if not piece:
                break
            yield _numbers(path, piece, number, header, columns, bad)
            number += piece.count(b"\n")
            done += len(piece)


def _numbers(
    path: Path, piece: bytes, number: int, header: list[str], columns: Mapping[str, Numbers], bad: BadRows
) -> pl.DataFrame:
    sound = [pl.col(name).is_between(c.least, c.most).fill_null(value=False).alias(name) for name, c in columns.items()]
    schema = {name: columns[name].dtype if name in columns else pl.String() for name in header}
    try:
        frame = pl.read_csv(io.BytesIO(piece), has_header=False, schema=schema, quote_char=None).select(*columns)
    except pl.exceptions.PolarsError:
        pass
    else:
        if all(frame.select(good.all() for good in sound).row(0)):
            return frame
    lines = _decoded_lines(path, piece, number, bad)
    texts = _parse(path, _records(path, lines, len(header), 1, bad), header, bad).select(ROW, *columns)
    typed = texts.with_columns(
        pl.col(name).str.strip_chars().cast(column.dtype, strict=False) for name, column in columns.items()
    )
    marks = typed.select(sound)
    for name, column in columns.items():
        for row, value in texts.filter(~marks[name]).select(ROW, name).iter_rows():
            bad.add(path, row, f"{name} is not a number from {column.least:g} to {column.most:g}", value or "")
    return typed.filter(marks.select(pl.all_horizontal(pl.all())).to_series()).select(*columns)


def _header(path: Path, line: str, required: Sequence[str]) -> list[str]:
    if not line.strip():
        raise SourceBroken(path, "the file is empty, a header line was expected")
    header = [name.strip() for name in next(csv.reader([line]), [])]
    for column in required:
        if column not in header:
            raise ColumnMissing(path, column, header)
    return header


def _decoded_lines(path: Path, data: bytes, first: int, bad: BadRows) -> pl.DataFrame:
    """Non-blank lines as ``row`` (the first is number ``first``) and ``record``; undecodable ones are listed."""
    try:
        lines: list[str | None] = list(data.decode("utf-8").split("\n"))
    except UnicodeDecodeError:
        lines = []
        for number, raw in enumerate(data.split(b"\n"), start=first):
            try:
                lines.append(raw.decode("utf-8"))
            except UnicodeDecodeError:
                bad.add(path, number, "invalid UTF-8", raw.decode("utf-8", "replace"))
                lines.append(None)
    frame = pl.DataFrame({"record": lines}, schema={"record": pl.String}).with_row_index(ROW, offset=first)
    line = pl.col("record").str.strip_suffix("\r")
    return frame.select(pl.col(ROW).cast(pl.UInt32), line).filter(line.str.strip_chars().str.len_bytes() > 0)


def _records(path: Path, frame: pl.DataFrame, fields: int, max_lines: int, bad: BadRows) -> pl.DataFrame:
    """Cut lines into records with the right number of fields; columns ``row`` and ``record``."""
    if frame.select((pl.col("record").str.count_matches('"', literal=True) % 2).sum()).item():
        frame = pl.DataFrame(
            _joined_records(path, frame.rows(), fields, max_lines, bad),
            schema={ROW: pl.UInt32, "record": pl.String},
            orient="row",
        )
    # Commas outside quotes; (?s) because a quoted field may hold line breaks.
    outside = pl.col("record").str.replace_all(r'(?s)"(?:[^"]|"")*"', "")
    frame = frame.with_columns(
        (outside.str.count_matches(",", literal=True) + 1).alias("fields"),
        pl.col("record").str.contains("\0", literal=True).alias("nul"),
    )
    wrong = frame.filter((pl.col("fields") != fields) | pl.col("nul"))
    for row, record, found, nul in wrong.iter_rows():
        reason = "a NUL character" if nul else f"wrong number of fields (expected {fields})"
        bad.add(path, row, reason, record if nul else f"{found} fields: {record}")
    return frame.filter((pl.col("fields") == fields) & ~pl.col("nul")).select(ROW, "record")


def _joined_records(
    path: Path, lines: list[tuple[int, str]], fields: int, max_lines: int, bad: BadRows
) -> list[tuple[int, str]]:
    """Join the lines of quoted fields; a quote that never closes costs its own line only."""
    records: list[tuple[int, str]] = []
    index = 0
    while index < len(lines):
        number, line = lines[index]
        end = index + 1
        if line.count('"') % 2 and not _closes(line, fields):
            limit = min(len(lines), index + max_lines)
            while end < limit and lines[end][1].count('"') % 2 == 0:
                end += 1
            record = "\n".join(part for _, part in lines[index : end + 1])
            # Two broken rows can look like one long field: then the field count gives it away.
            if end >= limit or not _closes(record, fields):
                bad.add(path, number, "an unclosed quote", line)
                index += 1
                continue
            line = record
            end += 1
        records.append((number, line))
        index = end
    return records


def _closes(record: str, fields: int) -> bool:
    """Whether a record is whole: every quote that opens a field closes it (one inside a word, 11'09"01, does not open)."""
    try:
        return len(next(csv.reader([record], strict=True), [])) == fields
    except csv.Error:
        return False


def _parse(path: Path, records: pl.DataFrame, header: list[str], bad: BadRows) -> pl.DataFrame:
    schema = dict.fromkeys(header, pl.String)
    if records.is_empty():
        return pl.DataFrame(schema={ROW: pl.UInt32, **schema})
    data = "\n".join(records["record"].to_list()).encode()
    try:
        frame = pl.read_csv(io.BytesIO(data), has_header=False, schema=schema)
    except pl.exceptions.PolarsError:
        frame = pl.DataFrame(schema=schema)
    if frame.height == records.height:
        return frame.insert_column(0, records[ROW])
    # Quotes in unusual places: the slower reader decides row by row.
    kept: list[tuple[object, ...]] = []
    for row, record in records.iter_rows():
        values = next(csv.reader([record]), [])
        if len(values) == len(header):
            kept.append((row, *(value or None for value in values)))
        else:
            bad.add(path, row, "misplaced quotes", record)
    return pl.DataFrame(kept, schema={ROW: pl.UInt32, **schema}, orient="row")


def whole_numbers(
    frame: pl.DataFrame, column: str, path: Path, bad: BadRows, *, dtype: type[pl.DataType] = pl.Int32, least: int = 1
) -> pl.DataFrame:
    """Turn a string column into whole numbers ≥ ``least``; rows where that fails are listed and dropped."""
    number = pl.col(column).str.strip_chars().cast(dtype, strict=False)
    frame = frame.with_columns(number.alias("_number"))
    good = pl.col("_number").is_not_null() & (pl.col("_number") >= least)
    for row, value in frame.filter(~good.fill_null(value=False)).select(ROW, column).iter_rows():
        bad.add(path, row, f"{column} is not a whole number from {least} on", "" if value is None else str(value))
    return frame.filter(good).with_columns(pl.col("_number").alias(column)).drop("_number")
