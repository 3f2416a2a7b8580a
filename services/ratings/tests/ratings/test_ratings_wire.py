"""Ratings over the real server, between stand-ins of the catalogue and Identity."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from cine.ratings.v1 import diary_pb2, events_pb2
from cine.ratings.v1 import ratings_pb2 as pb
from cinemesh.errors import Code, NotFound, Reason
from cinemesh.testing.catalogue import film

from .conftest import Mesh, MovableClock, eventually, refused, told

ADA, BOB = "ada", "bob"


async def rate(mesh: Mesh, who: str, movie_id: int, overall: float, **more: Any) -> Any:
    return await mesh.ratings.RateMovie(
        pb.RateMovieRequest(movie_id=movie_id, overall=overall, **more), metadata=mesh.by(who)
    )


async def mine(mesh: Mesh, who: str = ADA, **query: Any) -> Any:
    return await mesh.ratings.ListMyRatings(pb.ListMyRatingsRequest(**query), metadata=mesh.by(who))


async def summary(mesh: Mesh, movie_id: int) -> Any:
    return await mesh.ratings.GetMovieRatings(pb.GetMovieRatingsRequest(movie_id=movie_id))


async def test_a_film_is_rated_and_rated_anew(mesh: Mesh, clock: MovableClock) -> None:
    first = await rate(mesh, ADA, 1, 4.5, plot=3.0, soundtrack=0.0)
    assert (first.movie_id, first.overall, first.plot, first.soundtrack) == (1, 4.5, 3.0, 0.0)
    assert first.HasField("soundtrack") and not first.HasField("acting")
    assert first.movie.title == "The Matrix" and first.created_at == first.updated_at
    clock.forward(days=1)
    second = await rate(mesh, ADA, 1, 2.0)
    assert (second.rating_id, second.created_at) == (first.rating_id, first.created_at)
    assert second.etag != first.etag and second.updated_at != first.updated_at
    assert not second.HasField("plot")  # the whole rating is replaced
    found = await mesh.ratings.GetMyRating(pb.GetMyRatingRequest(movie_id=1), metadata=mesh.by(ADA))
    assert found.SerializeToString() == second.SerializeToString()
    assert (
        await refused(mesh.ratings.GetMyRating(pb.GetMyRatingRequest(movie_id=1), metadata=mesh.by(BOB)))
    ).code is Code.NOT_FOUND
    changed = [event for event in await told(mesh.app.database) if isinstance(event, events_pb2.RatingChanged)]
    assert [(event.user_id, event.movie_id, event.overall) for event in changed] == [(ADA, 1, 4.5), (ADA, 1, 2.0)]
    assert not changed[0].HasField("previous_overall") and changed[1].previous_overall == 4.5
    assert changed[0].plot == 3.0 and not changed[1].HasField("plot")


async def test_what_is_no_rating_is_refused(mesh: Mesh) -> None:
    for field, request in {
        "overall": pb.RateMovieRequest(movie_id=1),
        "plot": pb.RateMovieRequest(movie_id=1, overall=3.0, plot=2.25),
        "movie_id": pb.RateMovieRequest(movie_id=0, overall=3.0),
    }.items():
        failure = await refused(mesh.ratings.RateMovie(request, metadata=mesh.by(ADA)))
        assert failure.code is Code.INVALID_ARGUMENT and failure.violations[0][0] == field
    failure = await refused(rate(mesh, ADA, 77, 3.0))
    assert (failure.code, failure.reason) == (Code.NOT_FOUND, Reason.MOVIE_NOT_FOUND)
    assert (await refused(rate(mesh, "", 1, 3.0))).code is Code.UNAUTHENTICATED
    assert await told(mesh.app.database) == []


async def test_an_etag_lets_only_the_first_of_two_change_a_rating(mesh: Mesh) -> None:
    first = await rate(mesh, ADA, 1, 4.0)
    assert (await rate(mesh, ADA, 1, 3.0, etag=first.etag)).overall == 3.0
    failure = await refused(rate(mesh, ADA, 1, 2.0, etag=first.etag))
    assert (failure.code, failure.reason) == (Code.ABORTED, Reason.ETAG_MISMATCH)
    delete = pb.DeleteRatingRequest(rating_id=first.rating_id, etag=first.etag)
    assert (await refused(mesh.ratings.DeleteRating(delete, metadata=mesh.by(ADA)))).code is Code.ABORTED
    assert (await mine(mesh)).ratings[0].overall == 3.0
    # taken back and given again it is another rating: an etag of before is no good for it
    await mesh.ratings.DeleteRating(pb.DeleteRatingRequest(rating_id=first.rating_id), metadata=mesh.by(ADA))
    await rate(mesh, ADA, 1, 4.0)
    assert (await refused(rate(mesh, ADA, 1, 1.0, etag=first.etag))).code is Code.ABORTED


async def test_a_request_id_has_one_effect_and_one_answer(mesh: Mesh, clock: MovableClock) -> None:
    first = await rate(mesh, ADA, 1, 4.0, request_id="a-1")
    clock.forward(minutes=5)
    await rate(mesh, ADA, 1, 1.0)
    again = await rate(mesh, ADA, 1, 4.0, request_id="a-1")
    assert again.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
    assert (await mine(mesh)).ratings[0].overall == 1.0
    failure = await refused(rate(mesh, ADA, 1, 4.5, request_id="a-1"))
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.REQUEST_ID_REUSED)
    assert (await rate(mesh, BOB, 1, 2.0, request_id="a-1")).overall == 2.0
    await mesh.catalogue.remove(1)

    async def gone() -> bool:
        try:
            await mesh.app.films.require([1])
        except NotFound:
            return True
        return False

    await eventually(gone)
    assert (await refused(rate(mesh, BOB, 1, 3.0))).reason is Reason.MOVIE_NOT_FOUND
    assert (await rate(mesh, ADA, 1, 4.0, request_id="a-1")).rating_id == first.rating_id


async def test_twenty_sends_at_once_are_one_rating(mesh: Mesh) -> None:
    answers = await asyncio.gather(*(rate(mesh, ADA, 3, 4.0, request_id="once") for _ in range(20)))
    assert len({answer.SerializeToString(deterministic=True) for answer in answers}) == 1
    await asyncio.gather(*(rate(mesh, ADA, 3, half / 2) for half in range(11)))
    found = await summary(mesh, 3)
    assert (found.rating_count, (await mine(mesh)).total_size) == (1, 1)
    assert sum(found.dimensions[0].histogram) == 1


async def test_a_rating_is_taken_back_by_its_owner_alone(mesh: Mesh) -> None:
    rating = await rate(mesh, ADA, 1, 4.0)
    delete = pb.DeleteRatingRequest(rating_id=rating.rating_id)
    for who in (BOB, "boss"):
        assert (await refused(mesh.ratings.DeleteRating(delete, metadata=mesh.by(who)))).code is Code.NOT_FOUND
    await mesh.ratings.DeleteRating(delete, metadata=mesh.by(ADA))
    assert (await refused(mesh.ratings.DeleteRating(delete, metadata=mesh.by(ADA)))).code is Code.NOT_FOUND
    assert (
        await refused(mesh.ratings.DeleteRating(pb.DeleteRatingRequest(rating_id="a\x00b"), metadata=mesh.by(ADA)))
    ).code is Code.INVALID_ARGUMENT
    assert (await mine(mesh)).total_size == 0 and (await summary(mesh, 1)).rating_count == 0
    (_, deleted) = await told(mesh.app.database)
    assert isinstance(deleted, events_pb2.RatingDeleted)
    assert (deleted.rating_id, deleted.user_id, deleted.movie_id, deleted.previous_overall) == (
        rating.rating_id,
        ADA,
        1,
        4.0,
    )


async def test_everybody_sees_means_and_histograms(mesh: Mesh) -> None:
    await rate(mesh, ADA, 1, 5.0, plot=4.0)
    await rate(mesh, BOB, 1, 0.5)
    await rate(mesh, BOB, 3, 2.0)
    found = await summary(mesh, 1)
    assert (found.movie_id, found.rating_count, found.average_rating) == (1, 2, 2.75)
    assert [one.dimension for one in found.dimensions] == ["overall", "plot", "acting", "cinematography", "soundtrack"]
    assert list(found.dimensions[0].histogram) == [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert (found.dimensions[1].count, found.dimensions[1].mean, found.dimensions[2].count) == (1, 4.0, 0)
    assert 2.5 < found.damped_rating < 2.75  # the mean of all films is 2.5
    nobody = await summary(mesh, 6)
    assert (nobody.rating_count, nobody.average_rating) == (0, 0.0)
    assert nobody.damped_rating == pytest.approx(2.5)
    assert (await refused(summary(mesh, 77))).reason is Reason.MOVIE_NOT_FOUND


async def test_my_ratings_are_filtered_and_sorted(mesh: Mesh, clock: MovableClock) -> None:
    for movie_id, overall in {1: 4.5, 2: 3.0, 3: 4.5, 4: 0.0, 5: 1.5, 6: 5.0}.items():
        await rate(mesh, ADA, movie_id, overall)
        clock.forward(minutes=1)
    await rate(mesh, BOB, 1, 1.0)

    async def ids(**query: Any) -> list[int]:
        page = await mine(mesh, **query)
        assert page.total_size == len(page.ratings)
        return [one.movie_id for one in page.ratings]

    assert await ids() == [6, 5, 4, 3, 2, 1]
    assert await ids(order_by="oldest") == [1, 2, 3, 4, 5, 6]
    assert await ids(order_by="highest") == [6, 3, 1, 2, 5, 4]
    assert await ids(order_by="lowest") == [4, 5, 2, 1, 3, 6]
    assert await ids(order_by="title") == [5, 3, 6, 1, 2, 4]  # "A" and "The" in front do not count
    assert await ids(order_by="year") == [5, 2, 3, 1, 6, 4]
    assert await ids(rating_min=1.5, rating_max=4.5) == [5, 3, 2, 1]
    assert await ids(rating_min=1.6) == [6, 3, 2, 1]
    assert await ids(genre="science fiction") == [2, 1]
    assert await ids(genre="comedy", order_by="title") == [5, 3]
    assert await ids(year_min=2001, year_max=2003) == [3, 2]
    assert await ids(year_max=1999) == [6, 1]  # of film 4 the year is not known
    assert await ids(query="AMELIE") == await ids(query="élie") == [3]
    assert await ids(query="the matrix") == await ids(query="atrix") == [2, 1]
    assert await ids(query="100%") == [5] and await ids(query="%") == [5] and await ids(query="_") == []
    failure = await refused(mine(mesh, genre="kitchen sink"))
    assert failure.reason is Reason.UNKNOWN_GENRE and "Sci-Fi" in failure.message
    assert (await refused(mine(mesh, query="a\x00"))).code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("order", ["", "oldest", "highest", "lowest", "title", "year"])
async def test_pages_hold_every_rating_once_while_others_come(mesh: Mesh, clock: MovableClock, order: str) -> None:
    for movie_id in range(1, 7):
        await rate(mesh, ADA, movie_id, (movie_id % 3) / 2)
    whole = [one.movie_id for one in (await mine(mesh, order_by=order)).ratings]
    seen: list[int] = []
    token = ""
    while True:
        page = await mine(mesh, order_by=order, page_size=2, page_token=token)
        seen += [one.movie_id for one in page.ratings]
        assert page.total_size == 6 and len(page.ratings) <= 2
        token = page.next_page_token
        if not token:
            break
        assert (
            await refused(mine(mesh, order_by=order, genre="Drama", page_token=token))
        ).reason is Reason.INVALID_PAGE_TOKEN
    assert seen == whole and sorted(seen) == [1, 2, 3, 4, 5, 6]


async def test_the_longest_title_still_fits_into_a_page_token(mesh: Mesh) -> None:
    long = [film(100 + one, "Ж" * 400 + str(one), year=2000) for one in range(3)]
    await mesh.catalogue.put(*long)

    async def there() -> bool:
        with contextlib.suppress(NotFound):
            await mesh.app.films.require([one.movie_id for one in long])
            return True
        return False

    await eventually(there)
    for one in long:
        await rate(mesh, ADA, one.movie_id, 3.0)

    async def shown() -> bool:
        return all(one.HasField("movie") for one in (await mine(mesh)).ratings)

    await eventually(shown)
    seen: list[int] = []
    token = ""
    while True:
        page = await mine(mesh, order_by="title", page_size=1, page_token=token)
        seen += [one.movie_id for one in page.ratings]
        token = page.next_page_token
        assert len(token) <= 500
        if not token:
            break
    assert sorted(seen) == [100, 101, 102]


async def test_services_stream_all_ratings_and_go_on_after_a_break(mesh: Mesh) -> None:
    for movie_id in (1, 2, 3):
        await rate(mesh, ADA, movie_id, 4.0, acting=1.0)
        await rate(mesh, BOB, movie_id, 1.0)

    async def stream(after: str = "") -> list[Any]:
        call = mesh.ratings.StreamRatings(pb.StreamRatingsRequest(after_rating_id=after), metadata=mesh.service())
        return [one async for answer in call for one in answer.ratings]

    everything = await stream()
    assert [one.rating.rating_id for one in everything] == sorted(one.rating.rating_id for one in everything)
    assert {(one.user_id, one.rating.movie_id) for one in everything} == {
        (who, movie_id) for who in (ADA, BOB) for movie_id in (1, 2, 3)
    }
    assert not everything[0].rating.HasField("movie") and everything[0].rating.acting == 1.0
    assert await stream(everything[2].rating.rating_id) == everything[3:]
    assert await stream(everything[-1].rating.rating_id) == []


async def test_who_leaves_takes_ratings_and_diary_along(mesh: Mesh) -> None:
    await mesh.identity.open_account(ADA, "ada")
    await rate(mesh, ADA, 1, 4.0, request_id="x")
    await rate(mesh, ADA, 2, 2.0)
    await rate(mesh, BOB, 1, 1.0)
    await mesh.diary.CreateDiaryEntry(diary_pb2.CreateDiaryEntryRequest(movie_id=1), metadata=mesh.by(ADA))
    await mesh.identity.delete_account(ADA)

    async def forgotten() -> bool:
        return not (await summary(mesh, 1)).watch_count

    await eventually(forgotten)
    found = await summary(mesh, 1)
    assert (found.rating_count, found.average_rating) == (1, 1.0)
    deleted = [event for event in await told(mesh.app.database) if isinstance(event, events_pb2.RatingDeleted)]
    assert {(event.user_id, event.movie_id) for event in deleted} == {(ADA, 1), (ADA, 2)}
    assert any(isinstance(event, events_pb2.DiaryEntryDeleted) for event in await told(mesh.app.database))
    # a call that was under way leaves nothing behind
    assert (await refused(rate(mesh, ADA, 3, 4.0))).reason is Reason.TOKEN_REVOKED
    assert (await refused(rate(mesh, ADA, 1, 4.0, request_id="x"))).reason is Reason.TOKEN_REVOKED


async def test_everything_it_depends_on_is_asked_about(mesh: Mesh) -> None:
    probes = await mesh.app.probes()
    assert set(probes) == {"store", "films", "people"}
    assert [name for name, probe in probes.items() if probe.required] == ["store"]
    cleaned = await mesh.app.housekeeping.clean()
    assert cleaned.keys() >= {"events", "request_ids", "people"} and not any(cleaned.values())
