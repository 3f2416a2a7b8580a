"""What is known of a person, read whole in one statement, and the versions that tell whether it changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from cine_recommender.domain.known import Known, known_of
from cine_recommender.store import Transaction
from cine_recommender.store.doings import RATING
from cine_recommender.store.schema import doings, feedback, impressions, memories, people
from cinemesh.db import upsert

_MICROSECONDS: Final = 1_000_000
_WHOSE: Final[sa.BindParameter[str]] = sa.bindparam("whose", type_=memories.c.user_id.type)
_VERSION: Final = sa.select(memories.c.version).where(memories.c.user_id == _WHOSE)
_PART_VERSION, _PART_DOING, _PART_FEEDBACK = 0, 1, 2
# made once: it is part of nearly every answer
_EVERYTHING: Final = sa.union_all(
    sa.select(
        sa.literal(_PART_VERSION).label("part"),
        sa.literal("").label("kind"),
        sa.literal(0).label("movie_id"),
        sa.literal(0).label("halves"),
        memories.c.version.label("number"),
    ).where(memories.c.user_id == _WHOSE),
    sa.select(sa.literal(_PART_DOING), doings.c.source, doings.c.movie_id, doings.c.halves, doings.c.happened_at).where(
        doings.c.user_id == _WHOSE
    ),
    sa.select(
        sa.literal(_PART_FEEDBACK), feedback.c.kind, feedback.c.movie_id, sa.literal(0), feedback.c.said_at
    ).where(feedback.c.user_id == _WHOSE, feedback.c.holds.is_(True)),
)


def version(tx: Transaction, user_id: str) -> int:
    """Returns the version of what is known of a person; 0 when nothing ever was."""
    return tx.execute(_VERSION, {"whose": user_id}).scalar_one_or_none() or 0


def read(tx: Transaction, user_id: str) -> Known:
    """Returns what is known of a person, with its version, in one statement."""
    now, rated, watched, said = 0, dict[int, tuple[float, int]](), list[int](), list[tuple[str, int, int]]()
    for part, kind, movie_id, halves, number in tx.execute(_EVERYTHING, {"whose": user_id}).tuples():
        if part == _PART_VERSION:
            now = number
        elif part == _PART_FEEDBACK:
            said.append((kind, movie_id, number // _MICROSECONDS))
        elif kind == RATING:
            rated[movie_id] = (halves / 2, number)
        else:
            watched.append(movie_id)
    return known_of(rated, watched, said, now)


def bump(tx: Transaction, user_ids: Iterable[str]) -> None:
    """Gives people a new version, and holds their rows until the transaction ends: writers of one person take turns."""
    # in one order everywhere, so that nobody waits for anybody in a circle
    rows = [{"user_id": user_id, "version": 1} for user_id in sorted(set(user_ids)) if user_id]
    upsert(tx, memories, rows, key=["user_id"], update=[], add=["version"])


def bump_all(tx: Transaction) -> None:
    """Gives everybody a new version."""
    tx.execute(sa.update(memories).values(version=memories.c.version + 1))


def forget(tx: Transaction, user_id: str) -> None:
    """Drops the version of a person who left."""
    tx.execute(sa.delete(memories).where(memories.c.user_id == user_id))


def drop_departed(tx: Transaction) -> int:
    """Drops what was kept of people who left while it was under way. Returns how many rows there were."""
    left = sa.select(people.c.user_id).where(people.c.state == "deleted").scalar_subquery()
    total = 0
    for table in (doings, feedback, impressions, memories):
        gone = tx.execute(sa.delete(table).where(table.c.user_id.in_(left)).returning(table.c.user_id))
        total += len(gone.all())
    return total
