"""Films in the store: read whole, taken over from the pipeline in one transaction with the events that tell of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from google.protobuf.message import Message
from sqlalchemy.orm import Session

from cine.catalog.v1 import events_pb2
from cine_catalog.domain.film import Film
from cine_catalog.store.schema import films as films_table
from cine_catalog.store.schema import imports
from cinemesh.db import Database, upsert
from cinemesh.outbox import Outbox

#: Up to here an import tells of each film; beyond, consumers are told once to read everything again.
SINGLE_EVENTS_LIMIT = 1000
_DELETE_BATCH = 500
_TUPLES = frozenset(f.name for f in dataclasses.fields(Film) if str(f.type).startswith("tuple"))


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import did, or would do; `total` counts the films afterwards."""

    total: int
    added: int
    changed: int
    removed: int

    @property
    def touched(self) -> int:
        """Films added, changed or removed."""
        return self.added + self.changed + self.removed


def facts_of(film: Film) -> str:
    """Returns the JSON document of a film; fields at their default are left out."""
    facts = {
        f.name: value for f in dataclasses.fields(film) if (value := getattr(film, f.name)) not in ((), "", 0, 0.0, {})
    }
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def film_of(facts: str) -> Film:
    """Returns the film a JSON document describes."""
    raw: dict[str, Any] = json.loads(facts)
    values: dict[str, Any] = {name: tuple(value) if name in _TUPLES else value for name, value in raw.items()}
    return Film(**values)


class FilmStore:
    """Reads and replaces the films of one database."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def data_version(self) -> str:
        """Returns the version of the data taken over last; empty when there was none."""
        newest = sa.select(imports.c.data_version).order_by(imports.c.id.desc()).limit(1)
        return await self._database.read(lambda session: session.execute(newest).scalar_one_or_none() or "")

    async def imported_at(self) -> dt.datetime | None:
        """Returns when the data taken over last was; None when there was none."""
        newest = sa.select(imports.c.imported_at).order_by(imports.c.id.desc()).limit(1)
        return await self._database.read(lambda session: session.execute(newest).scalar_one_or_none())

    async def all_films(self) -> list[Film]:
        """Returns every film in the order of ids."""
        everything = sa.select(films_table.c.facts).order_by(films_table.c.movie_id)
        documents = await self._database.read(lambda session: list(session.execute(everything).scalars()))
        return [film_of(document) for document in documents]

    async def take_over(self, films: Sequence[Film], data_version: str, *, dry_run: bool = False) -> ImportCounts:
        """Makes the store hold exactly these films, in one transaction with the events that tell of it.

        Args:
            films: unique by `movie_id`.
            data_version: version of the data, told to consumers.
            dry_run: count only.
        """
        if dry_run:
            return await self._database.read(lambda session: _difference(session, films).counts(len(films)))
        return await self._database.write(lambda session: _replace(session, self._outbox, films, data_version))


@dataclass(frozen=True)
class _Difference:
    added: list[tuple[Film, str]]
    changed: list[tuple[Film, str]]
    removed: list[int]

    def counts(self, total: int) -> ImportCounts:
        return ImportCounts(total, len(self.added), len(self.changed), len(self.removed))


def _difference(session: Session, films: Sequence[Film]) -> _Difference:
    known = dict(session.execute(sa.select(films_table.c.movie_id, films_table.c.etag)).tuples().all())
    added: list[tuple[Film, str]] = []
    changed: list[tuple[Film, str]] = []
    for film in films:
        etag = film.etag()
        before = known.pop(film.movie_id, None)
        if before is None:
            added.append((film, etag))
        elif before != etag:
            changed.append((film, etag))
    return _Difference(added, changed, sorted(known))


def _replace(session: Session, outbox: Outbox, films: Sequence[Film], data_version: str) -> ImportCounts:
    difference = _difference(session, films)
    counts = difference.counts(len(films))
    rows = [
        {"movie_id": film.movie_id, "title": film.title, "etag": etag, "facts": facts_of(film)}
        for film, etag in (*difference.added, *difference.changed)
    ]
    upsert(session, films_table, rows, key=["movie_id"])
    for start in range(0, len(difference.removed), _DELETE_BATCH):
        gone = difference.removed[start : start + _DELETE_BATCH]
        session.execute(sa.delete(films_table).where(films_table.c.movie_id.in_(gone)))
    imported = {"data_version": data_version, "total": counts.total, "imported_at": dt.datetime.now(dt.UTC)}
    session.execute(sa.insert(imports).values(**imported))
    if counts.touched:
        outbox.append_many(session, _events(difference, counts, data_version))
    return counts


def _events(difference: _Difference, counts: ImportCounts, data_version: str) -> Iterator[tuple[str, Message]]:
    if counts.touched > SINGLE_EVENTS_LIMIT:
        yield "catalogue", events_pb2.CatalogReplaced(data_version=data_version, total=counts.total)
        return
    for films, added in ((difference.added, True), (difference.changed, False)):
        for film, etag in films:
            yield f"movies/{film.movie_id}", events_pb2.MovieChanged(movie_id=film.movie_id, etag=etag, added=added)
    for movie_id in difference.removed:
        yield f"movies/{movie_id}", events_pb2.MovieRemoved(movie_id=movie_id)
