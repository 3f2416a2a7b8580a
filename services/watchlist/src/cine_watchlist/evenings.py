"""Wires film nights, the lists that everyone knows, and what people have seen; `app.py` takes all of it in with a few lines."""

from __future__ import annotations

import asyncio
from typing import Any

from cine_watchlist.canon import canon_lists
from cine_watchlist.domain.links import Links
from cine_watchlist.flows.canon import Canon
from cine_watchlist.flows.film_night_ending import FilmNightEnding
from cine_watchlist.flows.film_night_showing import FilmNightShowing
from cine_watchlist.flows.film_night_votes import FilmNightVotes
from cine_watchlist.flows.film_nights import FilmNights
from cine_watchlist.flows.seen_films import SeenFilms
from cine_watchlist.servicer.canon import CanonServicer
from cine_watchlist.servicer.film_nights import FilmNightServicer
from cine_watchlist.settings import WatchlistSettings
from cine_watchlist.store import Transaction, seen
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.housekeeping import Job
from cinemesh.idempotency import RequestIds
from cinemesh.outbox import Outbox
from cinemesh.paging import PageTokens
from cinemesh.projections import Films, People
from cinemesh.server import Probe


class Evenings:
    """Film nights and what belongs to them.

    Attributes:
        ending: ends votes in time.
        seen_films: follows Ratings.

    Args:
        settings: where Ratings is, and what links begin with.
        database: the store.
        outbox: tells other services.
        clock: tells the time.
    """

    def __init__(self, settings: WatchlistSettings, database: Database, outbox: Outbox, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self.ending = FilmNightEnding(database, outbox, clock)
        self.seen_films = SeenFilms(settings, database, clock)
        self._task: asyncio.Task[None] | None = None

    def servicers(
        self, films: Films, people: People, request_ids: RequestIds, links: Links, pages: PageTokens
    ) -> dict[str, Any]:
        """Returns the servicers by the name of their gRPC service.

        Args:
            films: which films there are.
            people: who is still there.
            request_ids: lets an attempt that is sent again have one effect.
            links: makes the links that invite.
            pages: makes page tokens.
        """
        database, clock, ending = self._database, self._clock, self.ending
        showing = FilmNightShowing(films, people, links, self._settings.public_address)
        nights = FilmNights(database, films, people, request_ids, showing, ending, clock)
        votes = FilmNightVotes(database, films, people, showing, ending, clock)
        return {
            "FilmNightService": FilmNightServicer(nights, votes, pages),
            "CanonService": CanonServicer(Canon(database, films, canon_lists()), pages),
        }

    async def start(self) -> None:
        """Begins to follow Ratings, and to end votes in time."""
        await self.seen_films.start()
        self._task = asyncio.create_task(self.ending.run(), name="film nights")

    async def stop(self) -> None:
        """Ends both."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.seen_films.stop()

    def forget(self, tx: Transaction, user_id: str) -> None:
        """Drops what somebody who left has seen, and takes them out of film nights."""
        self.ending.forget(tx, user_id)
        seen.forget(tx, user_id)

    def jobs(self) -> dict[str, Job]:
        """Returns what housekeeping does here."""
        return {"seen": self.seen_films.prune}

    def probes(self) -> dict[str, Probe]:
        """Asks whether Ratings is followed."""
        return {"seen": Probe(self.seen_films.probe, required=False)}
