"""The diary and statistics over the real server."""

from __future__ import annotations

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from cine.ratings.v1 import diary_pb2 as pb
from cine.ratings.v1 import events_pb2, ratings_pb2
from cinemesh.errors import Code, Reason

from .conftest import Mesh, MovableClock, refused, told

ADA, BOB = "ada", "bob"


async def note(mesh: Mesh, movie_id: int, watched_on: str = "", who: str = ADA, **more: Any) -> Any:
    request = pb.CreateDiaryEntryRequest(movie_id=movie_id, watched_on=watched_on, **more)
    return await mesh.diary.CreateDiaryEntry(request, metadata=mesh.by(who))


async def entries(mesh: Mesh, who: str = ADA, **query: Any) -> Any:
    return await mesh.diary.ListDiaryEntries(pb.ListDiaryEntriesRequest(**query), metadata=mesh.by(who))


async def update(mesh: Mesh, entry_id: str, who: str = ADA, mask: tuple[str, ...] = (), **fields: Any) -> Any:
    request = pb.UpdateDiaryEntryRequest(entry_id=entry_id, update_mask=FieldMask(paths=mask), **fields)
    return await mesh.diary.UpdateDiaryEntry(request, metadata=mesh.by(who))


async def test_an_entry_is_made_changed_and_removed(mesh: Mesh, clock: MovableClock) -> None:
    made = await note(mesh, 1, "2026-03-01", overall=4.5, notes=" Rain.\r\nWind. ", tags=["Cinema", "imax"])
    assert (made.movie_id, made.watched_on, made.rewatch, made.overall) == (1, "2026-03-01", False, 4.5)
    assert (made.notes, list(made.tags), made.movie.title) == ("Rain.\nWind.", ["cinema", "imax"], "The Matrix")
    clock.forward(hours=1)
    changed = await update(mesh, made.entry_id, watched_on="2026-03-02", rewatch=True, tags=["home"], etag=made.etag)
    assert (changed.watched_on, changed.rewatch, list(changed.tags), changed.overall) == (
        "2026-03-02",
        True,
        ["home"],
        4.5,
    )
    assert changed.created_at == made.created_at and changed.updated_at != made.updated_at
    emptied = await update(mesh, made.entry_id, mask=("overall", "notes", "tags", "rewatch"))
    assert not emptied.HasField("overall") and not emptied.rewatch
    assert (emptied.notes, list(emptied.tags), emptied.watched_on) == ("", [], "2026-03-02")
    assert (await update(mesh, made.entry_id, overall=0.0)).HasField("overall")
    failure = await refused(update(mesh, made.entry_id, rewatch=True, etag=made.etag))
    assert (failure.code, failure.reason) == (Code.ABORTED, Reason.ETAG_MISMATCH)
    assert (await refused(update(mesh, made.entry_id, mask=("watched_on",)))).violations[0][0] == "watched_on"
    assert (await refused(update(mesh, made.entry_id))).code is Code.INVALID_ARGUMENT
    delete = pb.DeleteDiaryEntryRequest(entry_id=made.entry_id)
    await mesh.diary.DeleteDiaryEntry(delete, metadata=mesh.by(ADA))
    assert (await refused(mesh.diary.DeleteDiaryEntry(delete, metadata=mesh.by(ADA)))).code is Code.NOT_FOUND
    events = await told(mesh.app.database)
    assert [event.added for event in events if isinstance(event, events_pb2.DiaryEntryChanged)] == [
        True,
        False,
        False,
        False,
    ]
    assert isinstance(events[-1], events_pb2.DiaryEntryDeleted)
    assert "Rain" not in str(events)  # notes are for oneself


async def test_a_diary_is_seen_by_its_owner_alone(mesh: Mesh) -> None:
    made = await note(mesh, 1)
    for who in (BOB, "boss"):
        assert (await refused(update(mesh, made.entry_id, who, rewatch=True))).code is Code.NOT_FOUND
        delete = pb.DeleteDiaryEntryRequest(entry_id=made.entry_id)
        assert (await refused(mesh.diary.DeleteDiaryEntry(delete, metadata=mesh.by(who)))).code is Code.NOT_FOUND
        assert (await entries(mesh, who)).total_size == 0
    assert (await entries(mesh)).total_size == 1


async def test_what_cannot_be_is_refused_by_name(mesh: Mesh) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "watched_on": {"watched_on": "2026-02-30"},
        "tags[0]": {"tags": [" "]},
        "notes": {"notes": "bell\x07"},
        "overall": {"overall": 2.2},
    }
    for field, values in wrong.items():
        failure = await refused(note(mesh, 1, **values))
        assert failure.code is Code.INVALID_ARGUMENT and failure.violations[0][0] == field, failure
    assert (await refused(note(mesh, 1, "2026-03-16"))).violations[0][0] == "watched_on"
    assert (await refused(note(mesh, 1, rate=True))).code is Code.INVALID_ARGUMENT
    assert (await refused(note(mesh, 77))).reason is Reason.MOVIE_NOT_FOUND


