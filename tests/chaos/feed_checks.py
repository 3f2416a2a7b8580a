"""Whether everybody who follows Ratings holds what its tables give: nothing lost, nothing applied twice, nothing out of order."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cine.ratings.v1 import ratings_pb2, ratings_pb2_grpc
from cine_catalog.audience import day_of
from cine_catalog.store.schema import doings
from cine_ratings.store.review_tables import review_likes, reviews
from cine_ratings.store.schema import diary, film_counts, rating_counts, ratings
from cine_watchlist.store.seen_tables import seen
from cinemesh.db import Database, mesh_tables
from cinemesh.feed.log import Cursor, Position
from tests.chaos.follower import applied, counted, diary_value, rating_value, told

PHANTOM: Final = "chaos.Phantom"
"""Type of the events of transactions that were never committed."""
_EPOCH: Final = dt.date(1970, 1, 1)
_EXAMPLES: Final = 5
_FILMS_AT_ONCE: Final = 200
Table = Mapping[Hashable, Any]


@dataclass(frozen=True)
class Stores:
    """URLs of the stores of who tells and of who follows."""

    ratings: str
    catalog: str
    watchlist: str
    recommender: str

    def of(self, name: str) -> str:
        """Returns the URL of a service's store."""
        url: str = getattr(self, name)
        return url


@dataclass(frozen=True)
class Truth:
    """What Ratings holds, and what each follower must hold in consequence.

    Attributes:
        events: ids of the events, in the order of the feed.
        told: what the follower must have been told last, by kind and id.
        counted: what it must have counted, by kind, film and half stars; nothing that is 0.
        doings: rows of Catalog by kind and id: film, day and half stars.
        seen: rows of Watchlist by source and id: person and film.
    """

    events: Sequence[str]
    told: Table
    counted: Table
    doings: Table
    seen: Table


def truth(session: Session) -> Truth:
    """Reads the tables of Ratings."""
    outbox = mesh_tables.outbox
    events = session.execute(sa.select(outbox.c.event_id).order_by(outbox.c.xid, outbox.c.id)).scalars().all()
    rated = session.execute(sa.select(ratings)).all()
    watched = session.execute(sa.select(diary)).all()
    kept: dict[Hashable, Any] = {}
    for row in rated:
        halves = [row.overall, row.plot, row.acting, row.cinematography, row.soundtrack]
        kept["rating", row.rating_id] = rating_value(row.user_id, row.movie_id, halves)
    for row in watched:
        day = row.watched_on.isoformat()
        kept["diary", row.entry_id] = diary_value(row.user_id, row.movie_id, day, rewatch=row.rewatch)
    for row in session.execute(sa.select(reviews)).all():
        kept["review", row.review_id] = str(row.revision)
        if row.like_count:
            kept["likes", row.review_id] = str(row.like_count)
        if row.comment_count:
            kept["comments", row.review_id] = str(row.comment_count)
    for row in session.execute(sa.select(review_likes)).all():
        kept["like", f"{row.review_id} {row.user_id}"] = ""
    return Truth(
        events,
        kept,
        _counts(session),
        {
            **{("rating", row.rating_id): (row.movie_id, day_of(row.updated_at), row.overall) for row in rated},
            **{("watch", row.entry_id): (row.movie_id, (row.watched_on - _EPOCH).days, 0) for row in watched},
        },
        {
            **{("rating", row.rating_id): (row.user_id, row.movie_id) for row in rated},
            **{("diary", row.entry_id): (row.user_id, row.movie_id) for row in watched},
        },
    )


def _counts(session: Session) -> Table:
    found: dict[Hashable, int] = {}
    overall = sa.select(rating_counts).where(rating_counts.c.dimension == 0)
    for row in session.execute(overall).all():
        found["stars", row.movie_id, row.halves] = row.count
    for row in session.execute(sa.select(film_counts)).all():
        found["watches", row.movie_id, 0] = row.watch_count
        found["reviews", row.movie_id, 0] = row.review_count
    return {key: count for key, count in found.items() if count}


def recounted(held: Truth) -> list[str]:
    """Returns where the counts that Ratings keeps differ from its own rows."""
    found: dict[Hashable, int] = {}
    for kind, _, value in ((*key, value) for key, value in held.told.items()):  # type: ignore[misc]
        parts = value.split()
        if kind == "rating":
            key: Hashable = ("stars", int(parts[1]), int(parts[2]))
        elif kind == "diary":
            key = ("watches", int(parts[1]), 0)
        else:
            continue
        found[key] = found.get(key, 0) + 1
    kept = {key: count for key, count in held.counted.items() if key[0] != "reviews"}  # type: ignore[index]
    return differences("counts of ratings", found, kept)


def follower_differs(session: Session, held: Truth) -> list[str]:
    """Returns where the follower's tables differ from what they must hold."""
    order = session.execute(sa.select(applied.c.event_id).order_by(applied.c.place)).scalars().all()
    found = {(row.kind, row.thing_id): row.value for row in session.execute(sa.select(told)).all()}
    zero = {key for key, value in found.items() if key[0] in ("likes", "comments") and value == "0"}
    sums = {
        (row.kind, row.movie_id, row.halves): row.count
        for row in session.execute(sa.select(counted)).all()
        if row.count
    }
    return [
        *sequence_differs("events", held.events, order),
        *differences("what was told", held.told, {key: value for key, value in found.items() if key not in zero}),
        *differences("what was counted", held.counted, sums),
    ]


