"""Imports over the real server: what a person sees and does, on both stores."""

from __future__ import annotations

import json

from cine.ratings.v1 import diary_pb2, events_pb2, ratings_pb2, reviews_pb2
from cine.ratings.v1 import transfers_pb2 as pb
from cinemesh.errors import Code, Reason

from .acts import DIARY, HEADER, RATINGS, entries, get, resolve, written
from .conftest import ADA, BOB, Mesh, refused, told
from .files import IMDB_RATINGS_2024, LETTERBOXD, MATRIX, trakt_zip, zipped


async def test_a_file_is_matched_confirmed_and_undone(any_mesh: Mesh) -> None:
    mesh = any_mesh
    await mesh.rate(3, 2.0, plot=1.5)
    made = await mesh.upload(RATINGS, "ratings.csv")
    assert (made.state, made.source, made.file_name, made.rows_total) == ("ready", "letterboxd", "ratings.csv", 6)
    counts = (made.rows_matched, made.rows_ambiguous, made.rows_unknown, made.rows_invalid, made.rows_unchanged)
    assert counts == (4, 0, 1, 1, 0)
    rows = await mesh.rows(made.import_id, size=4)
    assert [row.movie_id for row in rows] == [1, 3, 5, 0, 8, 0]
    assert [row.row_number for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[5].problem == "Rating is not a rating of 0 to 5 in halves"
    assert await mesh.rated() == {3: 2.0}  # nothing changes before it is confirmed
    failure = await refused(mesh.confirm(made.import_id, skip=False))
    assert failure.code is Code.FAILED_PRECONDITION and "1 unknown" in failure.message
    done = await mesh.confirm(made.import_id)
    assert (done.state, done.rows_applied) == ("done", 4)
    assert await mesh.rated() == {1: 4.5, 3: 5.0, 5: 3.0, 8: 3.5}
    amelie = await mesh.ratings.GetMyRating(ratings_pb2.GetMyRatingRequest(movie_id=3), metadata=mesh.by(ADA))
    assert amelie.plot == 1.5, "the file says nothing of plots"
    assert amelie.updated_at.ToDatetime().date().isoformat() == "2024-01-06"
    assert all(row.applied for row in await mesh.rows(made.import_id, "matched"))
    undone = await mesh.rollback(made.import_id)
    assert (undone.state, undone.rows_applied) == ("rolled_back", 0)
    assert await mesh.rated() == {3: 2.0}
    assert not any(row.applied for row in await mesh.rows(made.import_id))


async def test_a_whole_export_goes_where_it_belongs(any_mesh: Mesh) -> None:
    mesh = any_mesh
    made = await mesh.upload(zipped(LETTERBOXD), "letterboxd-ada.zip")
    assert (made.state, made.rows_total, made.rows_matched) == ("ready", 10, 10)
    done = await mesh.confirm(made.import_id, skip=False)
    assert (done.state, done.rows_applied) == ("done", 10)
    assert await mesh.rated() == {1: 4.5, 3: 5.0}
    assert await entries(mesh) == [
        (1, "2023-05-01", True, ["cinema", "with bob"]),
        (6, "2023-04-30", False, []),
        (8, "2020-01-02", False, ["undated"]),
    ]
    assert await written(mesh) == {1: "There is *no* spoon.\n\n**Really** & [see](https://example.org/x)"}
    assert mesh.watchlist.held == [
        (10, ""),
        (3, "Liked on Letterboxd"),
        (1, "Best of 2022"),
        (7, "Best of 2022"),
    ]
    await mesh.rollback(made.import_id)
    assert (await mesh.rated(), await entries(mesh), await written(mesh), mesh.watchlist.held) == ({}, [], {}, [])


async def test_the_same_file_again_changes_nothing(any_mesh: Mesh) -> None:
    mesh = any_mesh
    files = {name: text for name, text in LETTERBOXD.items() if "list" not in name and "likes" not in name}
    for text in (zipped(files), IMDB_RATINGS_2024, trakt_zip()):
        first = await mesh.upload(text, "ratings.csv")
        await mesh.confirm(first.import_id)
        before = (await mesh.rated(), await entries(mesh), await written(mesh))
        events = len(await told(mesh.app.database))
        again = await mesh.upload(text, "ratings.csv")
        elsewhere = [row for row in await mesh.rows(again.import_id) if row.kind in ("watchlist", "list_item")]
        assert again.rows_matched == len(elsewhere)
        assert again.rows_unchanged == first.rows_matched + first.rows_unchanged - len(elsewhere)
        await mesh.confirm(again.import_id)
        assert (await mesh.rated(), await entries(mesh), await written(mesh)) == before
        assert len(await told(mesh.app.database)) == events + 1, "that the import was applied, and nothing else"
        undone = await mesh.rollback(again.import_id)
        assert undone.state == "rolled_back"
        assert (await mesh.rated(), await entries(mesh), await written(mesh)) == before, "it had changed nothing"


async def test_what_was_changed_since_stays(any_mesh: Mesh) -> None:
    mesh = any_mesh
    await mesh.rate(3, 2.0)
    made = await mesh.upload(zipped(LETTERBOXD))
    await mesh.confirm(made.import_id)
    await mesh.rate(1, 1.0)
    answer = await mesh.diary.ListDiaryEntries(diary_pb2.ListDiaryEntriesRequest(movie_id=6), metadata=mesh.by(ADA))
    await mesh.diary.UpdateDiaryEntry(
        diary_pb2.UpdateDiaryEntryRequest(entry_id=answer.entries[0].entry_id, tags=["mine"]), metadata=mesh.by(ADA)
    )
    undone = await mesh.rollback(made.import_id)
    assert await mesh.rated() == {1: 1.0, 3: 2.0}
    assert await entries(mesh) == [(6, "2023-04-30", False, ["mine"])]
    staying = [row.title for row in await mesh.rows(made.import_id) if row.applied]
    assert staying == ["The Matrix", "Cléo from 5 to 7"] and undone.rows_applied == 2


async def test_a_rating_taken_back_and_given_again_is_not_the_imports_any_more(mesh: Mesh) -> None:
    made = await mesh.upload(HEADER + "2024-01-05,The Matrix,1999,x,4.5\n")
    await mesh.confirm(made.import_id)
    mine = await mesh.ratings.GetMyRating(ratings_pb2.GetMyRatingRequest(movie_id=1), metadata=mesh.by(ADA))
    delete = ratings_pb2.DeleteRatingRequest(rating_id=mine.rating_id)
    await mesh.ratings.DeleteRating(delete, metadata=mesh.by(ADA))
    await mesh.rate(1, 4.5)
    await mesh.rollback(made.import_id)
    assert await mesh.rated() == {1: 4.5}


async def test_a_row_is_told_what_it_means(any_mesh: Mesh) -> None:
    mesh = any_mesh
    text = HEADER + (
        "2024-01-05,Hjem,2014,x,4\n2024-01-06,Home,,x,3\n2024-01-07,Hjem,2014,x,2\n2024-01-08,The Matrix,1999,x,5\n"
    )
    made = await mesh.upload(text, "ratings.csv")
    first, second, _, fourth = await mesh.rows(made.import_id)
    assert (first.outcome, second.outcome, fourth.outcome) == ("unknown", "ambiguous", "matched")
    assert [(one.movie_id, one.title, one.year) for one in second.candidates] == [(4, "Home", 2015), (5, "Home", 2016)]
    # rows that say the same mean the same; the later one has the last word
    row = await resolve(mesh, made.import_id, 1, 4)
    assert (row.outcome, row.movie_id, row.problem) == ("skipped", 4, "row 3 has the last word on this film")
    assert [row.outcome for row in await mesh.rows(made.import_id)] == ["skipped", "ambiguous", "matched", "matched"]
    # left out, it hands the film back to the row before it
    await resolve(mesh, made.import_id, 3, 0)
    assert [row.outcome for row in await mesh.rows(made.import_id)] == ["matched", "ambiguous", "skipped", "matched"]
    row = await resolve(mesh, made.import_id, 2, 5)
    assert (row.outcome, row.confidence, len(row.candidates)) == ("matched", 1.0, 2)
    # a row that was matched can be told otherwise
    assert (await resolve(mesh, made.import_id, 4, 2)).movie_id == 2
    found = await get(mesh, made.import_id)
    assert (found.rows_matched, found.rows_ambiguous, found.rows_unknown) == (3, 0, 0)
    await mesh.confirm(made.import_id, skip=False)
    assert await mesh.rated() == {4: 4.0, 5: 3.0, 2: 5.0}
    failure = await refused(resolve(mesh, made.import_id, 1, 1))
    assert failure.code is Code.FAILED_PRECONDITION and "done" in failure.message


async def test_a_row_resolved_to_what_is_there_is_unchanged(mesh: Mesh) -> None:
    await mesh.rate(4, 4.0)
    made = await mesh.upload(HEADER + "2024-01-05,Hjem,2014,x,4\n")
    assert (await resolve(mesh, made.import_id, 1, 4)).outcome == "unchanged"
    assert (await get(mesh, made.import_id)).rows_unchanged == 1


async def test_what_cannot_be_resolved_is_refused(mesh: Mesh) -> None:
    made = await mesh.upload(RATINGS, "ratings.csv")
    failure = await refused(resolve(mesh, made.import_id, 1, 4711))
    assert (failure.code, failure.reason) == (Code.NOT_FOUND, Reason.MOVIE_NOT_FOUND)
    failure = await refused(resolve(mesh, made.import_id, 99, 1))
    assert (failure.code, failure.violations[0][0]) == (Code.NOT_FOUND, "row_number")
    failure = await refused(resolve(mesh, made.import_id, 6, 1))
    assert failure.code is Code.FAILED_PRECONDITION and "cannot be read" in failure.message
    failure = await refused(mesh.rollback(made.import_id))
    assert failure.code is Code.FAILED_PRECONDITION and "nothing to undo" in failure.message


async def test_imports_are_seen_by_their_owner_alone(mesh: Mesh) -> None:
    made = await mesh.upload(RATINGS, "ratings.csv")
    for who in (BOB, "boss"):
        for call in (
            get(mesh, made.import_id, who),
            mesh.rows(made.import_id, who=who),
            resolve(mesh, made.import_id, 1, 1, who),
            mesh.confirm(made.import_id, who),
            mesh.rollback(made.import_id, who),
            mesh.settled(made.import_id, who),
        ):
            assert (await refused(call)).code is Code.NOT_FOUND
        mine = await mesh.transfers.ListImports(pb.ListImportsRequest(), metadata=mesh.by(who))
        assert (mine.total_size, len(mine.imports)) == (0, 0)
    assert (await refused(get(mesh, "nothing"))).code is Code.NOT_FOUND
    assert (await refused(get(mesh, "a\x00b"))).code is Code.NOT_FOUND
    assert (await get(mesh, made.import_id)).state == "ready"


async def test_imports_are_listed_newest_first_in_pages(any_mesh: Mesh) -> None:
    mesh = any_mesh
    names = [f"file {number}" for number in range(5)]
    for name in names:
        await mesh.upload(RATINGS, name)
    seen: list[str] = []
    token = ""
    while True:
        request = pb.ListImportsRequest(page_size=2, page_token=token)
        page = await mesh.transfers.ListImports(request, metadata=mesh.by(ADA))
        assert page.total_size == 5
        seen += [one.file_name for one in page.imports]
        token = page.next_page_token
        if not token:
            break
    assert seen == names[::-1]
    other = pb.ListImportsRequest(page_size=2, page_token="x")
    assert (await refused(mesh.transfers.ListImports(other, metadata=mesh.by(ADA)))).reason is Reason.INVALID_PAGE_TOKEN


async def test_of_imports_that_wait_only_the_newest_stay(mesh: Mesh) -> None:
    first = await mesh.upload(RATINGS, "first")
    for number in range(5):
        await mesh.upload(RATINGS, f"file {number}")
    assert (await refused(get(mesh, first.import_id))).code is Code.NOT_FOUND
    mine = await mesh.transfers.ListImports(pb.ListImportsRequest(), metadata=mesh.by(ADA))
    assert mine.total_size == 5


async def test_events_tell_of_every_change(mesh: Mesh) -> None:
    made = await mesh.upload(zipped(LETTERBOXD))
    await mesh.confirm(made.import_id)
    events = await told(mesh.app.database)
    kinds = [type(event).__name__ for event in events]
    assert sorted(kinds[:-1]) == ["DiaryEntryChanged"] * 3 + ["RatingChanged"] * 2 + ["ReviewChanged"]
    applied = events[-1]
    assert isinstance(applied, events_pb2.ImportApplied)
    assert (applied.import_id, applied.user_id, applied.rows_applied) == (made.import_id, ADA, 10)
    (rated,) = [one for one in events if isinstance(one, events_pb2.RatingChanged) and one.movie_id == 1]
    assert rated.rated_at.ToDatetime().date().isoformat() == "2023-05-01"
    await mesh.rollback(made.import_id)
    kinds = [type(event).__name__ for event in (await told(mesh.app.database))[len(events) :]]
    assert sorted(kinds[:-1]) == ["DiaryEntryDeleted"] * 3 + ["RatingDeleted"] * 2 + ["ReviewDeleted"]
    assert kinds[-1] == "ImportRolledBack"


async def test_a_film_watched_twice_on_one_day_is_two_watchings(any_mesh: Mesh) -> None:
    mesh = any_mesh
    await mesh.diary.CreateDiaryEntry(
        diary_pb2.CreateDiaryEntryRequest(movie_id=1, watched_on="2023-05-01", notes="mine"), metadata=mesh.by(ADA)
    )
    text = DIARY + "2023-05-01,The Matrix,1999,x,,,,2023-05-01\n2023-05-01,The Matrix,1999,x,,,late,2023-05-01\n"
    made = await mesh.upload(text, "diary.csv")
    assert [row.outcome for row in await mesh.rows(made.import_id)] == ["unchanged", "matched"]
    await mesh.confirm(made.import_id)
    assert await entries(mesh) == [(1, "2023-05-01", False, []), (1, "2023-05-01", True, ["late"])]
    again = await mesh.upload(text, "diary.csv")
    assert again.rows_unchanged == 2
    await mesh.rollback(made.import_id)
    assert await entries(mesh) == [(1, "2023-05-01", False, [])]


async def test_a_diary_entry_that_says_less_is_filled_in_and_given_back(any_mesh: Mesh) -> None:
    mesh = any_mesh
    await mesh.diary.CreateDiaryEntry(
        diary_pb2.CreateDiaryEntryRequest(movie_id=1, watched_on="2023-05-01", notes="mine"), metadata=mesh.by(ADA)
    )
    made = await mesh.upload(DIARY + "2023-05-01,The Matrix,1999,x,4,Yes,cinema,2023-05-01\n", "diary.csv")
    await mesh.confirm(made.import_id)
    request = diary_pb2.ListDiaryEntriesRequest()
    (entry,) = (await mesh.diary.ListDiaryEntries(request, metadata=mesh.by(ADA))).entries
    assert (entry.overall, entry.rewatch, list(entry.tags), entry.notes) == (4.0, True, ["cinema"], "mine")
    assert await mesh.rated() == {1: 4.0}, "a diary without ratings beside it brings them, too"
    await mesh.rollback(made.import_id)
    (entry,) = (await mesh.diary.ListDiaryEntries(request, metadata=mesh.by(ADA))).entries
    assert (entry.HasField("overall"), entry.rewatch, list(entry.tags), entry.notes) == (False, False, [], "mine")
    assert await mesh.rated() == {}


async def test_a_review_is_edited_and_given_back(any_mesh: Mesh) -> None:
    mesh = any_mesh
    create = reviews_pb2.CreateReviewRequest(movie_id=1, body_markdown="Old.", title="Mine", contains_spoilers=True)
    await mesh.reviews.CreateReview(create, metadata=mesh.by(ADA))
    made = await mesh.upload(
        zipped({"reviews.csv": LETTERBOXD["reviews.csv"], "diary.csv": DIARY, "ratings.csv": HEADER})
    )
    assert made.rows_matched == 1
    await mesh.confirm(made.import_id)
    request = reviews_pb2.ListMyReviewsRequest()
    (review,) = (await mesh.reviews.ListMyReviews(request, metadata=mesh.by(ADA))).reviews
    assert (review.title, review.contains_spoilers, review.revision) == ("Mine", True, 2)
    assert review.body_markdown.startswith("There is *no* spoon")
    await mesh.rollback(made.import_id)
    (review,) = (await mesh.reviews.ListMyReviews(request, metadata=mesh.by(ADA))).reviews
    assert (review.title, review.body_markdown, review.contains_spoilers) == ("Mine", "Old.", True)


async def test_a_review_that_would_show_nothing_is_told_beforehand(mesh: Mesh) -> None:
    text = (
        "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n"
        "2023-05-03,The Matrix,1999,x,,,![](https://example.org/x.png),,\n"
        '2023-05-03,Amélie,2001,x,,,"<script>alert(1)</script><img src=x onerror=alert(1)> good",,\n'
    )
    made = await mesh.upload(text, "reviews.csv")
    first, second = await mesh.rows(made.import_id)
    assert first.outcome == "invalid" and "must say something" in first.problem
    await mesh.confirm(made.import_id)
    answer = await mesh.reviews.ListMyReviews(reviews_pb2.ListMyReviewsRequest(), metadata=mesh.by(ADA))
    assert [review.body_html for review in answer.reviews] == ["<p>good</p>"]
    assert second.outcome == "matched"


async def test_series_and_episodes_are_left_out(mesh: Mesh) -> None:
    made = await mesh.upload(IMDB_RATINGS_2024, "ratings.csv")
    rows = await mesh.rows(made.import_id)
    assert [(row.outcome, row.movie_id) for row in rows] == [("matched", 1), ("skipped", 0), ("matched", 3)]
    assert rows[1].problem == "Title Type is TV Series: not a film"
    assert (await mesh.confirm(made.import_id, skip=False)).rows_applied == 2, "they hold nothing up"


async def test_an_entry_of_trakt_is_matched_by_its_ids(mesh: Mesh) -> None:
    odd = {**MATRIX, "title": "Matriks", "year": 2050}
    made = await mesh.upload(json.dumps([{"rated_at": "2021-03-04T20:15:00Z", "rating": 9, "movie": odd}]))
    (row,) = await mesh.rows(made.import_id)
    assert (made.source, row.movie_id, row.confidence, row.overall) == ("trakt", 1, 1.0, 4.5)
