"""Film nights against a model in memory, whatever people do and in whatever order, on both databases."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cine.watchlist.v1 import film_night_pb2 as pb
from cine_watchlist.domain.ranked_vote import Ballot, Count, count
from cine_watchlist.flows.film_nights import Plan
from cine_watchlist.store.film_night_tables import film_nights
from cinemesh.db import Database, migrate
from cinemesh.errors import CineError, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied

from .conftest import PEOPLE, MovableClock, Room, fill

T = TypeVar("T")
USERS = st.sampled_from(sorted(PEOPLE))
MOVIES = st.integers(1, 5)


@dataclass
class Night:
    """A film night as it should be."""

    host: str
    vetoes: int
    closes_at: dt.datetime | None
    token: str
    people: list[str]
    films: dict[int, str]
    votes: dict[str, tuple[list[int], list[int]]] = field(default_factory=dict)
    result: Count | None = None

    def counted(self) -> Count:
        if self.result is not None:
            return self.result
        return count(list(self.films), [Ballot(tuple(one), frozenset(two)) for one, two in self.votes.values()])


class FilmNightMachine(RuleBasedStateMachine):
    """Acts on the real thing and on the model, and compares what both say."""

    loop: asyncio.AbstractEventLoop
    room: Room
    clock: MovableClock
    nights = Bundle("nights")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, Night] = {}
        self.gone: set[str] = set()
        self.run(self.room.database.write(self._clear))

    @staticmethod
    def _clear(tx: Any) -> None:
        tx.execute(sa.delete(film_nights))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def attempt(self, work: Coroutine[Any, Any, T], refused: type[CineError] | None) -> T | None:
        """Does something that the model says is done, or refused in this way."""
        if refused is None:
            return self.run(work)
        with pytest.raises(refused):
            self.run(work)
        return None

    def verdict(self, night: Night, user_id: str) -> type[CineError] | None:
        """Returns how somebody is refused who changes something of a film night."""
        if user_id not in night.people:
            return NotFound
        return FailedPrecondition if night.result is not None else None

    @rule(
        target=nights,
        user_id=USERS,
        films=st.lists(MOVIES, unique=True, max_size=4),
        vetoes=st.integers(0, 2),
        minutes=st.none() | st.integers(1, 30),
        late=st.booleans(),
    )
    def create(self, user_id: str, films: list[int], vetoes: int, minutes: int | None, late: bool) -> str:
        closes_at = None if minutes is None else self.clock.now + dt.timedelta(minutes=minutes)
        starts_at = None if closes_at is None else closes_at + dt.timedelta(minutes=-1 if late else 30)
        plan = Plan("Friday", starts_at, closes_at, vetoes, films)
        work = self.room.nights.create(
            user_id, plan, pb.CreateFilmNightRequest(), pb.CreateFilmNightResponse, lambda shown: made(shown)
        )
        answer = self.attempt(work, InvalidArgument if closes_at is not None and late else None)
        if answer is None:
            return ""
        url = self.room.nights.invite_url(answer.film_night_id)
        token = url.partition("token=")[2]
        self.model[answer.film_night_id] = Night(
            user_id, vetoes, closes_at, token, [user_id], dict.fromkeys(films, user_id)
        )
        return str(answer.film_night_id)

    @rule(night_id=nights, user_id=USERS)
    def join(self, night_id: str, user_id: str) -> None:
        night = self.model.get(night_id)
        if night is None:
            self.attempt(self.room.nights.join(user_id, "nothing"), NotFound)
            return
        known = user_id in night.people
        refused = FailedPrecondition if night.result is not None and not known else None
        self.attempt(self.room.nights.join(user_id, night.token), refused)
        if refused is None and not known:
            night.people.append(user_id)

    @rule(night_id=nights, user_id=USERS, movie_id=MOVIES)
    def propose(self, night_id: str, user_id: str, movie_id: int) -> None:
        night = self.model.get(night_id)
        refused = NotFound if night is None else self.verdict(night, user_id)
        self.attempt(self.room.votes.add_candidate(user_id, night_id, movie_id), refused)
        if night is not None and refused is None:
            night.films.setdefault(movie_id, user_id)

    @rule(night_id=nights, user_id=USERS, movie_id=MOVIES)
    def withdraw(self, night_id: str, user_id: str, movie_id: int) -> None:
        night = self.model.get(night_id)
        refused = NotFound if night is None else self.verdict(night, user_id)
        if night is not None and refused is None:
            if movie_id not in night.films:
                refused = NotFound
            elif user_id not in (night.host, night.films[movie_id]):
                refused = PermissionDenied
        self.attempt(self.room.votes.remove_candidate(user_id, night_id, movie_id), refused)
        if night is not None and refused is None:
            del night.films[movie_id]
            for ranked, vetoed in night.votes.values():
                for films in (ranked, vetoed):
                    if movie_id in films:
                        films.remove(movie_id)

    @rule(night_id=nights, user_id=USERS, order=st.permutations([1, 2, 3, 4, 5]), cut=st.integers(0, 5), data=st.data())
    def vote(self, night_id: str, user_id: str, order: list[int], cut: int, data: st.DataObject) -> None:
        night = self.model.get(night_id)
        ranked = order[:cut]
        vetoed = order[cut : cut + data.draw(st.integers(0, 2))]
        if night is not None and data.draw(st.integers(0, 5)):  # mostly what was proposed
            ranked, vetoed = [[film for film in films if film in night.films] for films in (ranked, vetoed)]
        refused = NotFound if night is None else self.verdict(night, user_id)
        if (
            night is not None
            and refused is None
            and (not {*ranked, *vetoed} <= set(night.films) or len(vetoed) > night.vetoes)
        ):
            refused = InvalidArgument
        voters = self.attempt(self.room.votes.cast(user_id, night_id, ranked, vetoed), refused)
        if night is not None and refused is None:
            night.votes[user_id] = (list(ranked), list(vetoed))
            assert voters == len(night.votes)

    @rule(night_id=nights, user_id=USERS)
    def close(self, night_id: str, user_id: str) -> None:
        night = self.model.get(night_id)
        refused: type[CineError] | None = None
        if night is None or user_id not in night.people:
            refused = NotFound
        elif user_id != night.host:
            refused = PermissionDenied
        self.attempt(self.room.votes.close(user_id, night_id), refused)
        if night is not None and refused is None:
            night.result = night.counted()

    @rule(minutes=st.integers(1, 20), at_once=st.booleans())
    def time_passes(self, minutes: int, at_once: bool) -> None:
        self.clock.forward(minutes=minutes)
        due = [
            one
            for one in self.model.values()
            if one.result is None and one.closes_at and one.closes_at <= self.clock.now
        ]
        for night in due:
            night.result = night.counted()
        if at_once:
            assert self.run(self.room.ending.end_all_due()) == len(due)

    @rule(user_id=USERS)
    def leave(self, user_id: str) -> None:
        """An account is deleted; another of the same id stands for the next person."""
        self.run(self.room.ending.end_all_due())  # in time; else it would be counted without them
        self.run(self.room.database.write(lambda tx: self.room.ending.forget(tx, user_id)))
        for night_id, night in list(self.model.items()):
            night.films = {film: "" if by == user_id else by for film, by in night.films.items()}
            if user_id in night.people:
                night.people.remove(user_id)
                night.votes.pop(user_id, None)
            if not night.people:
                del self.model[night_id]
            elif night.host == user_id:
                night.host = ""
                night.result = night.counted()

    @invariant()
    def who_takes_part_sees_what_should_be_and_nobody_else_anything(self) -> None:
        for night_id, night in self.model.items():
            for user_id in sorted(PEOPLE.keys() - set(night.people))[:1]:
                with pytest.raises(NotFound):
                    self.run(self.room.nights.get(user_id, night_id))
                with pytest.raises(NotFound):
                    self.run(self.room.votes.result(user_id, night_id))
            shown = self.run(self.room.nights.get(night.people[-1], night_id)).gathering
            assert shown.night.host_id == night.host
            assert (shown.night.closed_at is not None) == (night.result is not None)
            assert shown.night.winner_movie_id == (night.result.winner if night.result is not None else 0)
            assert [(one.movie_id, one.proposed_by) for one in shown.candidates] == list(night.films.items())
            assert {one.user_id: one.has_voted for one in shown.participants} == {
                one: one in night.votes for one in night.people
            }
            assert not night.host or shown.participants[0].user_id == night.host
            assert {one.movie_id for one in shown.candidates if one.vetoed} == set(night.counted().vetoed)
            result = self.run(self.room.votes.result(night.people[0], night_id))
            assert (result.closed, result.count) == (night.result is not None, night.counted())

    def teardown(self) -> None:
        for user_id in PEOPLE:
            for state, closed in (("open", False), ("closed", True)):
                mine = {
                    night_id
                    for night_id, night in self.model.items()
                    if user_id in night.people and (night.result is not None) == closed
                }
                page = self.run(self.room.nights.page(user_id, state, 100, None))
                assert {one.gathering.night.film_night_id for one in page.nights} == mine
                assert page.total == len(mine)


def made(shown: Any) -> pb.CreateFilmNightResponse:
    return pb.CreateFilmNightResponse(film_night_id=shown.gathering.night.film_night_id)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_whatever_people_do(store_url: str, tmp_path: Path, loop: asyncio.AbstractEventLoop) -> None:
    migrate(store_url, "cine_watchlist")
    database = Database(store_url)
    clock = MovableClock()
    loop.run_until_complete(database.open())
    loop.run_until_complete(database.write(fill))

    class Machine(FilmNightMachine):
        room = Room.over(database, tmp_path, clock)

    Machine.loop, Machine.clock = loop, clock
    try:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        loop.run_until_complete(database.close())
