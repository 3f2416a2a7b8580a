"""How votes of film nights end: by their host, by time, or because the host's account is gone."""

from __future__ import annotations

import asyncio
import json
import random

from cine.watchlist.v1 import events_pb2
from cine_watchlist.domain.film_night import FilmNight
from cine_watchlist.domain.ranked_vote import Count, count
from cine_watchlist.store import Transaction, film_night_votes, film_nights
from cinemesh import telemetry
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.outbox import Outbox

_EVERY_SECONDS = 15.0
_AT_ONCE = 100
_log = telemetry.logger("watchlist")


class FilmNightEnding:
    """Counts, keeps the result and tells of it, in one transaction.

    The result stays as it was counted: whoever leaves afterwards takes their vote along, not what came of it.

    Args:
        database: the store.
        outbox: tells other services.
        clock: tells the time.
    """

    def __init__(self, database: Database, outbox: Outbox, clock: Clock = utc_now) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock

    def count(self, tx: Transaction, film_night_id: str) -> Count:
        """Returns the count: the one kept, or as it stands."""
        kept = film_nights.result(tx, film_night_id)
        if kept is not None:
            return Count.of(json.loads(kept))
        proposed = film_night_votes.proposed(tx, film_night_id)
        return count(list(proposed), film_night_votes.ballots(tx, film_night_id))

    def end(self, tx: Transaction, night: FilmNight) -> None:
        """Ends a vote; one that has ended already stays as it is. The film night must be locked."""
        if night.closed_at is not None:
            return
        now = self._clock()
        counted = self.count(tx, night.film_night_id)
        closed_at = night.closes_at if night.is_due(now) and night.closes_at is not None else now
        film_nights.close(tx, night.film_night_id, closed_at, counted.winner, json.dumps(counted.document()))
        film_night_votes.strike(tx, night.film_night_id, counted.vetoed)
        event = events_pb2.FilmNightClosed(
            film_night_id=night.film_night_id,
            winner_movie_id=counted.winner,
            user_ids=film_nights.people(tx, night.film_night_id),
        )
        self._outbox.append(tx, subject=f"film-nights/{night.film_night_id}", data=event, time=now)

    async def end_if_due(self, film_night_id: str) -> bool:
        """Ends a vote whose time is over. Returns whether this call did; of several at once, one does."""

        def change(tx: Transaction) -> bool:
            night = film_nights.by_id(tx, film_night_id, lock=True)
            if night is None or not night.is_due(self._clock()):
                return False
            self.end(tx, night)
            return True

        return await self._database.write(change)

    async def end_all_due(self) -> int:
        """Ends every vote whose time is over. Returns how many."""
        ended = 0
        while True:
            due = await self._database.read(lambda tx: film_nights.due(tx, self._clock(), _AT_ONCE))
            for film_night_id in due:
                ended += await self.end_if_due(film_night_id)
            if len(due) < _AT_ONCE:
                return ended

    async def run(self) -> None:
        """Ends votes in time until cancelled; what fails is tried again. Who looks at a film night does not wait for this."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS * random.uniform(0.8, 1.2))
            try:
                await self.end_all_due()
            except Exception:
                _log.exception("votes could not be ended")

    def forget(self, tx: Transaction, user_id: str) -> None:
        """Takes somebody whose account is gone out of all film nights.

        Their votes go, except from results already counted; films they proposed stay. Nobody is made host in their place: a vote that they
        hosted ends with the count as it stands, and a film night in which nobody else takes part goes.
        """
        nights = film_nights.lock_all_of(tx, user_id)
        film_nights.leave(tx, user_id)
        film_nights.delete_deserted(tx, [night.film_night_id for night in nights])
        for night in nights:
            film_nights.touch(tx, night.film_night_id)
            if night.host_id == user_id and film_nights.by_id(tx, night.film_night_id) is not None:
                self.end(tx, night)
