"""Matching: finds the film of each row, then what the rows of each film change."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cine_ratings.domain.review import wish_of
from cine_ratings.domain.transfers.job import MOST_WAITING, READY_FOR, Import, State
from cine_ratings.domain.transfers.matching import Clue, FilmIndex, Match
from cine_ratings.domain.transfers.rows import Outcome, Row
from cine_ratings.flows import import_settling
from cine_ratings.flows.film_index import FilmFinder
from cine_ratings.store import Transaction, import_rows, imports
from cine_ratings.store.import_rows import KeptRow
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import InvalidArgument

_ROWS: Final = 500
_SETTLED_ROWS: Final = 300


class ImportMatching:
    """Does the next piece of matching.

    Args:
        database: the store.
        finder: finds films.
        clock: tells the time.
    """

    def __init__(self, database: Database, finder: FilmFinder, clock: Clock = utc_now) -> None:
        self._database = database
        self._finder = finder
        self._clock = clock

    async def step(self, found: Import, holder: str) -> None:
        """Does one piece: matches some rows, or makes the import ready once all are.

        Raises:
            LeaseLost: another process is at it.
            Unavailable: the catalogue has not been read yet.
        """
        pending = await self._database.read(lambda tx: import_rows.unmatched(tx, found.import_id, _ROWS))
        if not pending:
            await self._finish(found, holder)
            return
        index = await self._finder.index()
        matched = await asyncio.to_thread(match_rows, index, pending)

        def change(tx: Transaction) -> None:
            imports.hold(tx, found, holder, self._clock())
            import_rows.set_matches(tx, found.import_id, matched)
            imports.add(tx, found.import_id, rows_done=len(matched))

        await self._database.write(change)

    async def _finish(self, found: Import, holder: str) -> None:
        last = 0
        while True:
            last = await self._database.write(lambda tx, last=last: self._settle_some(tx, found, holder, last))  # type: ignore[misc]
            if not last:
                break
        await self._database.write(lambda tx: self._make_ready(tx, found, holder))

    def _settle_some(self, tx: Transaction, found: Import, holder: str, last: int) -> int:
        """Decides what the rows of some films bring. Returns the last film, 0 when there was none left."""
        imports.hold(tx, found, holder, self._clock())
        films = import_rows.films_after(tx, found.import_id, last, _SETTLED_ROWS)
        if films:
            import_settling.settle(tx, found, films)
        return films[-1] if films else 0

    def _make_ready(self, tx: Transaction, found: Import, holder: str) -> None:
        now: dt.datetime = self._clock()
        imports.hold(tx, found, holder, now)
        counted = import_settling.count(tx, found.import_id)
        imports.set_values(
            tx,
            found.import_id,
            state=State.READY,
            holder="",
            expires_at=now + READY_FOR,
            rows_done=0,
            rows_to_do=0,
            **counted,
        )
        imports.drop_waiting(tx, found.user_id, MOST_WAITING)


def match_rows(index: FilmIndex, rows: Sequence[KeptRow]) -> list[KeptRow]:
    """Returns rows with what they mean. It takes about 0.1 ms a row: call it off the event loop."""
    known: dict[Clue, Match] = {}
    matched: list[KeptRow] = []
    for kept in rows:
        clue = _clue(kept.row)
        match = known.get(clue)
        if match is None:
            match = known[clue] = index.match(clue)
        matched.append(_judged(kept, match))
    return matched


def _judged(kept: KeptRow, match: Match) -> KeptRow:
    row = kept.row
    if match.movie_id:
        problem = _unpublishable(row)
        if problem:
            return replace(kept, outcome=Outcome.INVALID, problem=problem)
        return replace(kept, outcome=Outcome.MATCHED, match=match)
    if row.left_out:
        return replace(kept, outcome=Outcome.SKIPPED, problem=row.left_out)
    outcome = Outcome.AMBIGUOUS if match.candidates else Outcome.UNKNOWN
    return replace(kept, outcome=outcome, match=match, problem=_unpublishable(row))


def _unpublishable(row: Row) -> str:
    """Returns why a review cannot be published; empty for other rows."""
    if not row.brings_review:
        return ""
    try:
        wish_of(1, row.body, row.headline)
    except InvalidArgument as refused:
        return refused.message
    return ""


def _clue(row: Row) -> Clue:
    return Clue(
        row.title,
        row.year,
        row.movie_id,
        row.imdb_id,
        row.tmdb_id,
        row.directors,
        row.other_title,
        id_only=bool(row.left_out),
    )
