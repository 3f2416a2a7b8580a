"""Film nights: planning one, seeing it, taking part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from google.protobuf.message import Message
from ulid import ULID

from cine_watchlist.domain import film_night as rules
from cine_watchlist.domain.film_night import FilmNight
from cine_watchlist.domain.links import digest
from cine_watchlist.domain.lists import list_name, require_room
from cine_watchlist.domain.ranked_vote import Ballot
from cine_watchlist.flows.film_night_ending import FilmNightEnding
from cine_watchlist.flows.film_night_showing import FilmNightShowing, ShownNight
from cine_watchlist.store import Transaction, film_night_votes, film_nights
from cine_watchlist.store.film_nights import Position
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import NotFound
from cinemesh.idempotency import RequestIds
from cinemesh.projections import Films, People

A = TypeVar("A", bound=Message)
Start = list[str]
"""Where a page starts: the moment the list was first asked for, then the position."""


@dataclass(frozen=True, slots=True)
class NightPage:
    """Some film nights.

    Attributes:
        nights: next first.
        next: where the next page starts; None on the last.
        total: film nights that match.
    """

    nights: list[ShownNight]
    next: Start | None
    total: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A film night to be.

    Attributes:
        name: what it is called.
        starts_at: when the film starts; None when not settled.
        closes_at: when the vote ends by itself; None when the host ends it.
        vetoes_per_person: films each person may strike out.
        movie_ids: films to begin with.
    """

    name: str
    starts_at: dt.datetime | None
    closes_at: dt.datetime | None
    vetoes_per_person: int
    movie_ids: Sequence[int]


class FilmNights:
    """Plans film nights and lets people in.

    Args:
        database: the store.
        films: which films there are.
        people: who is still there.
        request_ids: lets an attempt that is sent again have one effect.
        showing: puts together what is shown.
        ending: ends votes whose time is over.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        films: Films,
        people: People,
        request_ids: RequestIds,
        showing: FilmNightShowing,
        ending: FilmNightEnding,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._films = films
        self._people = people
        self._request_ids = request_ids
        self._showing = showing
        self._ending = ending
        self._clock = clock

    async def create(
        self, user_id: str, plan: Plan, request: Message, answer: type[A], render: Callable[[ShownNight], A]
    ) -> A:
        """Plans a film night.

        Args:
            user_id: the host.
            plan: what is planned.
            request: as it was sent; its `request_id` names the attempt.
            answer: class of the answer.
            render: makes the answer. It is kept for whoever sends the attempt again, so it must not hold the link.

        Raises:
            InvalidArgument: the name is no plain text or empty, the vote would end after the film starts, or the attempt was sent
                before with another body.
            NotFound: there is no such film.
            FailedPrecondition: the host has too many open film nights.
        """
        name = list_name(plan.name)
        rules.check_times(plan.starts_at, plan.closes_at)
        await self._films.require(plan.movie_ids, "movie_ids")
        await self._people.known([user_id])

        def effect(tx: Transaction) -> A:
            self._people.require_present(tx, user_id)
            hosted = film_nights.open_hosted(tx, user_id)
            require_room(hosted + 1, rules.MOST_OPEN_NIGHTS, "you may host {} open film nights at most")
            night = FilmNight(
                film_night_id=str(ULID()),
                host_id=user_id,
                name=name,
                starts_at=plan.starts_at,
                closes_at=plan.closes_at,
                vetoes_per_person=plan.vetoes_per_person,
                created_at=self._clock(),
            )
            film_nights.insert(tx, night, self._showing.invite_digest(night.film_night_id))
            film_night_votes.propose(tx, night.film_night_id, plan.movie_ids, user_id)
            return render(self._showing.one(tx, night.film_night_id))

        return await self._request_ids.once(self._database, "CreateFilmNight", request, answer, effect)

    def invite_url(self, film_night_id: str) -> str:
        """Returns the link to invite by."""
        return self._showing.invite_url(film_night_id)

    async def get(self, user_id: str, film_night_id: str) -> ShownNight:
        """Returns a film night and the caller's own vote; a vote whose time is over is ended first.

        Raises:
            NotFound: the caller takes part in none of this id.
        """
        own = Ballot()

        def read(tx: Transaction) -> list[ShownNight]:
            nonlocal own
            night = taking_part(tx, film_night_id, user_id)
            own = film_night_votes.ballot_of(tx, film_night_id, user_id)
            return self._showing.show(tx, [night])

        return replace((await self._settled(read))[0], own=own)

    async def page(self, user_id: str, state: str, limit: int, after: Start | None) -> NightPage:
        """Returns a page of the film nights that the caller takes part in.

        Args:
            user_id: who calls.
            state: `open` or `closed`; empty for both.
            limit: most film nights.
            after: where the page starts; None for the first.
        """
        # the pages of one list agree on what is to come
        since = self._clock() if after is None else dt.datetime.fromisoformat(after[0])
        position: Position | None = None if after is None else (after[1], after[2], after[3])
        following: Start | None = None
        total = 0

        def read(tx: Transaction) -> list[ShownNight]:
            nonlocal following, total
            found = film_nights.page(tx, user_id, state, since, limit + 1, position)
            more = len(found) > limit
            found = found[:limit]
            following = [since.isoformat(), *found[-1][1]] if more else None
            total = film_nights.count(tx, user_id, state, since)
            return self._showing.show(tx, [night for night, _ in found])

        shown = await self._settled(read)
        return NightPage(shown, following, total)

    async def join(self, user_id: str, invite_token: str) -> ShownNight:
        """Lets the caller take part; who does already is shown the film night.

        Raises:
            NotFound: the invitation opens nothing.
            FailedPrecondition: the vote has ended, or there is no room.
        """
        await self._people.known([user_id])

        def change(tx: Transaction) -> ShownNight:
            self._people.require_present(tx, user_id)
            night = film_nights.by_invitation(tx, digest(invite_token), lock=True)
            if night is None:
                raise NotFound("this invitation opens no film night", violations=[("invite_token", "opens nothing")])
            if not film_nights.takes_part(tx, night.film_night_id, user_id):
                rules.require_open(night, self._clock())
                present = len(film_nights.people(tx, night.film_night_id))
                require_room(present + 1, rules.MOST_PARTICIPANTS, "{} people at most take part in a film night")
                film_nights.join(tx, night.film_night_id, user_id, self._clock())
                film_nights.touch(tx, night.film_night_id)
            return self._showing.one(tx, night.film_night_id)

        return await self._database.write(change)

    async def _settled(self, read: Callable[[Transaction], list[ShownNight]]) -> list[ShownNight]:
        """Reads, and reads again after votes were ended whose time was over."""
        while True:
            shown = await self._database.read(read)
            nights = [one.gathering.night for one in shown]
            due = [night.film_night_id for night in nights if night.is_due(self._clock())]
            if not due:
                return shown
            for film_night_id in due:
                await self._ending.end_if_due(film_night_id)


def taking_part(tx: Transaction, film_night_id: str, user_id: str, *, lock: bool = False) -> FilmNight:
    """Returns a film night for somebody who takes part in it.

    Raises:
        NotFound: they do not, or there is none.
    """
    night = film_nights.by_id(tx, film_night_id, lock=lock) if "\x00" not in film_night_id else None
    if night is None or not film_nights.takes_part(tx, film_night_id, user_id):
        raise rules.unknown()
    return night
