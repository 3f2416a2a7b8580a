"""What film nights promise beyond the model: ends in time, at once and by many, links, order of the list, people who leave."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from cine.watchlist.v1 import events_pb2
from cine.watchlist.v1 import film_night_pb2 as pb
from cine_watchlist.domain.film_night import MOST_CANDIDATES, MOST_OPEN_NIGHTS, MOST_PARTICIPANTS
from cine_watchlist.domain.links import digest
from cine_watchlist.flows.film_nights import Plan
from cine_watchlist.store import film_night_votes, schema
from cine_watchlist.store.film_night_tables import film_nights
from cinemesh import context
from cinemesh.context import Principal, RequestContext
from cinemesh.db import mesh_tables
from cinemesh.errors import FailedPrecondition, InvalidArgument, NotFound, Reason, Unauthenticated
from cinemesh.projections import person_rows
from cinemesh.testing.seeds import seed_people

from .conftest import ADA, BEN, CAT, DAN, Room

HOUR = dt.timedelta(hours=1)


def rendered(shown: Any) -> pb.CreateFilmNightResponse:
    return pb.CreateFilmNightResponse(film_night_id=shown.gathering.night.film_night_id)


async def plan(room: Room, host: str = ADA, films: tuple[int, ...] = (1, 2, 3), **values: Any) -> str:
    fields: dict[str, Any] = {"name": "Friday", "starts_at": None, "closes_at": None, "vetoes_per_person": 1, **values}
    request = fields.pop("request", pb.CreateFilmNightRequest())
    made = await room.nights.create(
        host, Plan(**fields, movie_ids=films), request, pb.CreateFilmNightResponse, rendered
    )
    return made.film_night_id


def token(room: Room, film_night_id: str) -> str:
    return room.nights.invite_url(film_night_id).partition("?token=")[2]


async def join(room: Room, film_night_id: str, *people: str) -> None:
    for user_id in people:
        await room.nights.join(user_id, token(room, film_night_id))


class TestEnding:
    async def test_every_vote_that_was_acknowledged_before_the_end_is_counted_and_no_other(self, room: Room) -> None:
        voters = [f"voter{number}" for number in range(MOST_PARTICIPANTS - 1)]
        await room.database.write(lambda tx: seed_people(tx, schema.people, {one: one for one in voters}))
        night_id = await plan(room)
        await join(room, night_id, *voters)

        async def vote(number: int) -> bool:
            await asyncio.sleep(0.002 * number)
            try:
                await room.votes.cast(voters[number], night_id, [1 + number % 3], [])
            except FailedPrecondition:
                return False
            return True

        async def close() -> None:
            await asyncio.sleep(0.04)
            await asyncio.gather(*(room.votes.close(ADA, night_id) for _ in range(3)))

        *cast, _ = await asyncio.gather(*(vote(number) for number in range(len(voters))), close())
        result = await room.votes.result(ADA, night_id)
        assert 0 < result.count.ballots == sum(map(bool, cast)) < len(voters)
        assert len([one for one in await room.told() if isinstance(one, events_pb2.FilmNightClosed)]) == 1

    async def test_an_event_tells_of_the_winner_and_who_took_part(self, room: Room) -> None:
        night_id = await plan(room)
        await join(room, night_id, BEN, CAT)
        await room.votes.cast(BEN, night_id, [3, 1], [2])
        shown = await room.votes.close(ADA, night_id)
        assert shown.gathering.night.winner_movie_id == 3
        assert await room.told() == [
            events_pb2.FilmNightClosed(film_night_id=night_id, winner_movie_id=3, user_ids=[ADA, BEN, CAT])
        ]

    async def test_a_vote_ends_by_time_whether_somebody_looks_or_not(self, room: Room) -> None:
        ends = room.clock.now + HOUR
        looked_at, left_alone, later = [await plan(room, closes_at=ends + n * HOUR) for n in (0, 0, 1)]
        await room.votes.cast(ADA, looked_at, [2], [])
        assert await room.ending.end_all_due() == 0
        room.clock.forward(hours=1)
        with pytest.raises(FailedPrecondition):
            await room.votes.cast(ADA, left_alone, [1], [])
        shown = await room.nights.get(ADA, looked_at)
        assert (shown.gathering.night.closed_at, shown.gathering.night.winner_movie_id) == (ends, 2)
        assert await room.ending.end_all_due() == 1
        assert [one.film_night_id for one in await room.told()] == [looked_at, left_alone]
        assert (await room.nights.get(ADA, later)).gathering.night.closed_at is None

    async def test_of_many_that_end_one_vote_one_does(self, room: Room) -> None:
        night_id = await plan(room, closes_at=room.clock.now + HOUR)
        room.clock.forward(hours=2)
        ended = await asyncio.gather(*(room.ending.end_if_due(night_id) for _ in range(8)))
        assert sum(ended) == 1 and len(await room.told()) == 1

    async def test_the_count_says_in_words_how_a_tie_was_broken(self, room: Room) -> None:
        night_id = await plan(room, films=(2, 1))
        await join(room, night_id, BEN)
        await room.votes.cast(ADA, night_id, [1], [])
        await room.votes.cast(BEN, night_id, [2], [])
        result = await room.votes.result(BEN, night_id)
        assert not result.closed and result.count.winner == 2
        assert result.tie_break == (
            "Round 1: Brazil and Alien had the fewest with 1 vote each; Alien was proposed last and went."
        )


class TestPlanning:
    async def test_a_request_sent_again_plans_no_second_night(self, room: Room) -> None:
        request = pb.CreateFilmNightRequest(name="Friday", request_id="once")
        with context.using(RequestContext(principal=Principal("user", ADA))):
            first, *others = await asyncio.gather(*(plan(room, request=request) for _ in range(10)))
            assert set(others) == {first}
            with pytest.raises(InvalidArgument) as caught:
                await plan(room, request=pb.CreateFilmNightRequest(name="Saturday", request_id="once"))
        assert caught.value.reason is Reason.REQUEST_ID_REUSED
        assert (await room.nights.page(ADA, "", 9, None)).total == 1

    async def test_the_link_lies_nowhere_in_the_store(self, room: Room) -> None:
        request = pb.CreateFilmNightRequest(name="Friday", request_id="once")
        with context.using(RequestContext(principal=Principal("user", ADA))):
            night_id = await plan(room, request=request)
        secret = token(room, night_id)
        tables = [*schema.metadata.sorted_tables, *mesh_tables.metadata.sorted_tables]
        rows = await room.database.read(
            lambda tx: [repr(tuple(row)) for table in tables for row in tx.execute(sa.select(table))]
        )
        assert any(digest(secret) in row for row in rows) and not any(secret in row for row in rows)
        assert secret not in repr(await room.nights.get(ADA, night_id))

    async def test_names_and_times_must_make_sense(self, room: Room) -> None:
        now = room.clock.now
        for wrong in ({"name": " "}, {"name": "a\u202eb"}, {"starts_at": now + HOUR, "closes_at": now + 2 * HOUR}):
            with pytest.raises(InvalidArgument):
                await plan(room, **wrong)
        with pytest.raises(InvalidArgument) as caught:
            await plan(room, starts_at=now + HOUR, closes_at=now + 2 * HOUR)
        assert caught.value.violations[0][0] == "closes_at"

    async def test_films_must_exist(self, room: Room) -> None:
        night_id = await plan(room)
        await room.database.write(lambda tx: tx.execute(sa.insert(mesh_tables.projection).values(**_whole())))
        for attempt in (plan(room, films=(1, 404)), room.votes.add_candidate(ADA, night_id, 404)):
            with pytest.raises(NotFound) as caught:
                await attempt
            assert caught.value.reason is Reason.MOVIE_NOT_FOUND

    async def test_room_is_limited(self, room: Room) -> None:
        for _ in range(MOST_OPEN_NIGHTS):
            night_id = await plan(room, films=())
        with pytest.raises(FailedPrecondition):
            await plan(room)
        await room.votes.close(ADA, night_id)
        night_id = await plan(room, films=())
        guests = {f"guest{number}": f"guest{number}" for number in range(MOST_PARTICIPANTS)}
        await room.database.write(lambda tx: seed_people(tx, schema.people, guests))
        await join(room, night_id, *(f"guest{number}" for number in range(MOST_PARTICIPANTS - 1)))
        with pytest.raises(FailedPrecondition):
            await join(room, night_id, f"guest{MOST_PARTICIPANTS - 1}")
        await join(room, night_id, "guest0")  # takes part already
        await room.database.write(lambda tx: _propose_many(tx, night_id))
        with pytest.raises(FailedPrecondition):
            await room.votes.add_candidate(ADA, night_id, 1)

    async def test_a_wrong_link_opens_nothing(self, room: Room) -> None:
        night_id = await plan(room)
        for wrong in (night_id, token(room, night_id)[:-1], "é\x00"):
            with pytest.raises(NotFound):
                await room.nights.join(BEN, wrong)


class TestList:
    async def test_next_first_then_those_without_a_time_then_those_that_were(self, room: Room) -> None:
        now = room.clock.now

        async def at(hours: int | None) -> str:
            room.clock.forward(seconds=1)
            return await plan(room, starts_at=None if hours is None else now + hours * HOUR)

        far, near, old, older, undated, newer = [await at(hours) for hours in (9, 2, -1, -5, None, None)]
        wanted = [near, far, newer, undated, old, older]
        seen: list[str] = []
        start = None
        while True:
            page = await room.nights.page(ADA, "", 2, start)
            seen += [one.gathering.night.film_night_id for one in page.nights]
            assert page.total == 6
            room.clock.forward(hours=3)  # what comes next does not change under the reader
            start = page.next
            if start is None:
                break
        assert seen == wanted
        assert (await room.nights.page(BEN, "", 2, None)).nights == []


class TestLeaving:
    async def test_a_vote_goes_with_its_voter_and_a_hosts_leaving_ends_the_vote(self, room: Room) -> None:
        night_id = await plan(room, films=(1, 2))
        await join(room, night_id, BEN, CAT)
        await room.votes.cast(ADA, night_id, [1], [2])
        await room.votes.cast(BEN, night_id, [2], [])
        await room.database.write(lambda tx: room.ending.forget(tx, ADA))
        shown = (await room.nights.get(BEN, night_id)).gathering
        assert shown.night.closed_at is not None and shown.night.winner_movie_id == 2
        assert [one.user_id for one in shown.participants] == [BEN, CAT]
        assert {one.proposed_by for one in shown.candidates} == {""}
        (told,) = await room.told()
        assert list(told.user_ids) == [BEN, CAT]
        await room.database.write(lambda tx: room.ending.forget(tx, ADA))  # told again: nothing more
        assert len(await room.told()) == 1

    async def test_a_result_stands_when_voters_leave_and_a_night_goes_with_the_last(self, room: Room) -> None:
        night_id = await plan(room, films=(1, 2))
        await join(room, night_id, BEN)
        await room.votes.cast(BEN, night_id, [2], [1])
        await room.votes.close(ADA, night_id)
        before = await room.votes.result(ADA, night_id)
        await room.database.write(lambda tx: room.ending.forget(tx, BEN))
        assert await room.votes.result(ADA, night_id) == before
        assert [one.vetoed for one in (await room.nights.get(ADA, night_id)).gathering.candidates] == [True, False]
        await room.database.write(lambda tx: room.ending.forget(tx, ADA))
        count = sa.select(sa.func.count()).select_from(film_nights)
        assert await room.database.read(lambda tx: tx.execute(count).scalar_one()) == 0

    async def test_who_has_left_changes_nothing_any_more(self, room: Room) -> None:
        night_id = await plan(room)
        await join(room, night_id, DAN)
        await room.database.write(lambda tx: person_rows.bury(tx, schema.people, DAN, room.clock.now))
        for attempt in (
            plan(room, DAN),
            room.nights.join(DAN, token(room, night_id)),
            room.votes.add_candidate(DAN, night_id, 4),
            room.votes.remove_candidate(DAN, night_id, 1),
            room.votes.cast(DAN, night_id, [1], []),
            room.votes.close(DAN, night_id),
        ):
            with pytest.raises(Unauthenticated):
                await attempt


def _whole() -> dict[str, Any]:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return {
        "name": "watchlist.films",
        "filled_at": now,
        "wanted": "",
        "wanted_at": None,
        "holder": "",
        "held_until": now,
    }


def _propose_many(tx: Any, night_id: str) -> None:
    film_night_votes.propose(tx, night_id, range(1000, 1000 + MOST_CANDIDATES), ADA)
