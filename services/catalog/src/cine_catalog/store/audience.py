"""What people here did with films, in the store: applied from events in any order, read back as sums a film and day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine_catalog.domain.audience import Day
from cine_catalog.store.schema import doings
from cinemesh.db import upsert

RATING: Final = "rating"
WATCH: Final = "watch"
_IDS_IN_A_QUERY: Final = 500


@dataclass(frozen=True, slots=True)
class Doing:
    """A rating or a diary entry, as one event tells it.

    Attributes:
        kind: RATING or WATCH.
        doing_id: its id at Ratings.
        movie_id: the film.
        day: days since 1970-01-01, UTC.
        halves: half stars, 0 to 10; 0 for a watch.
        gone: whether it was taken back.
        told_at: when that became so; of two tellings the later holds.
    """

    kind: str
    doing_id: str
    movie_id: int
    day: int
    halves: int
    gone: bool
    told_at: dt.datetime


def apply(session: Session, told: Iterable[Doing], read_since: dt.datetime | None = None) -> set[int]:
    """Takes over what is not older than what is known. Returns the films whose figures may have changed.

    Args:
        session: the transaction.
        told: what events tell, or what a whole reading holds.
        read_since: when the reading began, where it is one: it knows better than everything told before, whatever the moments that
            its rows bear. An imported rating bears the one at which it was given elsewhere.
    """
    newest: dict[tuple[str, str], Doing] = {}
    for doing in told:
        known = newest.get((doing.kind, doing.doing_id))
        if known is None or doing.told_at >= known.told_at:
            newest[doing.kind, doing.doing_id] = doing
    ids = [doing_id for _, doing_id in newest]
    touched: set[int] = set()
    for start in range(0, len(ids), _IDS_IN_A_QUERY):
        known_rows = sa.select(doings.c.kind, doings.c.doing_id, doings.c.movie_id, doings.c.told_at).where(
            doings.c.doing_id.in_(ids[start : start + _IDS_IN_A_QUERY])
        )
        for kind, doing_id, movie_id, told_at in session.execute(known_rows).tuples():
            late = newest.get((kind, doing_id))
            if late is None:
                continue
            # at the same moment the later one told counts: one transaction may change a rating twice
            if told_at > (late.told_at if read_since is None else read_since):
                del newest[kind, doing_id]
                continue
            # events that come again after a reading must still be told from later ones
            newest[kind, doing_id] = replace(late, told_at=max(late.told_at, told_at))
            touched.add(movie_id)
    upsert(session, doings, [asdict(doing) for doing in newest.values()], key=["kind", "doing_id"])
    return touched | {doing.movie_id for doing in newest.values()}


def keep_only(session: Session, kind: str, ids: Collection[str], before: dt.datetime) -> None:
    """Marks as gone what a whole reading did not hold, unless it was told of since the reading began."""
    kept = set(ids)
    rows = sa.select(doings.c.doing_id).where(doings.c.kind == kind, ~doings.c.gone, doings.c.told_at < before)
    lost = [doing_id for doing_id in session.execute(rows).scalars() if doing_id not in kept]
    for start in range(0, len(lost), _IDS_IN_A_QUERY):
        session.execute(
            sa.update(doings)
            .where(doings.c.kind == kind, doings.c.doing_id.in_(lost[start : start + _IDS_IN_A_QUERY]))
            .values(gone=True, told_at=before)
        )


def told_since(session: Session, moment: dt.datetime) -> set[int]:
    """Returns the films that something was told of since; what another replica applied is among them."""
    return set(session.execute(sa.select(doings.c.movie_id).where(doings.c.told_at >= moment).distinct()).scalars())


def days(session: Session, movie_ids: Collection[int] | None = None) -> dict[int, list[Day]]:
    """Returns `movie_id` → its days, of all films or of some; a film without any is left out."""
    ratings = sa.func.sum(sa.case((doings.c.kind == RATING, 1), else_=0))
    statement = (
        sa.select(doings.c.movie_id, doings.c.day, ratings, sa.func.sum(doings.c.halves), sa.func.count())
        .where(~doings.c.gone)
        .group_by(doings.c.movie_id, doings.c.day)
        .order_by(doings.c.movie_id, doings.c.day)
    )
    found: dict[int, list[Day]] = {}
    for part in _parts(movie_ids):
        narrowed = statement if part is None else statement.where(doings.c.movie_id.in_(part))
        for movie_id, day, rated, halves, everything in session.execute(narrowed).tuples():
            found.setdefault(movie_id, []).append(Day(day, int(rated), int(halves), int(everything) - int(rated)))
    return found


def _parts(movie_ids: Collection[int] | None) -> Iterable[Sequence[int] | None]:
    if movie_ids is None:
        return [None]
    ordered = sorted(movie_ids)
    return [ordered[start : start + _IDS_IN_A_QUERY] for start in range(0, len(ordered), _IDS_IN_A_QUERY)]
