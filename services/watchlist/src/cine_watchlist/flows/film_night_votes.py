"""Film nights: proposing films, voting on them, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cine_watchlist.domain import film_night as rules
from cine_watchlist.domain.film_night import FilmNight
from cine_watchlist.domain.lists import require_room
from cine_watchlist.domain.ranked_vote import Count, in_words
from cine_watchlist.flows.film_night_ending import FilmNightEnding
from cine_watchlist.flows.film_night_showing import FilmNightShowing, ShownNight
from cine_watchlist.flows.film_nights import taking_part
from cine_watchlist.store import Transaction, film_night_votes, film_nights
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import NotFound, PermissionDenied
from cinemesh.projections import Films, People


@dataclass(frozen=True, slots=True)
class Result:
    """What a vote came to, or stands at.

    Attributes:
        closed: whether it has ended.
        count: the count.
        tie_break: how ties were broken, in words.
    """

    closed: bool
    count: Count
    tie_break: str


class FilmNightVotes:
    """Changes films and votes of film nights. Every change locks the film night, so none comes behind its end.

    Args:
        database: the store.
        films: which films there are.
        people: who is still there.
        showing: puts together what is shown.
        ending: counts, and ends votes.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        films: Films,
        people: People,
        showing: FilmNightShowing,
        ending: FilmNightEnding,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._films = films
        self._people = people
        self._showing = showing
        self._ending = ending
        self._clock = clock

    async def add_candidate(self, user_id: str, film_night_id: str, movie_id: int) -> ShownNight:
        """Proposes a film; one that was proposed already stays as it is.

        Raises:
            NotFound: the caller takes part in no such film night, or there is no such film.
            FailedPrecondition: the vote has ended, or enough films were proposed.
        """
        await self._database.read(lambda tx: taking_part(tx, film_night_id, user_id))
        await self._films.require([movie_id])

        def change(tx: Transaction) -> ShownNight:
            self._locked(tx, film_night_id, user_id)
            proposed = film_night_votes.proposed(tx, film_night_id)
            if movie_id not in proposed:
                require_room(len(proposed) + 1, rules.MOST_CANDIDATES, "{} films at most are proposed for a film night")
                film_night_votes.propose(tx, film_night_id, [movie_id], user_id)
                film_nights.touch(tx, film_night_id)
            return self._showing.one(tx, film_night_id)

        return await self._database.write(change)

    async def remove_candidate(self, user_id: str, film_night_id: str, movie_id: int) -> None:
        """Withdraws a film, out of all votes too.

        Raises:
            NotFound: the caller takes part in no such film night, or the film was not proposed.
            PermissionDenied: somebody else proposed it, and the caller is not the host.
            FailedPrecondition: the vote has ended.
        """

        def change(tx: Transaction) -> None:
            night = self._locked(tx, film_night_id, user_id)
            proposed = film_night_votes.proposed(tx, film_night_id)
            if movie_id not in proposed:
                problem = "was not proposed for this film night"
                raise NotFound(f"film {movie_id} {problem}", violations=[("movie_id", problem)])
            if user_id not in (proposed[movie_id], night.host_id):
                raise PermissionDenied("only who proposed a film, and the host, may withdraw it")
            film_night_votes.withdraw(tx, film_night_id, movie_id)
            film_nights.touch(tx, film_night_id)

        await self._database.write(change)

    async def cast(self, user_id: str, film_night_id: str, ranked: Sequence[int], vetoed: Sequence[int]) -> int:
        """Casts the caller's vote in place of the one before. Returns how many people have voted.

        Raises:
            NotFound: the caller takes part in no such film night.
            FailedPrecondition: the vote has ended.
            InvalidArgument: a film was not proposed or stands twice, or too many are struck out.
        """

        def change(tx: Transaction) -> int:
            night = self._locked(tx, film_night_id, user_id)
            rules.check_vote(night, film_night_votes.proposed(tx, film_night_id), ranked, vetoed)
            film_night_votes.cast(tx, film_night_id, user_id, ranked, vetoed, self._clock())
            film_nights.touch(tx, film_night_id)
            return film_night_votes.voters(tx, film_night_id)

        return await self._database.write(change)

    async def close(self, user_id: str, film_night_id: str) -> ShownNight:
        """Ends the vote; one that has ended stays as it is.

        Raises:
            NotFound: the caller takes part in no such film night.
            PermissionDenied: the caller is not the host.
        """

        def change(tx: Transaction) -> ShownNight:
            self._people.require_present(tx, user_id)
            night = taking_part(tx, film_night_id, user_id, lock=True)
            rules.require_host(night, user_id)
            self._ending.end(tx, night)
            return self._showing.one(tx, film_night_id)

        return await self._database.write(change)

    async def result(self, user_id: str, film_night_id: str) -> Result:
        """Returns the count: final once the vote has ended, as it stands before.

        Raises:
            NotFound: the caller takes part in no such film night.
        """
        await self._database.read(lambda tx: taking_part(tx, film_night_id, user_id))
        await self._ending.end_if_due(film_night_id)

        def read(tx: Transaction) -> Result:
            night = taking_part(tx, film_night_id, user_id)
            count = self._ending.count(tx, film_night_id)
            cards = self._films.cards(tx, {film for tie in count.ties for film in tie.tied})
            titles = {movie_id: card.title for movie_id, card in cards.items()}
            return Result(night.closed_at is not None, count, in_words(count.ties, titles))

        return await self._database.read(read)

    def _locked(self, tx: Transaction, film_night_id: str, user_id: str) -> FilmNight:
        """Returns an open film night that the caller takes part in, locked."""
        self._people.require_present(tx, user_id)
        night = taking_part(tx, film_night_id, user_id, lock=True)
        rules.require_open(night, self._clock())
        return night