def catalog_differs(session: Session, held: Truth) -> list[str]:
    """Returns where the rows of Catalog differ from what they must hold."""
    rows = session.execute(sa.select(doings).where(~doings.c.gone)).all()
    found = {(row.kind, row.doing_id): (row.movie_id, row.day, row.halves) for row in rows}
    return differences("doings of Catalog", held.doings, found)


def watchlist_differs(session: Session, held: Truth) -> list[str]:
    """Returns where the rows of Watchlist differ from what they must hold."""
    rows = session.execute(sa.select(seen).where(~seen.c.gone)).all()
    found = {(row.source, row.source_id): (row.user_id, row.movie_id) for row in rows}
    return differences("films seen of Watchlist", held.seen, found)


def parked(session: Session) -> list[str]:
    """Returns the errors of events that were put aside."""
    table = mesh_tables.feed_parked
    errors = session.execute(sa.select(table.c.consumer, table.c.error)).all()
    return [f"{row.consumer} put an event aside: {row.error}" for row in errors]


def reached(session: Session, consumer: str) -> Position:
    """Returns how far a consumer has come."""
    table = mesh_tables.feed_cursor
    text = session.execute(sa.select(table.c.cursor).where(table.c.consumer == consumer)).scalar_one_or_none()
    return Cursor.decode(text).position if text else Position(0, 0)


def differences(what: str, expected: Table, found: Table) -> list[str]:
    """Returns one line for each way in which two tables differ, with examples; none when they are equal."""
    missing = [key for key in expected if key not in found]
    beyond = [key for key in found if key not in expected]
    other = [key for key in expected if key in found and expected[key] != found[key]]
    lines = []
    if missing:
        lines.append(f"{what}: {len(missing)} missing, such as {[(k, expected[k]) for k in missing[:_EXAMPLES]]}")
    if beyond:
        lines.append(f"{what}: {len(beyond)} too many, such as {[(k, found[k]) for k in beyond[:_EXAMPLES]]}")
    if other:
        examples = [(k, expected[k], found[k]) for k in other[:_EXAMPLES]]
        lines.append(f"{what}: {len(other)} not as they must be, such as {examples}")
    return lines


def sequence_differs(what: str, expected: Sequence[str], found: Sequence[str]) -> list[str]:
    """Returns one line for each way in which two sequences of ids differ; none when they are equal."""
    if list(expected) == list(found):
        return []
    lost, strange = set(expected) - set(found), set(found) - set(expected)
    lines = [f"{what}: {len(lost)} of {len(expected)} lost"] if lost else []
    if strange:
        lines.append(f"{what}: {len(strange)} that nobody told")
    if len(found) != len(set(found)):
        lines.append(f"{what}: {len(found) - len(set(found))} applied twice")
    if not lines:
        place = next(i for i, (one, other) in enumerate(zip(expected, found, strict=True)) if one != other)
        lines.append(f"{what}: in another order from number {place} on")
    return lines


async def served_differs(catalog: str, ratings_at: str, films: int, seconds: float) -> list[str]:
    """Returns where the means that Catalog serves differ from those of Ratings, once it had so long to take in what it was told.

    Args:
        catalog: its address.
        ratings_at: address of Ratings, where nobody writes any more.
        films: ids of films are 1 to this.
        seconds: longest time until they agree.
    """
    async with grpc.aio.insecure_channel(catalog) as to_catalog, grpc.aio.insecure_channel(ratings_at) as to_ratings:
        told_of: Any = ratings_pb2_grpc.RatingsServiceStub(to_ratings)
        asked: Any = catalog_pb2_grpc.CatalogServiceStub(to_catalog)
        ids = range(1, films + 1)
        owned = [await told_of.GetMovieRatings(ratings_pb2.GetMovieRatingsRequest(movie_id=film)) for film in ids]
        expected = {one.movie_id: _sum(one.rating_count, one.average_rating) for one in owned}
        until = time.monotonic() + seconds
        while True:
            found: dict[Hashable, Any] = {}
            for start in range(0, films, _FILMS_AT_ONCE):
                request = catalog_pb2.BatchGetMoviesRequest(movie_ids=ids[start : start + _FILMS_AT_ONCE])
                for one in (await asked.BatchGetMovies(request)).movies:
                    found[one.movie_id] = _sum(one.rating_count, one.average_rating)
            lines = differences("means that Catalog serves", expected, found)
            if not lines or time.monotonic() > until:
                return lines
            await asyncio.sleep(0.2)


def _sum(count: int, mean: float) -> tuple[int, int]:
    """Returns the number of ratings and of their half stars, which is whole where a mean is not."""
    return count, round(count * mean * 2)


async def compare(stores: Stores) -> tuple[int, list[str]]:
    """Reads all stores, whose services are stopped. Returns the number of events, and every difference."""
    async with Database(stores.ratings) as database:
        held = await database.read(truth)
        phantoms = sa.select(sa.func.count()).where(mesh_tables.outbox.c.type == PHANTOM)
        count = await database.read(lambda session: int(session.execute(phantoms).scalar_one()))
    found = [f"{count} events of transactions that were never committed"] if count else []
    found += recounted(held)
    for url, differs in (
        (stores.recommender, follower_differs),
        (stores.catalog, catalog_differs),
        (stores.watchlist, watchlist_differs),
    ):
        async with Database(url) as database:
            found += await database.read(lambda session, differs=differs: differs(session, held))  # type: ignore[misc]
            found += await database.read(parked)
    return len(held.events), found
