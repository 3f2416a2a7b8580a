"""Every format, in the forms that people's files have."""

from __future__ import annotations

import datetime as dt
import io
import json

import pytest

from cine_ratings.domain.transfers import letterboxd
from cine_ratings.domain.transfers.html_text import markdown_of
from cine_ratings.domain.transfers.rows import Kind, Part, Row, Source, Unreadable, document_of, half_stars, row_of
from cine_ratings.domain.transfers.sources import Reading, read_upload

from .conftest import TODAY
from .files import (
    IMDB_RATINGS_2015,
    IMDB_RATINGS_2019,
    IMDB_RATINGS_2024,
    IMDB_WATCHLIST,
    LETTERBOXD,
    MATRIX,
    TRAKT,
    trakt_zip,
    zipped,
)


def read(data: bytes | str, name: str = "", source: str = "") -> Reading:
    raw = data.encode() if isinstance(data, str) else data
    return read_upload(io.BytesIO(raw), source, name, TODAY)


def of(reading: Reading, kind: Kind) -> list[Row]:
    return [row for row in reading.rows if row.kind is kind]


def refusal(data: bytes | str, name: str = "", source: str = "") -> str:
    with pytest.raises(Unreadable) as caught:
        read(data, name, source)
    return str(caught.value)


@pytest.mark.parametrize("folder", ["", "letterboxd-ada-2024-01-01-00-00-utc/"])
def test_a_letterboxd_export_is_read_whole(folder: str) -> None:
    reading = read(zipped(LETTERBOXD, folder), "letterboxd-ada.zip")
    assert reading.source is Source.LETTERBOXD
    assert not any(row.problem for row in reading.rows)
    ratings = of(reading, Kind.RATING)
    assert [(row.title, row.year, row.overall, row.file_name) for row in ratings] == [
        ("The Matrix", 1999, 9, "ratings.csv"),
        ("Amélie", 2001, 10, "ratings.csv"),
    ]
    assert ratings[0].at == dt.datetime(2023, 5, 1, tzinfo=dt.UTC)
    watches = of(reading, Kind.WATCH)
    assert [(row.title, row.watched_on, row.rewatch, row.tags) for row in watches] == [
        ("The Matrix", dt.date(2023, 5, 1), True, ("cinema", "with bob")),
        ("Cléo from 5 to 7", dt.date(2023, 4, 30), False, ()),
        # marked as watched without a day; The Matrix is in the diary already
        ("Rocky II", dt.date(2020, 1, 2), False, (letterboxd.UNDATED,)),
    ]
    assert [row.overall for row in watches] == [9, None, None]
    assert not any(row.brings_rating for row in watches), "ratings.csv has the last word"
    (review,) = of(reading, Kind.REVIEW)
    assert review.body == "There is *no* spoon.\n\n**Really** & [see](https://example.org/x)"
    assert review.brings is Part.REVIEW, "its day is in the diary, its stars are in ratings.csv"
    (wanted,) = of(reading, Kind.WATCHLIST)
    assert (wanted.title, wanted.at) == ("WALL·E", dt.datetime(2023, 6, 1, tzinfo=dt.UTC))
    assert [(row.title, row.list_name, row.notes) for row in of(reading, Kind.LIST_ITEM)] == [
        ("Amélie", letterboxd.LIKES, ""),
        ("The Matrix", "Best of 2022", "again and again"),
        ("The Good, the Bad and the Ugly", "Best of 2022", ""),
    ]
    assert "Home" not in {row.title for row in reading.rows}, "what the person deleted stays deleted"


