"""Film nights: who takes part, what was proposed, and what may be done while the vote is open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cinemesh.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied

MOST_CANDIDATES = 50
MOST_PARTICIPANTS = 50
MOST_OPEN_NIGHTS = 100
"""Open film nights one person may host."""

LINK = "film-night"
"""Kind of the links that invite; a film night has one for good, so they need no seed."""


@dataclass(frozen=True, slots=True)
class FilmNight:
    """A film night.

    Attributes:
        film_night_id: ULID.
        host_id: account of who planned it; empty when it was deleted.
        name: what it is called, 1 to 100 characters.
        starts_at: when the film starts; None when not settled.
        closes_at: when the vote ends by itself; None when the host ends it.
        vetoes_per_person: films each person may strike out, 0 to 5.
        created_at: when it was planned.
        closed_at: when the vote was settled; None before.
        winner_movie_id: the film that won; 0 before, and when there is none.
        version: grows with every change.
    """

    film_night_id: str
    host_id: str
    name: str
    starts_at: dt.datetime | None
    closes_at: dt.datetime | None
    vetoes_per_person: int
    created_at: dt.datetime
    closed_at: dt.datetime | None = None
    winner_movie_id: int = 0
    version: int = 1

    def is_open(self, now: dt.datetime) -> bool:
        """Whether films may be proposed and votes cast."""
        return self.closed_at is None and not self.is_due(now)

    def is_due(self, now: dt.datetime) -> bool:
        """Whether its time is over and nobody has settled the vote yet."""
        return self.closed_at is None and self.closes_at is not None and self.closes_at <= now


@dataclass(frozen=True, slots=True)
class Candidate:
    """A film proposed.

    Attributes:
        movie_id: the film.
        proposed_by: account of who proposed it; empty when it was deleted.
        vetoed: whether somebody struck it out.
    """

    movie_id: int
    proposed_by: str
    vetoed: bool = False


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who takes part.

    Attributes:
        user_id: the account.
        has_voted: whether the person has voted.
    """

    user_id: str
    has_voted: bool = False


@dataclass(frozen=True, slots=True)
class Gathering:
    """A film night with its films and people.

    Attributes:
        night: the film night.
        candidates: films proposed, first proposed first.
        participants: who takes part, the host first, then in the order they joined.
    """

    night: FilmNight
    candidates: tuple[Candidate, ...]
    participants: tuple[Participant, ...]


def unknown() -> NotFound:
    """Returns what others than those who take part are told: a film night is nobody else's business, nor is that there is one."""
    return NotFound("you take part in no film night of this id", violations=[("film_night_id", "is not known")])


def check_times(starts_at: dt.datetime | None, closes_at: dt.datetime | None) -> None:
    """Checks that a vote ends before its film starts.

    Raises:
        InvalidArgument: it does not.
    """
    if starts_at is not None and closes_at is not None and closes_at > starts_at:
        problem = "must not be after starts_at: the film has to be settled by then"
        raise InvalidArgument(f"closes_at {problem}", violations=[("closes_at", problem)])


def require_open(night: FilmNight, now: dt.datetime) -> None:
    """Checks that the vote goes on.

    Raises:
        FailedPrecondition: it has ended.
    """
    if not night.is_open(now):
        raise FailedPrecondition("the vote of this film night has ended")


def require_host(night: FilmNight, user_id: str) -> None:
    """Checks that a participant is the host.

    Raises:
        PermissionDenied: somebody else is.
    """
    if night.host_id != user_id:
        raise PermissionDenied("only the host may do this")


def check_vote(night: FilmNight, candidates: Collection[int], ranked: Sequence[int], vetoed: Sequence[int]) -> None:
    """Checks a vote.

    Args:
        night: the film night.
        candidates: films proposed.
        ranked: films, best first.
        vetoed: films to strike out.

    Raises:
        InvalidArgument: a film was not proposed, stands twice or in both lists, or too many are struck out.
    """
    problems = [
        (f"{name}[{place}]", "was not proposed for this film night")
        for name, films in (("ranked_movie_ids", ranked), ("vetoed_movie_ids", vetoed))
        for place, film in enumerate(films)
        if film not in candidates
    ]
    if len({*ranked, *vetoed}) < len(ranked) + len(vetoed):
        problems.append(("ranked_movie_ids", "and vetoed_movie_ids must name each film once at most"))
    if len(vetoed) > night.vetoes_per_person:
        allowed = night.vetoes_per_person
        problems.append(("vetoed_movie_ids", f"must hold {allowed} at most: more are not allowed here"))
    if problems:
        field_, problem = problems[0]
        raise InvalidArgument(f"{field_} {problem}", violations=problems)
