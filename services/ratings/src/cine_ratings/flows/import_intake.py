"""Intake: a file comes in pieces, is read, and its rows are written down to be matched."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeVar, cast

from ulid import ULID

from cine_ratings.domain.transfers.archive import MOST_BYTES
from cine_ratings.domain.transfers.job import Import, State
from cine_ratings.domain.transfers.rows import Outcome, Row, Unreadable, clean
from cine_ratings.domain.transfers.sources import Reading, read_upload
from cine_ratings.store import Transaction, import_rows, imports
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import InvalidArgument, Reason, ResourceExhausted
from cinemesh.projections import People

A = TypeVar("A")
Once = Callable[[bytes, Callable[[Transaction], Import]], Awaitable[A]]
"""Runs the effect of an upload whose bytes have a digest, or finds the answer that the same upload was given before."""

RECEIVED_WITHIN: Final = dt.timedelta(hours=1)
"""After that long a file that never came whole is forgotten."""
_AT_ONCE: Final = 32
_READ_AT_ONCE: Final = 2
_IN_MEMORY: Final = 1024 * 1024
_ROWS: Final = 500
_UNFINISHED: Final = 20
_FILE_NAME_LENGTH: Final = 255
_PRUNED_AT_ONCE: Final = 5


@dataclass(frozen=True, slots=True)
class Upload:
    """What comes with a file.

    Attributes:
        source: where it is said to come from; empty to find out.
        file_name: what the person calls it; never trusted.
    """

    source: str
    file_name: str


async def prune(database: Database, clock: Clock = utc_now) -> int:
    """Deletes imports that are past their time, and those whose file never came whole. Returns how many."""
    total = 0
    while True:
        now = clock()
        # few at once: each takes its rows with it
        count = await database.write(lambda tx, now=now: imports.prune(tx, now, now - RECEIVED_WITHIN, _PRUNED_AT_ONCE))  # type: ignore[misc]
        total += count
        if count < _PRUNED_AT_ONCE:
            return total


class ImportIntake:
    """Takes files in.

    Args:
        database: the store.
        people: knows who has left.
        woken: called when there is something to match.
        clock: tells the time.
    """

    def __init__(self, database: Database, people: People, woken: Callable[[], None], clock: Clock = utc_now) -> None:
        self._database = database
        self._people = people
        self._woken = woken
        self._clock = clock
        self._coming = 0
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)

    async def receive(self, user_id: str, upload: Upload, pieces: AsyncIterator[bytes], once: Once[A]) -> A:
        """Takes a file in and returns the answer about its import, which is to be matched.

        Args:
            user_id: who sends it.
            upload: what comes with it.
            pieces: its bytes.
            once: gives the first answer again to an upload that is sent again.

        Raises:
            InvalidArgument: it cannot be read; the message says why.
            ResourceExhausted: it is too large, or too many files come at once.
            Unauthenticated: the account was deleted.
        """
        if self._coming >= _AT_ONCE:
            raise ResourceExhausted(
                "too many files are coming in; try again in a moment", reason=Reason.OVERLOADED, retry_after=5.0
            )
        self._coming += 1
        try:
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spooled:
                file = cast(BinaryIO, spooled)
                digest = await _spool(file, pieces)
                reading = await self._read(file, upload)
            return await self._write_down(user_id, upload, digest, reading, once)
        finally:
            self._coming -= 1

    async def _read(self, file: BinaryIO, upload: Upload) -> Reading:
        today = self._clock().date()
        async with self._reading:
            try:
                return await asyncio.to_thread(read_upload, file, upload.source, upload.file_name, today)
            except Unreadable as reason:
                problem = str(reason)
                raise InvalidArgument(problem, violations=[("file", problem)]) from None

    async def _write_down(self, user_id: str, upload: Upload, digest: bytes, reading: Reading, once: Once[A]) -> A:
        now = self._clock()
        made = Import(
            import_id=str(ULID()),
            user_id=user_id,
            source=reading.source,
            file_name=clean(upload.file_name, _FILE_NAME_LENGTH),
            state=State.RECEIVING,
            rows_total=len(reading.rows),
            created_at=now,
            updated_at=now,
            expires_at=now + RECEIVED_WITHIN,
        )
        await self._database.write(lambda tx: self._begin(tx, made))
        try:
            for start in range(0, len(reading.rows), _ROWS):
                some = reading.rows[start : start + _ROWS]
                await self._database.write(lambda tx, start=start, some=some: _keep(tx, made, start, some))  # type: ignore[misc]
            answer = await once(digest, lambda tx: self._complete(tx, made))
        finally:
            # sent again, or broken off: what is written down already is nobody's
            await asyncio.shield(self._database.write(lambda tx: imports.drop_unreceived(tx, made.import_id)))
        self._woken()
        return answer

    def _begin(self, tx: Transaction, made: Import) -> None:
        self._people.require_present(tx, made.user_id)
        if imports.count_in(tx, made.user_id, (State.RECEIVING, State.MATCHING)) >= _UNFINISHED:
            raise ResourceExhausted(
                "earlier files of yours are still being matched; wait until they are", retry_after=10.0
            )
        imports.insert(tx, made)

    def _complete(self, tx: Transaction, made: Import) -> Import:
        self._people.require_present(tx, made.user_id)
        invalid = import_rows.count(tx, made.import_id, Outcome.INVALID)
        to_do = made.rows_total - invalid
        imports.set_values(
            tx, made.import_id, state=State.MATCHING, rows_invalid=invalid, rows_to_do=to_do, updated_at=self._clock()
        )
        found = imports.of_person(tx, made.import_id, made.user_id)
        if found is None:  # the account was deleted while the file came in
            raise LookupError(made.import_id)
        return found


def _keep(tx: Transaction, made: Import, start: int, rows: Sequence[Row]) -> None:
    import_rows.insert(tx, made.import_id, start + 1, rows)


async def _spool(file: BinaryIO, pieces: AsyncIterator[bytes]) -> bytes:
    """Writes the pieces down. Returns the digest of all of them.

    Raises:
        ResourceExhausted: they are too many bytes.
    """
    digest = hashlib.sha256()
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > MOST_BYTES:
            raise ResourceExhausted(
                f"the file is larger than {MOST_BYTES // (1024 * 1024)} MB",
                reason=Reason.BODY_TOO_LARGE,
                violations=[("file", "is too large")],
            )
        digest.update(piece)
        file.write(piece)
    return digest.digest()
