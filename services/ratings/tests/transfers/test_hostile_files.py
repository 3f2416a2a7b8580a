"""Files made to do harm: bombs, names that lead elsewhere, endless fields, broken everything."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cine_ratings.domain.transfers import archive, sources
from cine_ratings.domain.transfers.rows import MOST_ROWS, Unreadable
from cine_ratings.domain.transfers.sources import read_upload

from .conftest import TODAY
from .files import LETTERBOXD, trakt_zip, zipped
from .test_reading_files import read, refusal

HEADER = "Date,Name,Year,Letterboxd URI,Rating\n"
ROW = "2023-05-02,Amélie,2001,x,4.5\n"


def test_a_zip_bomb_is_stopped_where_it_is_too_much() -> None:
    bomb = zipped({"ratings.csv": HEADER.encode() + b"x" * (archive.UNPACKED_BYTES + 1)})
    assert len(bomb) < 200_000
    tracemalloc.start()
    assert refusal(bomb) == "the files of the ZIP unpack to more than 100 MB"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.5 * archive.UNPACKED_BYTES


def test_a_zip_that_lies_about_its_sizes_is_stopped_too() -> None:
    bomb = bytearray(zipped({"ratings.csv": b"x" * (archive.UNPACKED_BYTES + 1)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = bomb.index(signature)
        struct.pack_into("<L", bomb, place + offset, 10)
    message = refusal(bytes(bomb))
    assert "unpack to more" in message or "damaged" in message


def test_files_together_are_counted() -> None:
    half = b"x" * (archive.UNPACKED_BYTES // 2 + 1)
    assert "unpack to more" in refusal(zipped({"ratings.csv": half, "diary.csv": half}))


def test_a_zip_of_too_many_files_is_refused_before_they_are_listed() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for number in range(archive.MOST_FILES + 1):
            made.writestr(f"lists/{number}.csv", "")
    assert refusal(packed.getvalue()) == "the ZIP file holds more than 5000 files"
    # a directory of a gigabyte is not even looked at
    small = bytearray(zipped(LETTERBOXD))
    struct.pack_into("<L", small, small.rindex(b"PK\x05\x06") + 12, 2**30)
    assert "more than 5000 files" in refusal(bytes(small))


@pytest.mark.parametrize(
    "name",
    [
        "../ratings.csv",
        "/etc/ratings.csv",
        "a/../../ratings.csv",
        "..\\ratings.csv",
        "C:\\ratings.csv",
        "__MACOSX/ratings.csv",
        ".",
    ],
)
def test_names_that_lead_elsewhere_are_not_read(name: str) -> None:
    reading = read(zipped({name: HEADER + ROW, "watchlist.csv": "Date,Name,Year,Letterboxd URI\n,Amélie,2001,x\n"}))
    assert [row.file_name for row in reading.rows] == ["watchlist.csv"]


def test_a_zip_in_a_zip_stays_closed() -> None:
    assert "none of the files" in refusal(zipped({"inner.zip": zipped(LETTERBOXD)}))


def test_encrypted_and_strangely_packed_files_are_refused() -> None:
    locked = bytearray(zipped({"ratings.csv": HEADER + ROW}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(signature) + offset] |= 1
    assert refusal(bytes(locked)) == "ratings.csv is encrypted"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("ratings.csv", HEADER + ROW)
    assert refusal(packed.getvalue()) == "ratings.csv is packed in a way that is not read here"


def test_a_field_of_ten_megabytes_is_refused_with_its_line() -> None:
    text = HEADER + ROW + f'2023-05-02,"{"x" * 10_000_000}",2001,x,4.5\n'
    assert refusal(text, "ratings.csv") == "ratings.csv, line 3: a field is too long"
    # a quote that never ends swallows the rest: the same
    assert "line 2: a field is too long" in refusal(
        HEADER + '2023-05-02,"Amélie,2001,x,4.5\n' + ROW * 10_000, "ratings.csv"
    )


def test_too_many_rows_are_refused() -> None:
    assert refusal(HEADER + ROW * (MOST_ROWS + 1), "r.csv") == f"the file has more than {MOST_ROWS:,} rows"


def test_too_many_rows_of_one_film_are_refused() -> None:
    assert "of one film" in refusal(HEADER + ROW * (sources.MOST_OF_ONE_FILM + 1), "r.csv")
    assert len(read(HEADER + ROW * sources.MOST_OF_ONE_FILM, "r.csv").rows) == sources.MOST_OF_ONE_FILM


@pytest.mark.parametrize(
    "data",
    [
        b"\x00" * 1000,
        b"Date,Name,Year,Letterboxd URI,Rating\n2023,\x00,2001,x,4\n",
        b"\xff\xfe\x00",
        b"\xef\xbb\xbf\xff\xff",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[1e999999, NaN]",
        b"[" + b"9" * 5_000 + b"]",
        b'{"ratings": [' + b"[" * 500 + b"]" * 500 + b"]}",
        b'{"format": "cine-history/1", "ratings": {"a": 1}, "diary": [1, "x", null]}',
        b"a" * 100_000 + b"," * 500,
        b"\x89PNG\r\n\x1a\n",
        b"%PDF-1.7",
        b"MZ",
    ],
)
def test_nonsense_is_refused_or_read_as_rows_with_flaws(data: bytes) -> None:
    try:
        reading = read(data, "x")
    except Unreadable as reason:
        assert 10 < len(str(reason)) < 300
    else:
        assert all(row.problem for row in reading.rows)


def test_control_characters_and_unseen_marks_do_not_get_in() -> None:
    (row,) = read(HEADER + "2023-05-02,\u202eA\x07m\u200b\u00e9\ud7ff lie\x85,2001,x,4.5\n", "r.csv").rows
    assert row.title == "Amé\ud7ff lie"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_file_never_breaks_the_reader(data: Any) -> None:
    raw = bytearray(data.draw(st.sampled_from([zipped(LETTERBOXD), trakt_zip(), (HEADER + ROW * 20).encode()])))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.integers(0, 2)):
            case 0:
                raw[place] = data.draw(st.integers(0, 255))
            case 1:
                del raw[place : place + data.draw(st.integers(1, 50))]
            case _:
                raw[place:place] = data.draw(st.binary(max_size=20))
        if not raw:
            return
    try:
        rows = read_upload(io.BytesIO(bytes(raw)), "", "x.zip", TODAY).rows
    except Unreadable:
        return
    for row in rows:
        assert "\x00" not in row.title + row.body + row.notes + row.list_name
        row.title.encode()
