"""What people see of their imports, and what they decide about them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cine_ratings.domain.transfers.job import (
    Import,
    State,
    require_confirmable,
    require_open,
    require_undoable,
)
from cine_ratings.domain.transfers.matching import UNSETTLED, Match
from cine_ratings.domain.transfers.own import FilmFacts
from cine_ratings.domain.transfers.rows import Outcome
from cine_ratings.flows import import_settling
from cine_ratings.flows.import_worker import Bell
from cine_ratings.store import Transaction, held, import_rows, imports
from cine_ratings.store.import_rows import KeptRow
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import FailedPrecondition, NotFound
from cinemesh.projections import Films

_POLL_SECONDS: Final = 0.5
_ASKED_FOR: Final = (Outcome.AMBIGUOUS, Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class ShownRows:
    """Rows of an import with what is known of the films they mean or may mean.

    Attributes:
        rows: the rows.
        films: films by id.
        total: rows that match in all.
    """

    rows: Sequence[KeptRow]
    films: Mapping[int, FilmFacts]
    total: int


class Imports:
    """A person's imports.

    Args:
        database: the store.
        films: knows which films exist.
        bell: rings when an import went on.
        clock: tells the time.
    """

    def __init__(self, database: Database, films: Films, bell: Bell, clock: Clock = utc_now) -> None:
        self._database = database
        self._films = films
        self._bell = bell
        self._clock = clock

    async def get(self, user_id: str, import_id: str) -> Import:
        """Returns an import.

        Raises:
            NotFound: there is none of that id, or it is somebody else's: nobody can tell which.
        """
        return await self._database.read(lambda tx: _own(tx, user_id, import_id))

    async def page(self, user_id: str, limit: int, before: str) -> tuple[list[Import], int]:
        """Returns at most `limit` imports, newest first, and how many there are in all.

        Args:
            user_id: whose.
            limit: most wanted.
            before: id of the last one of the page before; empty for the newest.
        """
        return await self._database.read(
            lambda tx: (imports.page(tx, user_id, limit, before), imports.count(tx, user_id))
        )

    async def rows(self, user_id: str, import_id: str, outcome: str, limit: int, after: int) -> ShownRows:
        """Returns at most `limit` rows of an import that follow a number.

        Raises:
            NotFound: as `get`.
        """

        def find(tx: Transaction) -> ShownRows:
            found = _own(tx, user_id, import_id)
            rows = import_rows.page(tx, found.import_id, outcome, limit, after)
            return ShownRows(rows, _films_of(tx, rows), import_rows.count(tx, found.import_id, outcome))

        return await self._database.read(find)

    async def rest(self, user_id: str, import_id: str, seconds: float) -> Import:
        """Waits until nothing more happens to an import by itself, but no longer than `seconds`. Returns it as it is then.

        Raises:
            NotFound: as `get`.
        """
        end = time.monotonic() + seconds
        with self._bell.listening() as rung:
            while True:
                rung.clear()
                found = await self.get(user_id, import_id)
                left = end - time.monotonic()
                if found.rests or left <= 0:
                    return found
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(rung.wait(), min(left, _POLL_SECONDS))

    async def watch(self, user_id: str, import_id: str) -> AsyncIterator[Import]:
        """Yields an import whenever it went on, until nothing more happens to it by itself.

        Raises:
            NotFound: as `get`; also when it is deleted meanwhile.
        """
        last: tuple[State, int, int] | None = None
        with self._bell.listening() as rung:
            while True:
                rung.clear()
                found = await self.get(user_id, import_id)
                seen = (found.state, found.rows_done, found.rows_to_do)
                if seen != last:
                    last = seen
                    yield found
                if found.rests:
                    return
                with contextlib.suppress(TimeoutError):
                    # another replica may be at work on it: it rings a bell of its own
                    await asyncio.wait_for(rung.wait(), _POLL_SECONDS)

    async def resolve(self, user_id: str, import_id: str, number: int, movie_id: int) -> ShownRows:
        """Says which film a row means; rows that say the same of their film, and are not settled either, mean the same one.

        Args:
            user_id: whose import.
            import_id: which.
            number: the row.
            movie_id: the film; 0 to leave the row out.

        Raises:
            NotFound: there is no such import, row or film.
            FailedPrecondition: the import is not waiting for that, or the row cannot be read.
            Unavailable: nobody can tell whether there is such a film.
        """
        if movie_id:
            await self._films.require([movie_id])

        def change(tx: Transaction) -> ShownRows:
            found = _own(tx, user_id, import_id, lock=True)
            require_open(found, self._clock())
            kept = _row(tx, found, number)
            if kept.outcome is Outcome.INVALID:
                raise FailedPrecondition(f"row {number} cannot be read: {kept.problem}")
            meant = {kept.number: kept}
            if movie_id:
                meant |= {one.number: one for one in import_rows.alike(tx, found.import_id, kept.row, _ASKED_FOR)}
            import_rows.set_matches(tx, found.import_id, [_resolved(one, movie_id) for one in meant.values()])
            import_settling.settle(tx, found, {movie_id, *(one.movie_id for one in meant.values())} - {0})
            import_settling.note_figures(tx, found.import_id)
            imports.set_values(tx, found.import_id, updated_at=self._clock())
            rows = [_row(tx, found, number)]
            return ShownRows(rows, _films_of(tx, rows), 1)

        return await self._database.write(change)

    async def confirm(self, user_id: str, import_id: str, *, skip_unsettled: bool) -> Import:
        """Has a matched import applied; one that was confirmed before is left alone.

        Raises:
            NotFound: as `get`.
            FailedPrecondition: it is not ready, too old, or has rows without a settled film.
        """

        def change(tx: Transaction) -> Import:
            found = _own(tx, user_id, import_id, lock=True)
            now = self._clock()
            if require_confirmable(found, now, skip_unsettled=skip_unsettled):
                to_do = import_rows.count_to_apply(tx, found.import_id)
                imports.set_values(
                    tx, found.import_id, state=State.APPLYING, rows_done=0, rows_to_do=to_do, attempts=0, updated_at=now
                )
            return _own(tx, user_id, import_id)

        return await self._database.write(change)

    async def rollback(self, user_id: str, import_id: str) -> Import:
        """Has an import undone, also while it is being applied; one that was undone before is left alone.

        Raises:
            NotFound: as `get`.
            FailedPrecondition: nothing of it was applied, or it is too old.
        """

        def change(tx: Transaction) -> Import:
            found = _own(tx, user_id, import_id, lock=True)
            now = self._clock()
            if require_undoable(found, now):
                to_do = import_rows.count_effects(tx, found.import_id)
                imports.set_values(
                    tx,
                    found.import_id,
                    state=State.ROLLING_BACK,
                    rows_done=0,
                    rows_to_do=to_do,
                    attempts=0,
                    updated_at=now,
                )
            return _own(tx, user_id, import_id)

        return await self._database.write(change)


def _own(tx: Transaction, user_id: str, import_id: str, *, lock: bool = False) -> Import:
    found = imports.of_person(tx, import_id, user_id, lock=lock) if "\x00" not in import_id else None
    if found is None:
        raise NotFound("there is no import of yours with that id", violations=[("import_id", "is not known")])
    return found


def _row(tx: Transaction, found: Import, number: int) -> KeptRow:
    kept = import_rows.one(tx, found.import_id, number)
    if kept is None:
        raise NotFound(f"the import has no row {number}", violations=[("row_number", "is not known")])
    return kept


def _resolved(kept: KeptRow, movie_id: int) -> KeptRow:
    if not movie_id:
        return replace(
            kept, outcome=Outcome.SKIPPED, match=replace(UNSETTLED, candidates=kept.match.candidates), problem=""
        )
    return replace(kept, outcome=Outcome.MATCHED, match=Match(movie_id, 1.0, kept.match.candidates), problem="")


def _films_of(tx: Transaction, rows: Sequence[KeptRow]) -> Mapping[int, FilmFacts]:
    wanted = {candidate.movie_id for kept in rows for candidate in kept.match.candidates}
    return held.facts_of(tx, wanted | {kept.movie_id for kept in rows if kept.movie_id})
