"""FilmNightService over the wire."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from cine.watchlist.v1 import film_night_pb2 as pb
from cinemesh.errors import Code, Reason

from .conftest import ADA, BEN, CAT, MovableClock
from .wire import Mesh, mesh_of, refused


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[Mesh]:
    clock = MovableClock()
    clock.now = dt.datetime.now(dt.UTC)  # the contract compares with the clock of the machine
    async with mesh_of(tmp_path, clock) as made:
        yield made


async def plan(mesh: Mesh, user_id: str = ADA, **fields: Any) -> Any:
    values: dict[str, Any] = {"name": "Friday", "movie_ids": [1, 2, 3], **fields}
    return await mesh.nights.CreateFilmNight(pb.CreateFilmNightRequest(**values), metadata=mesh.by(user_id))


async def join(mesh: Mesh, night: Any, user_id: str) -> Any:
    token = night.invite_url.rpartition("token=")[2]
    return await mesh.nights.JoinFilmNight(pb.JoinFilmNightRequest(invite_token=token), metadata=mesh.by(user_id))


async def vote(mesh: Mesh, night: Any, user_id: str, ranked: list[int], vetoed: list[int]) -> Any:
    request = pb.CastVoteRequest(film_night_id=night.film_night_id, ranked_movie_ids=ranked, vetoed_movie_ids=vetoed)
    return await mesh.nights.CastVote(request, metadata=mesh.by(user_id))


async def test_friends_agree_on_a_film(mesh: Mesh) -> None:
    starts = Timestamp(seconds=4_000_000_000)
    night = await plan(mesh, starts_at=starts)
    assert night.invite_url.startswith("https://films.example.org/#/film-night?token=")
    assert (night.host_username, night.state, night.starts_at, night.vetoes_per_person) == ("Ada", "open", starts, 1)
    assert not night.HasField("closes_at") and night.winner_movie_id == 0
    assert [one.movie.title for one in night.candidates] == ["Alien", "Brazil", "Casablanca"]

    joined = await join(mesh, night, BEN)
    assert [one.username for one in joined.participants] == ["Ada", "Ben"] and joined.invite_url == night.invite_url
    assert joined.etag != night.etag
    ask = pb.AddCandidateRequest(film_night_id=night.film_night_id, movie_id=5)
    added = await mesh.nights.AddCandidate(ask, metadata=mesh.by(BEN))
    assert [(one.movie_id, one.proposed_by_username) for one in added.candidates][-1] == (5, "Ben")

    cast = await vote(mesh, night, ADA, [1, 5], [2])
    assert (list(cast.ranked_movie_ids), list(cast.vetoed_movie_ids), cast.vote_count) == ([1, 5], [2], 1)
    assert (await vote(mesh, night, BEN, [5], [1])).vote_count == 2
    for voter, ranked, vetoed in ((ADA, [1, 5], [2]), (BEN, [5], [1])):
        own = await mesh.nights.GetFilmNight(
            pb.GetFilmNightRequest(film_night_id=night.film_night_id), metadata=mesh.by(voter)
        )
        assert (list(own.my_ranked_movie_ids), list(own.my_vetoed_movie_ids)) == (ranked, vetoed)
    which = pb.GetFilmNightResultRequest(film_night_id=night.film_night_id)
    standing = await mesh.nights.GetFilmNightResult(which, metadata=mesh.by(BEN))
    assert not standing.closed and standing.winner_movie_id == 5 and list(standing.vetoed_movie_ids) == [1, 2]

    close = pb.CloseFilmNightRequest(film_night_id=night.film_night_id)
    assert (await refused(mesh.nights.CloseFilmNight(close, metadata=mesh.by(BEN)))).code is Code.PERMISSION_DENIED
    closed = await mesh.nights.CloseFilmNight(close, metadata=mesh.by(ADA))
    assert (closed.state, closed.winner_movie_id) == ("closed", 5)
    assert [one.vetoed for one in closed.candidates] == [True, True, False, False]
    assert (await mesh.nights.CloseFilmNight(close, metadata=mesh.by(ADA))).etag == closed.etag
    final = await mesh.nights.GetFilmNightResult(which, metadata=mesh.by(ADA))
    assert final.closed and final.vote_count == 2
    assert [[(two.movie_id, two.votes) for two in one.counts] for one in final.rounds] == [[(5, 2), (3, 0)]]
    late = await refused(vote(mesh, night, BEN, [3], []))
    assert late.code is Code.FAILED_PRECONDITION


async def test_others_are_told_of_nothing(mesh: Mesh) -> None:
    night = await plan(mesh)
    which = {"film_night_id": night.film_night_id}
    calls: dict[str, Any] = {
        "GetFilmNight": pb.GetFilmNightRequest(**which),
        "AddCandidate": pb.AddCandidateRequest(**which, movie_id=4),
        "RemoveCandidate": pb.RemoveCandidateRequest(**which, movie_id=1),
        "CastVote": pb.CastVoteRequest(**which, ranked_movie_ids=[1]),
        "CloseFilmNight": pb.CloseFilmNightRequest(**which),
        "GetFilmNightResult": pb.GetFilmNightResultRequest(**which),
    }
    for name, request in calls.items():
        answers = set()
        for film_night_id in (night.film_night_id, "no such night", "\x00"):
            request.film_night_id = film_night_id
            failure = await refused(getattr(mesh.nights, name)(request, metadata=mesh.by(CAT)))
            answers.add((failure.code, failure.reason, failure.message, failure.violations))
        assert len(answers) == 1 and answers.pop()[0] is Code.NOT_FOUND, name
    listed = await mesh.nights.ListFilmNights(pb.ListFilmNightsRequest(), metadata=mesh.by(CAT))
    assert (len(listed.film_nights), listed.total_size) == (0, 0)


async def test_an_attempt_sent_again_gives_the_first_answer_with_its_link(mesh: Mesh) -> None:
    first = await plan(mesh, request_id="r1")
    assert await plan(mesh, request_id="r1") == first and first.invite_url
    failure = await refused(plan(mesh, request_id="r1", name="Saturday"))
    assert failure.reason is Reason.REQUEST_ID_REUSED


async def test_pages_of_the_list(mesh: Mesh) -> None:
    made = [(await plan(mesh, starts_at=Timestamp(seconds=4_000_000_000 + n))).film_night_id for n in range(5)]
    seen: list[str] = []
    request = pb.ListFilmNightsRequest(page_size=2, state="open")
    while True:
        page = await mesh.nights.ListFilmNights(request, metadata=mesh.by(ADA))
        seen += [one.film_night_id for one in page.film_nights]
        assert page.total_size == 5
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == made
    request.state = "closed"
    assert (
        await refused(mesh.nights.ListFilmNights(request, metadata=mesh.by(ADA)))
    ).reason is Reason.INVALID_PAGE_TOKEN


async def test_what_makes_no_sense_is_refused_by_name(mesh: Mesh) -> None:
    wrong: list[dict[str, Any]] = [
        {"name": ""},
        {"name": "  "},
        {"movie_ids": [1, 1]},
        {"movie_ids": [0]},
        {"vetoes_per_person": 6},
        {"closes_at": Timestamp(seconds=1)},
        {"starts_at": Timestamp(seconds=10**15)},
        {"starts_at": Timestamp(seconds=-(10**15))},
        {"closes_at": Timestamp(seconds=10**15)},
        {"starts_at": Timestamp(seconds=1, nanos=-5)},
        {"starts_at": Timestamp(seconds=4_000_000_000), "closes_at": Timestamp(seconds=4_000_000_001)},
    ]
    for fields in wrong:
        failure = await refused(plan(mesh, **fields))
        assert failure.code is Code.INVALID_ARGUMENT and failure.violations, fields


async def test_a_vote_names_candidates_once_and_strikes_out_no_more_than_allowed(mesh: Mesh) -> None:
    night = await plan(mesh)
    for ranked, vetoed in (([4], []), ([1, 1], []), ([1], [1]), ([], [1, 2])):
        failure = await refused(vote(mesh, night, ADA, ranked, vetoed))
        assert failure.code is Code.INVALID_ARGUMENT and failure.violations, (ranked, vetoed)
    assert (await vote(mesh, night, ADA, [], [])).vote_count == 1


async def test_films_that_do_not_exist_and_films_that_were_not_proposed(mesh: Mesh) -> None:
    night = await plan(mesh)
    ask = pb.AddCandidateRequest(film_night_id=night.film_night_id, movie_id=404)
    assert (await refused(mesh.nights.AddCandidate(ask, metadata=mesh.by(ADA)))).reason is Reason.MOVIE_NOT_FOUND
    failure = await refused(plan(mesh, movie_ids=[1, 404]))
    assert failure.violations[0][0] == "movie_ids[1]"
    remove = pb.RemoveCandidateRequest(film_night_id=night.film_night_id, movie_id=4)
    assert (await refused(mesh.nights.RemoveCandidate(remove, metadata=mesh.by(ADA)))).code is Code.NOT_FOUND
    await join(mesh, night, BEN)
    remove.movie_id = 1
    assert (await refused(mesh.nights.RemoveCandidate(remove, metadata=mesh.by(BEN)))).code is Code.PERMISSION_DENIED
    await vote(mesh, night, BEN, [1, 2], [])
    await mesh.nights.RemoveCandidate(remove, metadata=mesh.by(ADA))
    result = await mesh.nights.GetFilmNightResult(
        pb.GetFilmNightResultRequest(film_night_id=night.film_night_id), metadata=mesh.by(BEN)
    )
    assert result.winner_movie_id == 2


async def test_who_deletes_their_account_leaves_no_name_behind(mesh: Mesh) -> None:
    night = await plan(mesh, BEN)
    await join(mesh, night, ADA)
    await vote(mesh, night, BEN, [2], [])
    await mesh.identity.delete_account(BEN)
    which = pb.GetFilmNightRequest(film_night_id=night.film_night_id)

    async def closed() -> bool:
        return bool((await mesh.nights.GetFilmNight(which, metadata=mesh.by(ADA))).state == "closed")

    await mesh.until(closed)
    left = await mesh.nights.GetFilmNight(which, metadata=mesh.by(ADA))
    assert (left.host_username, {one.proposed_by_username for one in left.candidates}) == ("", {""})
    assert [one.username for one in left.participants] == ["Ada"]
    assert (await refused(plan(mesh, BEN))).code is Code.UNAUTHENTICATED