@pytest.mark.parametrize(
    ("name", "kind", "brings"),
    [
        ("ratings.csv", Kind.RATING, Part.RATING),
        ("diary.csv", Kind.WATCH, Part.RATING | Part.WATCH),
        ("watched.csv", Kind.WATCH, Part.WATCH),
        ("reviews.csv", Kind.REVIEW, Part.RATING | Part.WATCH | Part.REVIEW),
        ("watchlist.csv", Kind.WATCHLIST, Part.WATCHLIST),
        ("lists/best-of.csv", Kind.LIST_ITEM, Part.WATCHLIST),
    ],
)
def test_a_file_of_an_export_alone_says_all_it_knows(name: str, kind: Kind, brings: Part) -> None:
    reading = read(LETTERBOXD[name], name.rpartition("/")[2])
    assert reading.source is Source.LETTERBOXD
    assert (reading.rows[0].kind, reading.rows[0].brings) == (kind, brings)
    assert reading.rows[0].file_name == "", "there is but one file"


def test_the_csv_that_letterboxd_imports_is_read() -> None:
    text = (
        "tmdbID,imdbID,Title,Year,Rating10,WatchedDate,Rewatch,Tags,Review\n"
        '603,tt0133093,The Matrix,1999,9,2020-02-02,true,"a, b",\n'
        ",,Amélie,2001,,,,,So sweet\n,,Home,2015,7,,,,\n,,Rocky II,1979,,,,,\n"
    )
    reading = read(text, "import.csv")
    assert reading.source is Source.LETTERBOXD
    watch, review, rating, wanted = reading.rows
    assert (watch.kind, watch.tmdb_id, watch.overall, watch.brings_rating, watch.rewatch) == (
        Kind.WATCH,
        603,
        9,
        True,
        True,
    )
    assert (review.kind, review.body, review.brings) == (Kind.REVIEW, "So sweet", Part.REVIEW)
    assert (rating.kind, rating.overall) == (Kind.RATING, 7)
    assert wanted.kind is Kind.WATCHLIST


def test_flaws_are_told_row_by_row() -> None:
    text = """Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date
2023-05-03,,1999,x,4,,,2023-05-01
2023-05-03,The Matrix,99x,x,4,,,2023-05-01
2023-05-03,The Matrix,1999,x,4.3,,,2023-05-01
2023-05-03,The Matrix,1999,x,6,,,2023-05-01
2023-05-03,The Matrix,1999,x,4,,,2023-02-30
2023-05-03,The Matrix,1999,x,4,,,2046-05-01
2023-05-03,The Matrix,1999,x,4,,,1066-05-01
2023-05-03,The Matrix,1999,x,4,,,
2023-05-03,The Matrix,1999,x,4,,,2023-05-01,a,b
2023-05-03,The Matrix,1999,x,4,,,2023-05-01
"""
    problems = [row.problem for row in read(text, "diary.csv").rows]
    assert problems == [
        "Name is empty",
        "Year is not a year",
        "Rating is not a rating of 0 to 5 in halves",
        "Rating is not a rating of 0 to 5 in halves",
        "Watched Date is not a day of the calendar",
        "Watched Date lies in the future",
        "Watched Date lies before the first film",
        "Watched Date is empty",
        "it has 10 columns, the header 8",
        "",
    ]
    review = 'Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n,The Matrix,1999,x,,,"{}",,\n'
    assert read(review.format("x" * 20_001), "reviews.csv").rows[0].problem == "Review has more than 20000 characters"
    assert read(review.format("x" * 20_000), "reviews.csv").rows[0].problem == ""


def test_tomorrow_is_a_day_already_east_of_greenwich() -> None:
    text = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n,The Matrix,1999,x,4,,,{}\n"
    tomorrow, later = TODAY + dt.timedelta(days=1), TODAY + dt.timedelta(days=2)
    assert read(text.format(tomorrow)).rows[0].problem == ""
    assert read(text.format(later)).rows[0].problem == "Watched Date lies in the future"


