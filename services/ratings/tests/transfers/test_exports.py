"""Exports: what goes out comes in again word for word, in the forms that say everything."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cine.ratings.v1 import diary_pb2, reviews_pb2
from cine_ratings.domain.diary import DiaryEntry
from cine_ratings.domain.rating import Rating, Score
from cine_ratings.domain.transfers import for_letterboxd, own
from cine_ratings.domain.transfers.own import FilmFacts
from cine_ratings.domain.transfers.rows import Kind, Source
from cine_ratings.domain.transfers.tables import read_table

from .conftest import ADA, BOB, NOW, TODAY, Mesh
from .test_reading_files import read

FILM = FilmFacts(1, "The Matrix", 1999, "tt0133093", 603)


async def fill(mesh: Mesh) -> None:
    """Gives Ada a history with everything in it."""
    await mesh.rate(1, 4.5, plot=4.0, soundtrack=0.0)
    await mesh.rate(3, 0.0)
    await mesh.rate(7, 5.0, acting=2.5, cinematography=5.0, plot=0.5)
    for number, (movie_id, day) in enumerate(
        [(1, "2026-01-01"), (3, "2026-01-01"), (1, "2026-01-03"), (1, "2026-01-03")]
    ):
        request = diary_pb2.CreateDiaryEntryRequest(
            movie_id=movie_id,
            watched_on=day,
            notes=["", "=1+1", "- a\n\t'b\" ; c, d", "'quoted"][number],
            tags=["home", "a b"][:number],
        )
        if number:
            request.overall = 0.5 * number
        await mesh.diary.CreateDiaryEntry(request, metadata=mesh.by(ADA))
    text = '# Five \u200f stars\n\n* really, **really**\n* "good" <b>not HTML</b> &amp; é'
    review = reviews_pb2.CreateReviewRequest(movie_id=7, body_markdown=text, title="=Ugly", contains_spoilers=True)
    await mesh.reviews.CreateReview(review, metadata=mesh.by(ADA))


def _told(document: bytes) -> Any:
    told = json.loads(document)
    assert told.pop("exported_at") == "2026-03-14T15:09:26Z"
    return told


async def test_json_comes_in_again_word_for_word(any_mesh: Mesh) -> None:
    mesh = any_mesh
    await fill(mesh)
    document = await mesh.export()
    made = await mesh.upload(document, "history.json", who=BOB)
    assert (made.source, made.rows_total, made.rows_matched) == ("cine", 8, 8)
    await mesh.confirm(made.import_id, BOB, skip=False)
    again = await mesh.export(who=BOB)
    assert _told(again) == _told(document)
    assert len(_told(document)["diary"]) == 4 and _told(document)["reviews"][0]["title"] == "=Ugly"
    # and to whom it came from it says nothing new
    mine = await mesh.upload(document, "history.json")
    assert (mine.rows_matched, mine.rows_unchanged) == (0, 8)


async def test_csv_comes_in_again_word_for_word(any_mesh: Mesh) -> None:
    mesh = any_mesh
    await fill(mesh)
    table = await mesh.export("csv")
    made = await mesh.upload(table, "history.csv", who=BOB)
    assert (made.source, made.rows_total, made.rows_matched) == ("cine", 7, 7)
    await mesh.confirm(made.import_id, BOB, skip=False)
    assert await mesh.export("csv", BOB) == table
    mine = await mesh.upload(table, "history.csv")
    assert (mine.rows_matched, mine.rows_unchanged) == (0, 7)


async def test_letterboxds_form_is_what_letterboxd_reads(any_mesh: Mesh) -> None:
    mesh = any_mesh
    await fill(mesh)
    table = (await mesh.export("letterboxd")).decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert list(rows[0]) == ["tmdbID", "imdbID", "Title", "Year", "Rating", "WatchedDate", "Rewatch", "Tags", "Review"]
    assert rows[0] == {
        **{"tmdbID": "603", "imdbID": "tt0133093", "Title": "The Matrix", "Year": "1999", "Rating": ""},
        **{"WatchedDate": "2026-01-01", "Rewatch": "false", "Tags": "", "Review": ""},
    }
    by_title = {row["Title"]: row for row in rows if not row["WatchedDate"]}
    assert by_title["Amélie"]["Rating"] == "0.5", "Letterboxd has no lower one"
    assert by_title["The Good, the Bad and the Ugly"]["Review"].startswith(" =Ugly\n\n# Five")
    reading = read(table, "letterboxd.csv")
    assert reading.source is Source.LETTERBOXD
    kinds = [row.kind for row in reading.rows]
    assert [kinds.count(kind) for kind in (Kind.WATCH, Kind.REVIEW, Kind.RATING)] == [4, 1, 2]


async def test_a_history_without_anything_is_a_whole_file(mesh: Mesh) -> None:
    assert _told(await mesh.export()) == {"format": "cine-history/1", "ratings": [], "diary": [], "reviews": []}
    assert (await mesh.export("csv")).decode() == ",".join(own.COLUMNS) + "\r\n"
    assert len((await mesh.export("letterboxd")).splitlines()) == 1


async def test_a_long_history_comes_in_pieces_and_whole(mesh: Mesh) -> None:
    text = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n" + "".join(
        f"2024-01-05,The Matrix,1999,x,,,tag{number},{dt.date(2020, 1, 1) + dt.timedelta(days=number)}\n"
        for number in range(900)
    )
    made = await mesh.upload(text, "diary.csv")
    await mesh.confirm(made.import_id)
    told = _told(await mesh.export())
    assert [entry["watched_on"] for entry in told["diary"]] == sorted(entry["watched_on"] for entry in told["diary"])
    assert len({entry["tags"][0] for entry in told["diary"]}) == 900


@given(st.text())
def test_no_cell_is_a_formula_and_every_cell_comes_back(cell: str) -> None:
    safe = own.as_text(cell)
    assert not safe or safe[0] not in "=+-@\t\r"
    assert own.from_text(safe) == cell


_TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn", "Zs"), codec="utf-8"), max_size=30
)


@given(
    st.integers(0, 10),
    st.none() | st.integers(0, 10),
    st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2026, 1, 1), timezones=st.just(dt.UTC)),
)
def test_a_rating_is_read_as_it_was_written(overall: int, plot: int | None, moment: dt.datetime) -> None:
    rating = Rating("r", ADA, 1, Score(overall, plot=plot), moment, moment, 3)
    (row,) = own.read_document({"ratings": [json.loads(json.dumps(own.rating_document(rating, FILM)))]}, TODAY)
    line = own.csv_line(own.COLUMNS) + own.csv_line(own.table_row(rating, FILM))
    (cells,) = own.read_table_rows(read_table(line, "x"), TODAY)
    for found in (row, cells):
        assert (found.problem, found.kind, found.overall, found.plot, found.at) == (
            "",
            Kind.RATING,
            overall,
            plot,
            moment,
        )
        assert (found.movie_id, found.title, found.year, found.imdb_id, found.tmdb_id) == (
            1,
            "The Matrix",
            1999,
            "tt0133093",
            603,
        )


@given(
    _TEXT,
    st.lists(_TEXT.map(str.lower).filter(bool), max_size=3, unique=True),
    st.booleans(),
    st.none() | st.integers(0, 10),
)
def test_a_diary_entry_is_read_as_it_was_written(
    notes: str, tags: list[str], rewatch: bool, overall: int | None
) -> None:
    import unicodedata

    notes = unicodedata.normalize("NFC", notes)
    tags = list(dict.fromkeys(unicodedata.normalize("NFC", tag).lower() for tag in tags))
    tags = [tag for tag in tags if unicodedata.normalize("NFC", tag).lower() == tag]
    entry = DiaryEntry("e", ADA, 1, dt.date(2026, 1, 2), rewatch, overall, notes, tuple(tags), NOW, NOW, 1)
    (row,) = own.read_document({"diary": [json.loads(json.dumps(own.diary_document(entry, FILM)))]}, TODAY)
    line = own.csv_line(own.COLUMNS) + own.csv_line(own.table_row(entry, FILM))
    (cells,) = own.read_table_rows(read_table(line, "x"), TODAY)
    for found in (row, cells):
        assert (found.problem, found.watched_on, found.rewatch, found.overall) == (
            "",
            dt.date(2026, 1, 2),
            rewatch,
            overall,
        )
        assert (found.notes, found.tags) == (notes, tuple(tags))


def test_tags_with_commas_do_not_become_two_at_letterboxd() -> None:
    entry = DiaryEntry("e", ADA, 1, dt.date(2026, 1, 2), False, None, "", ("a, b", "c"), NOW, NOW, 1)
    assert for_letterboxd.watching(entry, FILM)[7] == "a  b, c"
