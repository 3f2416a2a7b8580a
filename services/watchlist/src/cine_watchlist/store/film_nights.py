"""Film nights and who takes part."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from cine_watchlist.domain.film_night import Candidate, FilmNight, Gathering, Participant
from cine_watchlist.store import Transaction
from cine_watchlist.store.film_night_tables import candidates, choices, film_nights, participants
from cinemesh.db import upsert

_NIGHT = (
    film_nights.c.film_night_id,
    film_nights.c.host_id,
    film_nights.c.name,
    film_nights.c.starts_at,
    film_nights.c.closes_at,
    film_nights.c.vetoes_per_person,
    film_nights.c.created_at,
    film_nights.c.closed_at,
    film_nights.c.winner_movie_id,
    film_nights.c.version,
)
Position = tuple[str, str, str]
"""Where a page starts: part of the list, time and id of the last film night of the page before."""


def _of_row(row: Mapping[Any, Any]) -> FilmNight:
    return FilmNight(**row)


def insert(tx: Transaction, night: FilmNight, invite_digest: str) -> None:
    """Adds a film night and its host as the first who takes part."""
    row = {column.name: getattr(night, column.name) for column in _NIGHT}
    tx.execute(sa.insert(film_nights).values(**row, invite_digest=invite_digest))
    join(tx, night.film_night_id, night.host_id, night.created_at)


def by_id(tx: Transaction, film_night_id: str, *, lock: bool = False) -> FilmNight | None:
    """Returns a film night; with `lock` nobody else changes it, its films or its votes until the transaction ends."""
    return _one(tx, film_nights.c.film_night_id == film_night_id, lock=lock)


def by_invitation(tx: Transaction, invite_digest: str, *, lock: bool = False) -> FilmNight | None:
    """Returns the film night that an invitation opens."""
    return _one(tx, film_nights.c.invite_digest == invite_digest, lock=lock)


def _one(tx: Transaction, which: sa.ColumnElement[bool], *, lock: bool) -> FilmNight | None:
    query = sa.select(*_NIGHT).where(which)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else _of_row(row)


def touch(tx: Transaction, film_night_id: str) -> None:
    """Notes that a film night changed."""
    statement = sa.update(film_nights).where(film_nights.c.film_night_id == film_night_id)
    tx.execute(statement.values(version=film_nights.c.version + 1))


def close(tx: Transaction, film_night_id: str, closed_at: dt.datetime, winner_movie_id: int, result: str) -> None:
    """Keeps how a vote ended."""
    statement = sa.update(film_nights).where(film_nights.c.film_night_id == film_night_id)
    tx.execute(
        statement.values(
            closed_at=closed_at, winner_movie_id=winner_movie_id, result=result, version=film_nights.c.version + 1
        )
    )


def result(tx: Transaction, film_night_id: str) -> str | None:
    """Returns the count that was kept; None before the film night is closed."""
    found: str | None = tx.execute(
        sa.select(film_nights.c.result).where(film_nights.c.film_night_id == film_night_id)
    ).scalar_one_or_none()
    return found


def open_hosted(tx: Transaction, host_id: str) -> int:
    """Returns how many film nights of a host nobody has settled."""
    query = sa.select(sa.func.count()).where(film_nights.c.host_id == host_id, film_nights.c.closed_at.is_(None))
    return int(tx.execute(query).scalar_one())


def due(tx: Transaction, now: dt.datetime, limit: int) -> list[str]:
    """Returns ids of film nights whose vote should have ended by itself, the longest ago first."""
    query = sa.select(film_nights.c.film_night_id).where(film_nights.c.closed_at.is_(None))
    query = query.where(film_nights.c.closes_at <= now).order_by(film_nights.c.closes_at).limit(limit)
    return list(tx.execute(query).scalars())


def join(tx: Transaction, film_night_id: str, user_id: str, now: dt.datetime) -> None:
    """Adds somebody who takes part, unless they do already."""
    row = {"film_night_id": film_night_id, "user_id": user_id, "joined_at": now, "voted_at": None}
    upsert(tx, participants, [row], key=["film_night_id", "user_id"], update=[])


def takes_part(tx: Transaction, film_night_id: str, user_id: str) -> bool:
    """Returns whether somebody takes part."""
    query = sa.select(participants.c.user_id).where(
        participants.c.film_night_id == film_night_id, participants.c.user_id == user_id
    )
    return tx.execute(query).first() is not None


def people(tx: Transaction, film_night_id: str) -> list[str]:
    """Returns who takes part, in the order they joined."""
    query = sa.select(participants.c.user_id).where(participants.c.film_night_id == film_night_id)
    return list(tx.execute(query.order_by(participants.c.joined_at, participants.c.user_id)).scalars())


def gather(tx: Transaction, nights: Sequence[FilmNight]) -> list[Gathering]:
    """Returns film nights with their films and people, in the order given; three statements, however many there are."""
    ids = [night.film_night_id for night in nights]
    vetoed: dict[str, set[int]] = defaultdict(set)
    struck = sa.select(choices.c.film_night_id, choices.c.movie_id).where(choices.c.rank == 0)
    for row in tx.execute(struck.where(choices.c.film_night_id.in_(ids)).distinct()):
        vetoed[row.film_night_id].add(row.movie_id)
    proposed: dict[str, list[Candidate]] = defaultdict(list)
    query = sa.select(candidates).where(candidates.c.film_night_id.in_(ids)).order_by(candidates.c.number)
    for row in tx.execute(query):
        known = vetoed[row.film_night_id]
        proposed[row.film_night_id].append(
            Candidate(row.movie_id, row.proposed_by, row.struck or row.movie_id in known)
        )
    hosts = {night.film_night_id: night.host_id for night in nights}
    present: dict[str, list[Participant]] = defaultdict(list)
    query = sa.select(participants).where(participants.c.film_night_id.in_(ids))
    for row in tx.execute(query.order_by(participants.c.joined_at, participants.c.user_id)):
        one = Participant(row.user_id, row.voted_at is not None)
        first = row.user_id == hosts[row.film_night_id]
        present[row.film_night_id].insert(0 if first else len(present[row.film_night_id]), one)
    return [
        Gathering(night, tuple(proposed[night.film_night_id]), tuple(present[night.film_night_id])) for night in nights
    ]


def _mine(user_id: str, state: str, now: dt.datetime) -> sa.Select[Any]:
    taking_part = film_nights.c.film_night_id == participants.c.film_night_id
    query = sa.select(*_NIGHT).join(participants, taking_part).where(participants.c.user_id == user_id)
    over = sa.or_(film_nights.c.closed_at.is_not(None), sa.and_(_has_end(), film_nights.c.closes_at <= now))
    if state == "closed":
        query = query.where(over)
    elif state == "open":
        query = query.where(sa.not_(over))
    return query


def _has_end() -> sa.ColumnElement[bool]:
    return film_nights.c.closes_at.is_not(None)  # else NOT (NULL <= now) would be NULL


def count(tx: Transaction, user_id: str, state: str, now: dt.datetime) -> int:
    """Returns how many film nights somebody takes part in.

    Args:
        tx: a transaction.
        user_id: who.
        state: `open` or `closed`; empty for both.
        now: the present moment.
    """
    found = _mine(user_id, state, now).subquery()
    return int(tx.execute(sa.select(sa.func.count()).select_from(found)).scalar_one())


def page(
    tx: Transaction, user_id: str, state: str, now: dt.datetime, limit: int, after: Position | None
) -> list[tuple[FilmNight, Position]]:
    """Returns film nights that somebody takes part in, each with the position behind it.

    First those to come, next first; then those without a time, newest first; then those that were, latest first.

    Args:
        tx: a transaction.
        user_id: who.
        state: `open` or `closed`; empty for both.
        now: what is to come and what was; the same for all pages of a list.
        limit: most film nights.
        after: position behind the last one of the page before; None for the first page.
    """
    starts, ident = film_nights.c.starts_at, film_nights.c.film_night_id
    parts: dict[str, tuple[sa.ColumnElement[bool], sa.Column[Any], bool]] = {
        "coming": (starts >= now, starts, True),
        "undated": (starts.is_(None), film_nights.c.created_at, False),
        "past": (starts < now, starts, False),
    }
    found: list[tuple[FilmNight, Position]] = []
    names = list(parts)
    for name in names[names.index(after[0]) if after is not None else 0 :]:
        where, moment, ascending = parts[name]
        query = _mine(user_id, state, now).where(where)
        if after is not None and after[0] == name:
            behind = (moment, ident), (dt.datetime.fromisoformat(after[1]), after[2])
            query = query.where(_behind(*behind, ascending=ascending))
        order = (moment.asc(), ident.asc()) if ascending else (moment.desc(), ident.desc())
        for row in tx.execute(query.order_by(*order).limit(limit - len(found))).mappings():
            night = _of_row(row)
            key = night.created_at if night.starts_at is None else night.starts_at
            found.append((night, (name, key.isoformat(), night.film_night_id)))
        if len(found) == limit:
            break
    return found


def _behind(
    columns: tuple[sa.Column[Any], sa.Column[Any]], values: tuple[dt.datetime, str], *, ascending: bool
) -> sa.ColumnElement[bool]:
    (moment, ident), (when, film_night_id) = columns, values
    if ascending:
        return sa.or_(moment > when, sa.and_(moment == when, ident > film_night_id))
    return sa.or_(moment < when, sa.and_(moment == when, ident < film_night_id))


def lock_all_of(tx: Transaction, user_id: str) -> list[FilmNight]:
    """Locks every film night that somebody hosts or takes part in, and returns them."""
    mine = sa.select(participants.c.film_night_id).where(participants.c.user_id == user_id)
    query = sa.select(*_NIGHT).where(sa.or_(film_nights.c.film_night_id.in_(mine), film_nights.c.host_id == user_id))
    rows = tx.execute(query.order_by(film_nights.c.film_night_id).with_for_update()).mappings()
    return [_of_row(row) for row in rows]


def leave(tx: Transaction, user_id: str) -> None:
    """Takes somebody out of all film nights, with their votes; what they proposed stays, and does not say by whom."""
    tx.execute(sa.delete(participants).where(participants.c.user_id == user_id))
    tx.execute(sa.update(candidates).where(candidates.c.proposed_by == user_id).values(proposed_by=""))
    tx.execute(sa.update(film_nights).where(film_nights.c.host_id == user_id).values(host_id=""))


def delete_deserted(tx: Transaction, film_night_ids: Collection[str]) -> None:
    """Deletes those of some film nights in which nobody takes part any more."""
    left = sa.select(participants.c.film_night_id)
    which = film_nights.c.film_night_id
    tx.execute(sa.delete(film_nights).where(which.in_(film_night_ids), which.not_in(left)))