def test_imdb_ratings_of_today() -> None:
    reading = read(IMDB_RATINGS_2024, "ratings.csv")
    assert reading.source is Source.IMDB
    matrix, series, amelie = reading.rows
    assert (matrix.kind, matrix.imdb_id, matrix.overall, matrix.year) == (Kind.RATING, "tt0133093", 9, 1999)
    assert matrix.directors == ("Lana Wachowski", "Lilly Wachowski")
    assert matrix.at == dt.datetime(2023, 5, 1, tzinfo=dt.UTC)
    assert series.left_out == "Title Type is TV Series: not a film"
    assert (amelie.overall, amelie.left_out) == (1, "")


def test_imdb_ratings_of_earlier_times() -> None:
    (seven,) = read(IMDB_RATINGS_2019, "ratings.csv").rows
    assert (seven.imdb_id, seven.overall, seven.kind) == ("tt0114369", 8, Kind.RATING)
    # the oldest came in a Western encoding, all quoted, with the date as C writes it
    (cleo,) = read(IMDB_RATINGS_2015.encode("cp1252"), "ratings.csv").rows
    assert (cleo.title, cleo.overall, cleo.at) == ("Cléo de 5 à 7", 7, dt.datetime(2014, 1, 4, tzinfo=dt.UTC))
    assert cleo.problem == "" and cleo.directors == ("Agnès Varda",)


@pytest.mark.parametrize(
    ("name", "kind", "list_name"),
    [
        ("WATCHLIST.csv", Kind.WATCHLIST, ""),
        ("0b1b0e4e-8a7e-4d0e-9d3a-6b8f1f7d2c11.csv", Kind.WATCHLIST, ""),
        ("", Kind.WATCHLIST, ""),
        ("Rainy_Sundays.csv", Kind.LIST_ITEM, "Rainy Sundays"),
        ("../../Rainy_Sundays.csv", Kind.LIST_ITEM, "Rainy Sundays"),
    ],
)
def test_imdb_lists_are_told_from_the_watchlist_by_their_name(name: str, kind: Kind, list_name: str) -> None:
    (row,) = read(IMDB_WATCHLIST, name).rows
    assert (row.kind, row.list_name, row.imdb_id, row.notes) == (kind, list_name, "tt0234215", "with Bob")


def test_a_trakt_backup_is_read_without_episodes() -> None:
    reading = read(trakt_zip(), "trakt.zip")
    assert reading.source is Source.TRAKT
    (rating,) = of(reading, Kind.RATING)
    assert (rating.imdb_id, rating.tmdb_id, rating.overall) == ("tt0133093", 603, 9)
    assert rating.at == dt.datetime(2021, 3, 4, 20, 15, tzinfo=dt.UTC)
    watch, episode = of(reading, Kind.WATCH)
    assert (watch.watched_on, watch.imdb_id) == (dt.date(2021, 3, 4), "tt0133093"), "the history, not its sum"
    assert episode.left_out == "show: not a film"
    (wanted,) = of(reading, Kind.WATCHLIST)
    assert wanted.title == "WALL·E"
    (item,) = of(reading, Kind.LIST_ITEM)
    assert (item.list_name, item.notes, item.file_name) == ("Best of", "ha", "lists-list-42-best-of.json")


def test_one_document_of_trakt_holds_one_kind_or_all() -> None:
    history = TRAKT["watched-history-1.json"]
    assert [row.kind for row in read(json.dumps(history)).rows] == [Kind.WATCH, Kind.WATCH]
    whole = {
        "movies": {"ratings": TRAKT["ratings-movies.json"], "watched": TRAKT["watched-movies.json"]},
        "watchlist": TRAKT["lists-watchlist.json"],
        "lists": [{"name": "Rainy", "items": [{"listed_at": "2021-01-02T00:00:00.000Z", "movie": MATRIX}]}],
    }
    reading = read(json.dumps(whole))
    assert reading.source is Source.TRAKT
    assert [(row.kind, row.list_name) for row in reading.rows] == [
        (Kind.RATING, ""),
        (Kind.WATCH, ""),  # there is no history: the sum is all there is
        (Kind.WATCHLIST, ""),
        (Kind.LIST_ITEM, "Rainy"),
    ]


