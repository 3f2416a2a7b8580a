"""Film nights that somebody hosts, for the access table: for those who take part, and nobody else hears of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, Final

from google.protobuf.message import Message
from ulid import ULID

from cine.watchlist.v1 import film_night_pb2 as pb
from cine_watchlist.domain.film_night import FilmNight
from cine_watchlist.store import Transaction, film_night_votes, film_nights, schema
from cinemesh.testing.catalogue import film
from cinemesh.testing.seeds import seed_films

from .owned_things import Owned

_PROPOSED: Final = 1
_OTHER: Final = 2


def _acting(request: Callable[[str], Message], *, reads: bool = False) -> Callable[[Any, str], Awaitable[Owned]]:
    async def make(app: Any, user_id: str) -> Owned:
        film_night_id = str(ULID())

        def put(tx: Transaction) -> None:
            seed_films(tx, schema.films, [film(_PROPOSED, "Alien", year=1979), film(_OTHER, "Brazil", year=1985)])
            now = dt.datetime.now(dt.UTC)
            film_nights.insert(tx, FilmNight(film_night_id, user_id, "Friday", None, None, 1, now), film_night_id)
            film_night_votes.propose(tx, film_night_id, [_PROPOSED], user_id)

        await app.database.write(put)
        first = await app.database.read(lambda tx: film_nights.by_id(tx, film_night_id))

        async def remains() -> bool:
            return bool(await app.database.read(lambda tx: film_nights.by_id(tx, film_night_id)) == first)

        return Owned(request(film_night_id), remains, reads=reads)

    return make


_SERVICE: Final = "/cine.watchlist.v1.FilmNightService"
OWNED_FILM_NIGHTS: Final[dict[str, Callable[[Any, str], Awaitable[Owned]]]] = {
    f"{_SERVICE}/GetFilmNight": _acting(lambda one: pb.GetFilmNightRequest(film_night_id=one), reads=True),
    f"{_SERVICE}/AddCandidate": _acting(lambda one: pb.AddCandidateRequest(film_night_id=one, movie_id=_OTHER)),
    f"{_SERVICE}/RemoveCandidate": _acting(
        lambda one: pb.RemoveCandidateRequest(film_night_id=one, movie_id=_PROPOSED)
    ),
    f"{_SERVICE}/CastVote": _acting(lambda one: pb.CastVoteRequest(film_night_id=one, ranked_movie_ids=[_PROPOSED])),
    f"{_SERVICE}/CloseFilmNight": _acting(lambda one: pb.CloseFilmNightRequest(film_night_id=one)),
    f"{_SERVICE}/GetFilmNightResult": _acting(lambda one: pb.GetFilmNightResultRequest(film_night_id=one), reads=True),
}
