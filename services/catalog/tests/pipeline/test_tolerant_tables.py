from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cine_catalog.pipeline import ColumnMissing, SourceBroken, SourceMissing
from cine_catalog.pipeline.report import BadRows
from cine_catalog.pipeline.tables import Numbers, read_numbers, read_table, whole_numbers

CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


def refused(bad: BadRows) -> list[tuple[int, str]]:
    return [(row.row, row.reason) for row in bad.rows]


def test_broken_rows_are_listed_with_their_line_and_good_rows_kept(tmp_path: Path) -> None:
    path = tmp_path / "movies.csv"
    path.write_bytes(
        b"movieId,title,genres\n"
        b"1,One (1999),Drama\n"
        b'2,"Never closed (1999),Drama\n'
        b"3,Three (1999),Drama\n"
        b"4,Bad \xff\xfe bytes,Drama\n"
        b"5,Too,many,fields\n"
        b"6,Nul \0 inside,Drama\n"
        b"\n"
        b'7,"Quoted, with ""quotes"" (1999)",Drama\r\n'
        b"8,11'09\"01 - September 11 (2002),Drama\n"
    )
    bad = BadRows()
    table = read_table(path, ("movieId", "title"), bad)
    assert table.rows() == [
        (2, "1", "One (1999)"),
        (4, "3", "Three (1999)"),
        (9, "7", 'Quoted, with "quotes" (1999)'),
        (10, "8", "11'09\"01 - September 11 (2002)"),
    ]
    assert sorted(refused(bad)) == [
        (3, "an unclosed quote"),
        (5, "invalid UTF-8"),
        (6, "wrong number of fields (expected 3)"),
        (7, "a NUL character"),
    ]


def test_a_quote_may_span_lines_where_the_format_has_that(tmp_path: Path) -> None:
    path = tmp_path / "titles.csv"
    path.write_text('id,text\n1,"two\nlines"\n2,"open\n3,fine\n4,"also\nfine"\n')
    bad = BadRows()
    table = read_table(path, ("id", "text"), bad, max_lines=20)
    assert table.rows() == [(2, "1", "two\nlines"), (5, "3", "fine"), (6, "4", "also\nfine")]
    assert refused(bad) == [(4, "an unclosed quote")]


def test_missing_column_file_and_header_are_typed_and_named(tmp_path: Path) -> None:
    path = tmp_path / "movies.csv"
    with pytest.raises(SourceMissing, match=r"movies\.csv: no such file"):
        read_table(path, ("movieId",), BadRows())
    path.write_text("")
    with pytest.raises(SourceBroken, match=r"movies\.csv: the file is empty"):
        read_table(path, ("movieId",), BadRows())
    path.write_text("movieId,name\n1,x\n")
    with pytest.raises(
        ColumnMissing, match=r"movies\.csv: column 'title' is missing \(the file has: movieId, name\)"
    ) as caught:
        read_table(path, ("movieId", "title"), BadRows())
    assert caught.value.column == "title"
    assert caught.value.file == path
    with pytest.raises(SourceMissing, match="is a folder"):
        read_table(tmp_path, ("movieId",), BadRows())


def test_a_byte_order_mark_and_a_header_alone_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "movies.csv"
    path.write_bytes(b"\xef\xbb\xbfmovieId,title\n")
    assert read_table(path, ("movieId", "title"), BadRows(), optional=("extra",)).columns == [
        "row",
        "movieId",
        "title",
        "extra",
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_what_a_csv_writer_wrote_is_read_back(tmp_path: Path, cells: list[tuple[str, str]]) -> None:
    path = tmp_path / "any.csv"
    pl.DataFrame(cells, schema=["a", "b"], orient="row").write_csv(path, quote_style="always")
    bad = BadRows()
    assert read_table(path, ("a", "b"), bad).select("a", "b").rows() == cells
    assert bad.count == 0


def test_ids_that_are_no_whole_numbers_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "movies.csv"
    table = pl.DataFrame({"row": [2, 3, 4, 5], "movieId": ["1", "x", "-4", None]}, schema_overrides={"row": pl.UInt32})
    bad = BadRows()
    assert whole_numbers(table, "movieId", path, bad)["movieId"].to_list() == [1]
    assert [row.row for row in bad.rows] == [3, 4, 5]


def test_numbers_in_pieces_agree_with_numbers_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ratings.csv"
    good = [f"1,{movie},{movie % 10 / 2},{movie * 7}" for movie in range(1, 400)]
    lines = [*good[:150], "1,x,3.0,5", *good[150:300], "1,9,9.5,5", "", '1,"7,3.0,5', *good[300:]]
    path.write_text("userId,movieId,rating,timestamp\n" + "\n".join(lines) + "\n")
    columns = {
        "movieId": Numbers(pl.Int32(), 1, 1e9),
        "rating": Numbers(pl.Float32(), 0, 5),
        "timestamp": Numbers(pl.Int64(), 0, 1e12),
    }
    whole_bad = BadRows()
    whole = pl.concat(read_numbers(path, columns, whole_bad))
    monkeypatch.setattr("cine_catalog.pipeline.tables._PIECE_BYTES", 500)
    pieces_bad = BadRows()
    pieces = list(read_numbers(path, columns, pieces_bad))
    assert len(pieces) > 5
    assert pl.concat(pieces).equals(whole)
    assert whole.height == 399
    assert sorted(refused(pieces_bad)) == sorted(refused(whole_bad))
    assert sorted(row for row, _ in refused(whole_bad)) == [152, 303, 305]