def test_flaws_of_trakt_are_told_row_by_row() -> None:
    entries = [
        {"rated_at": "2021-03-04T20:15:00Z", "rating": 11, "movie": MATRIX},
        {"rated_at": "2021-03-04T20:15:00Z", "rating": True, "movie": MATRIX},
        {"rated_at": "soon, I hope", "rating": 5, "movie": MATRIX},
        {"rated_at": "2021-03-04T20:15:00Z", "rating": 5, "movie": None},
        {"rated_at": "2021-03-04T20:15:00Z", "rating": 5, "movie": {**MATRIX, "ids": {"imdb": "x' OR 1"}}},
        {"rated_at": "2021-03-04T20:15:00Z", "rating": 5, "movie": {"title": "The Matrix", "year": None, "ids": []}},
    ]
    assert [row.problem for row in read(json.dumps(entries)).rows] == [
        "rating is not a rating of 1 to 10 in whole steps",
        "rating is empty",
        "rated_at is not a moment such as 2026-03-31T20:15:00Z",
        "movie is missing",
        "imdb is not an IMDb id such as tt0133093",
        "",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_encodings_line_ends_and_delimiters(encoding: str, line_end: str, delimiter: str) -> None:
    text = 'Date,Name,Year,Letterboxd URI,Rating\n2023-05-02,Amélie,2001,x,"4.5"\n\n'
    data = text.replace(",", delimiter).replace("\n", line_end).encode(encoding)
    (row,) = read(data, "ratings.csv").rows
    assert (row.title, row.year, row.overall) == ("Amélie", 2001, 9)


def test_a_file_that_is_not_what_it_is_said_to_be_is_refused() -> None:
    assert (
        refusal(IMDB_RATINGS_2024, source="letterboxd")
        == "the file is not from Letterboxd: it looks like one of IMDb's"
    )
    assert read(IMDB_RATINGS_2024, source="imdb").source is Source.IMDB
    assert "none of the exports" in refusal("a,b\n1,2\n")
    assert "neither a backup of Trakt's nor an export of ours" in refusal('{"a": [1]}')
    assert "none of the files of an export" in refusal(zipped({"a.txt": "x"}))
    assert refusal("") == refusal("  \n ") == "the file is empty"


def test_an_export_without_a_row_is_no_mistake() -> None:
    assert read("Date,Name,Year,Letterboxd URI,Rating\n", "ratings.csv").rows == []


@pytest.mark.parametrize(
    ("text", "out_of", "lowest", "halves"),
    [
        ("5", 5, 0, 10),
        ("0.5", 5, 0, 1),
        ("0", 5, 0, 0),
        ("4.50", 5, 0, 9),
        ("10", 10, 1, 10),
        ("1", 10, 1, 1),
        ("", 5, 0, None),
    ],
)
def test_stars_of_every_scale_are_half_stars(text: str, out_of: int, lowest: float, halves: int | None) -> None:
    assert half_stars(text, "Rating", out_of=out_of, lowest=lowest) == halves


def test_html_becomes_markdown_and_plain_text_stays() -> None:
    assert markdown_of("3 < 4 & 5 > 2, *really*") == "3 < 4 & 5 > 2, *really*"
    assert markdown_of("a<br>b<p>c</p>") == "a\nb\n\nc"
    assert markdown_of("<script>alert(1)</script>x<img src=y onerror=z>") == "x"
    assert markdown_of('<a href="javascript:alert(1)">x</a>') == "x"
    assert markdown_of("<blockquote>q</blockquote>a") == "> q\n\na"


def test_a_row_is_kept_word_for_word() -> None:
    for reading in (read(zipped(LETTERBOXD)), read(IMDB_RATINGS_2024, "ratings.csv"), read(trakt_zip())):
        for row in reading.rows:
            assert row_of(json.loads(json.dumps(document_of(row)))) == row
