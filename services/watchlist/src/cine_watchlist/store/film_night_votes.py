"""Films proposed for film nights, and votes on them. Lock the film night before you change either."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from cine_watchlist.domain.ranked_vote import Ballot
from cine_watchlist.store import Transaction
from cine_watchlist.store.film_night_tables import candidates, choices, participants


def proposed(tx: Transaction, film_night_id: str) -> dict[int, str]:
    """Returns the films proposed, first proposed first, and who proposed each."""
    query = sa.select(candidates.c.movie_id, candidates.c.proposed_by)
    query = query.where(candidates.c.film_night_id == film_night_id).order_by(candidates.c.number)
    return {row.movie_id: row.proposed_by for row in tx.execute(query)}


def propose(tx: Transaction, film_night_id: str, movie_ids: Sequence[int], user_id: str) -> None:
    """Adds films behind those that were proposed before; none of them may be there already."""
    highest = sa.select(sa.func.max(candidates.c.number)).where(candidates.c.film_night_id == film_night_id)
    last = tx.execute(highest).scalar_one() or 0
    rows = [
        {
            "film_night_id": film_night_id,
            "movie_id": movie_id,
            "number": number,
            "proposed_by": user_id,
            "struck": False,
        }
        for number, movie_id in enumerate(movie_ids, last + 1)
    ]
    if rows:
        tx.execute(sa.insert(candidates), rows)


def withdraw(tx: Transaction, film_night_id: str, movie_id: int) -> None:
    """Takes a film away, out of all votes too."""
    which = (candidates.c.film_night_id == film_night_id, candidates.c.movie_id == movie_id)
    tx.execute(sa.delete(candidates).where(*which))


def strike(tx: Transaction, film_night_id: str, movie_ids: Collection[int]) -> None:
    """Keeps which films were struck out in the end."""
    which = (candidates.c.film_night_id == film_night_id, candidates.c.movie_id.in_(movie_ids))
    tx.execute(sa.update(candidates).where(*which).values(struck=True))


def cast(
    tx: Transaction, film_night_id: str, user_id: str, ranked: Sequence[int], vetoed: Sequence[int], now: dt.datetime
) -> None:
    """Keeps somebody's vote in place of the one before."""
    mine = (choices.c.film_night_id == film_night_id, choices.c.user_id == user_id)
    tx.execute(sa.delete(choices).where(*mine))
    ranks = [*enumerate(ranked, 1), *((0, movie_id) for movie_id in vetoed)]
    rows = [
        {"film_night_id": film_night_id, "user_id": user_id, "movie_id": movie_id, "rank": rank}
        for rank, movie_id in ranks
    ]
    if rows:
        tx.execute(sa.insert(choices), rows)
    voter = (participants.c.film_night_id == film_night_id, participants.c.user_id == user_id)
    tx.execute(sa.update(participants).where(*voter).values(voted_at=now))


def ballots(tx: Transaction, film_night_id: str) -> list[Ballot]:
    """Returns every vote, empty ones too."""
    voted = (participants.c.film_night_id == film_night_id, participants.c.voted_at.is_not(None))
    voters: list[str] = list(tx.execute(sa.select(participants.c.user_id).where(*voted)).scalars())
    ranked: dict[str, list[int]] = defaultdict(list)
    vetoed: dict[str, set[int]] = defaultdict(set)
    query = sa.select(choices).where(choices.c.film_night_id == film_night_id).order_by(choices.c.rank)
    for row in tx.execute(query):
        if row.rank:
            ranked[row.user_id].append(row.movie_id)
        else:
            vetoed[row.user_id].add(row.movie_id)
    return [Ballot(tuple(ranked[voter]), frozenset(vetoed[voter])) for voter in voters]


def ballot_of(tx: Transaction, film_night_id: str, user_id: str) -> Ballot:
    """Returns somebody's vote; an empty one while they have not voted."""
    mine = (choices.c.film_night_id == film_night_id, choices.c.user_id == user_id)
    rows = tx.execute(sa.select(choices.c.movie_id, choices.c.rank).where(*mine).order_by(choices.c.rank)).all()
    return Ballot(
        tuple(one.movie_id for one in rows if one.rank), frozenset(one.movie_id for one in rows if not one.rank)
    )


def voters(tx: Transaction, film_night_id: str) -> int:
    """Returns how many people have voted."""
    voted = (participants.c.film_night_id == film_night_id, participants.c.voted_at.is_not(None))
    return int(tx.execute(sa.select(sa.func.count()).where(*voted)).scalar_one())
