"""Rows of the table "film": made of what the catalogue says, written and read."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cine.common.v1 import film_card_pb2
from cinemesh import cards
from cinemesh.db import upsert
from cinemesh.projections.titles import sort_title

REMOVED: Final = "-"
"""In `wanted`: the feed said that the film left the catalogue."""
_CARD_FIELDS: Final = tuple(field.name for field in film_card_pb2.FilmCard.DESCRIPTOR.fields)
# a mark that came meanwhile is never overwritten
_FACTS: Final = (
    "title",
    "sort_title",
    "year",
    "runtime_minutes",
    "genres",
    "directors",
    "streaming_services",
    "imdb_id",
    "tmdb_id",
    "card",
    "gone",
)
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """A film that changed and was not read since.

    Attributes:
        movie_id: which.
        etag: the one that the feed announced, or `REMOVED`.
    """

    movie_id: int
    etag: str


def row_of_card(card: film_card_pb2.FilmCard) -> dict[str, Any]:
    """Returns the row of a film of which the card alone is known."""
    return {
        "movie_id": card.movie_id,
        "title": card.title,
        "sort_title": sort_title(card.title),
        "alternative_titles": [],
        "countries": [],
        "year": card.year,
        "runtime_minutes": card.runtime_minutes,
        "genres": list(card.genres),
        "directors": list(card.directors),
        "streaming_services": list(card.streaming_services),
        "imdb_id": card.imdb_id[:16],
        "tmdb_id": card.tmdb_id,
        "card": card.SerializeToString(),
        "etag": "",
        "wanted": "",
        "gone": False,
    }


def row_of(movie: Any) -> dict[str, Any]:
    """Returns the row of a film, from a `GetMovieResponse`."""
    card = cards.film_card({name: getattr(movie, name) for name in _CARD_FIELDS})
    beyond = {
        "alternative_titles": list(movie.alternative_titles),
        "countries": list(movie.countries),
        "etag": announced_etag(movie),
    }
    return {**row_of_card(card), **beyond}


def announced_etag(movie: Any) -> str:
    """Returns the etag that the feed announces for a film as it is in a `GetMovieResponse`."""
    etag: str = movie.etag
    return etag.partition(".")[0]


def put(session: Session, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows made by `row_of`."""
    upsert(session, table, rows, key=["movie_id"], update=[*_FACTS, "alternative_titles", "countries", "etag"])


def put_cards(session: Session, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows made by `row_of_card`; what is known beyond the card stays."""
    upsert(session, table, rows, key=["movie_id"], update=_FACTS)


def mark(session: Session, table: sa.Table, movie_id: int, etag: str) -> None:
    """Notes that a film changed, or with `REMOVED` that it is gone, until it is read again."""
    blank = row_of_card(film_card_pb2.FilmCard(movie_id=movie_id))
    gone = etag == REMOVED
    row = {**blank, "card": b"", "wanted": etag, "gone": gone}
    upsert(session, table, [row], key=["movie_id"], update=["wanted", "gone"] if gone else ["wanted"])


def forget_marks(session: Session, table: sa.Table) -> None:
    """Takes every mark off: everything is going to be read anyway."""
    session.execute(sa.update(table).where(table.c.wanted != "").values(wanted=""))


def settle_marks(session: Session, table: sa.Table) -> None:
    """Takes the marks off films whose announced version was read."""
    session.execute(sa.update(table).where(table.c.wanted != "", table.c.wanted == table.c.etag).values(wanted=""))


def marked(session: Session, table: sa.Table, limit: int) -> list[Wanted]:
    """Returns films that changed and were not read since."""
    found = sa.select(table.c.movie_id, table.c.wanted).where(table.c.wanted != "").order_by(table.c.movie_id)
    return [Wanted(movie_id, etag) for movie_id, etag in session.execute(found.limit(limit)).tuples()]


def etags(session: Session, table: sa.Table) -> dict[int, str]:
    """Returns the etag of every film that is there and not gone."""
    present = sa.select(table.c.movie_id, table.c.etag).where(sa.not_(table.c.gone), table.c.card != b"")
    return dict(session.execute(present).tuples().all())


def take_out(session: Session, table: sa.Table, movie_ids: Collection[int]) -> None:
    """Notes that films left the catalogue, those excepted that changed since."""
    everything = sorted(movie_ids)
    for start in range(0, len(everything), _CHUNK):
        some = everything[start : start + _CHUNK]
        left = sa.update(table).where(table.c.movie_id.in_(some), table.c.wanted == "")
        session.execute(left.values(gone=True))


def known(session: Session, table: sa.Table, movie_ids: Collection[int]) -> set[int]:
    """Returns those of the ids that are films of the catalogue."""
    there = sa.select(table.c.movie_id).where(
        table.c.movie_id.in_(set(movie_ids)), sa.not_(table.c.gone), table.c.card != b""
    )
    return set(session.execute(there).scalars())


def find_cards(
    session: Session, table: sa.Table, movie_ids: Collection[int], *, present: bool = False
) -> dict[int, film_card_pb2.FilmCard]:
    """Returns the cards of films by id; with `present` of those alone that are in the catalogue now."""
    wanted = {"movie_ids": sorted(set(movie_ids))}
    return {
        movie_id: film_card_pb2.FilmCard.FromString(card)
        for movie_id, card in session.execute(_cards(table, present), wanted).tuples()
    }


@functools.lru_cache(maxsize=64)
def _cards(table: sa.Table, present: bool) -> sa.Select[tuple[int, bytes]]:
    # part of nearly every write: made once
    there = sa.select(table.c.movie_id, table.c.card).where(
        table.c.movie_id.in_(sa.bindparam("movie_ids", expanding=True)), table.c.card != b""
    )
    return there.where(sa.not_(table.c.gone)) if present else there


def take_over(
    session: Session, table: sa.Table, read: Iterable[tuple[Wanted, dict[str, Any] | None]], *, believe: Collection[int]
) -> int:
    """Writes films that were read because of their marks.

    A film is done when what was read is what the feed announced; otherwise a replica of the catalogue answered that is behind, and
    the mark stays.

    Args:
        session: the transaction.
        table: the table "film".
        read: the marks as they were, each with the row read; None for a film the catalogue does not have.
        believe: ids of films whose mark has waited so long that whatever was read counts.

    Returns:
        How many are done.
    """
    outcomes = {wanted.movie_id: (wanted, row) for wanted, row in read}
    held = sa.select(table.c.movie_id, table.c.wanted).where(table.c.movie_id.in_(outcomes)).with_for_update()
    done: list[int] = []
    gone: list[int] = []
    rows: list[dict[str, Any]] = []
    for movie_id, mark_now in session.execute(held).tuples().all():
        wanted, row = outcomes[movie_id]
        patient = movie_id not in believe or mark_now != wanted.etag
        announced = row["etag"] if row is not None else REMOVED
        if patient and announced != mark_now:
            if row is not None and mark_now != REMOVED:
                rows.append(row)  # newer than what is there, if not the newest
            continue
        done.append(movie_id)
        if row is not None:
            rows.append(row)
        else:
            gone.append(movie_id)
    put(session, table, rows)
    if gone:
        session.execute(sa.update(table).where(table.c.movie_id.in_(gone)).values(gone=True))
    if done:
        session.execute(sa.update(table).where(table.c.movie_id.in_(done)).values(wanted=""))
    return len(done)