async def test_what_somebody_thought_becomes_their_rating_when_they_say_so(mesh: Mesh) -> None:
    await mesh.ratings.RateMovie(ratings_pb2.RateMovieRequest(movie_id=1, overall=1.0, plot=5.0), metadata=mesh.by(ADA))
    await note(mesh, 1, overall=3.0)
    mine = ratings_pb2.GetMyRatingRequest(movie_id=1)
    assert (await mesh.ratings.GetMyRating(mine, metadata=mesh.by(ADA))).overall == 1.0
    await note(mesh, 1, overall=4.0, rate=True)
    rating = await mesh.ratings.GetMyRating(mine, metadata=mesh.by(ADA))
    assert (rating.overall, rating.plot) == (4.0, 5.0)  # the plot was not spoken of
    found = await mesh.ratings.GetMovieRatings(ratings_pb2.GetMovieRatingsRequest(movie_id=1))
    assert (found.watch_count, found.rating_count, found.average_rating) == (2, 1, 4.0)


async def test_the_diary_notices_what_was_seen_before(mesh: Mesh) -> None:
    assert not (await note(mesh, 1, "2026-02-02")).rewatch
    assert (await note(mesh, 1, "2026-03-03")).rewatch
    assert not (await note(mesh, 1, "2025-01-01")).rewatch
    assert (await note(mesh, 2, "2025-01-01", rewatch=True)).rewatch
    assert not (await note(mesh, 1, "2026-03-03", who=BOB)).rewatch


async def test_entries_are_listed_by_day_film_and_label(mesh: Mesh) -> None:
    for movie_id, day, tags in (
        (1, "2026-03-01", ["cinema"]),
        (2, "2026-03-02", ["home", "été"]),
        (1, "2025-12-31", ["Cinema", 'a "b"']),
        (3, "2026-01-01", []),
        (2, "2026-03-02", ["cinematheque"]),
    ):
        await note(mesh, movie_id, day, tags=tags)

    async def days(**query: Any) -> list[tuple[int, str]]:
        page = await entries(mesh, **query)
        assert page.total_size == len(page.entries)
        return [(one.movie_id, one.watched_on) for one in page.entries]

    assert await days() == [
        (2, "2026-03-02"),
        (2, "2026-03-02"),
        (1, "2026-03-01"),
        (3, "2026-01-01"),
        (1, "2025-12-31"),
    ]
    assert await days(year=2025) == [(1, "2025-12-31")]
    assert await days(year=2026, movie_id=1) == [(1, "2026-03-01")]
    assert await days(tag=" CINEMA ") == [(1, "2026-03-01"), (1, "2025-12-31")]
    assert await days(tag="été") == [(2, "2026-03-02")] and await days(tag='a "b"') == [(1, "2025-12-31")]
    seen: list[str] = []
    token = ""
    while True:
        page = await entries(mesh, page_size=2, page_token=token)
        assert page.total_size == 5
        seen += [one.entry_id for one in page.entries]
        token = page.next_page_token
        if not token:
            break
    assert seen == [one.entry_id for one in (await entries(mesh)).entries] and len(set(seen)) == 5
    assert (await entries(mesh)).entries[0].movie.title == "The Matrix Reloaded"


async def test_a_request_id_makes_one_entry(mesh: Mesh) -> None:
    first = await note(mesh, 1, "2026-03-01", request_id="d-1", overall=2.0, rate=True)
    again = await note(mesh, 1, "2026-03-01", request_id="d-1", overall=2.0, rate=True)
    assert again.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
    assert (await entries(mesh)).total_size == 1
    assert (await refused(note(mesh, 1, "2026-03-02", request_id="d-1"))).reason is Reason.REQUEST_ID_REUSED
    failure = await refused(note(mesh, 77, request_id="d-2"))
    assert failure.reason is Reason.MOVIE_NOT_FOUND
    assert (await note(mesh, 1, request_id="d-2")).movie_id == 1  # what failed used no name up


async def test_a_year_in_film(mesh: Mesh, clock: MovableClock) -> None:
    await note(mesh, 1, "2026-01-31", overall=4.0, rate=True)
    await note(mesh, 1, "2026-02-01")
    await note(mesh, 3, "2026-02-02", overall=5.0, rate=True)
    await note(mesh, 3, "2025-02-02")
    await note(mesh, 2, "2026-02-02", who=BOB)

    async def year(wanted: int) -> Any:
        request = ratings_pb2.GetMyStatisticsRequest(year=wanted)
        return await mesh.ratings.GetMyStatistics(request, metadata=mesh.by(ADA))

    found = await year(2026)
    assert (found.year, found.watch_count, found.movie_count, found.rewatch_count) == (2026, 3, 2, 1)
    assert (found.minutes_watched, found.rating_count, found.average_rating) == (136 * 2 + 122, 2, 4.5)
    assert list(found.histogram) == [0] * 8 + [1, 0, 1]
    assert [(one.name, one.watch_count) for one in found.by_period][:3] == [
        ("2026-01", 1),
        ("2026-02", 2),
        ("2026-03", 0),
    ]
    assert found.by_period[2].rating_count == 2 and len(found.by_period) == 12
    assert [(one.name, one.watch_count) for one in found.by_genre][:2] == [("Action", 2), ("Sci-Fi", 2)]
    assert [one.name for one in found.by_decade] == ["1990", "2000"]
    assert found.by_director[0].name == "Lana Wachowski"
    assert {one.name for one in found.by_country} == {"US", "FR", "DE"}
    assert [(one.movie_id, one.movie.title) for one in found.highest_rated] == [(3, "Amélie"), (1, "The Matrix")]
    assert (found.longest_streak_days, list(found.years_available)) == (3, [2026, 2025])
    assert found.review_count == 0
    everything = await year(0)
    assert (everything.watch_count, [one.name for one in everything.by_period]) == (4, ["2025", "2026"])
    assert (await year(1999)).watch_count == 0
    assert (await year(2025)).watch_count == 1
