"""Imports that belong to somebody, for the access table: nobody else hears of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, Final

from google.protobuf.message import Message
from ulid import ULID

from cine.ratings.v1 import transfers_pb2 as pb
from cine_ratings.domain.transfers.job import Import, State
from cine_ratings.domain.transfers.matching import Match
from cine_ratings.domain.transfers.rows import Kind, Outcome, Row
from cine_ratings.store import Transaction, import_rows, imports
from cine_ratings.store.import_rows import KeptRow

from .owned_things import Owned


def _acting(
    request: Callable[[str], Message], state: State = State.READY, *, reads: bool = False
) -> Callable[[Any, str], Awaitable[Owned]]:
    async def make(app: Any, user_id: str) -> Owned:
        now = dt.datetime.now(dt.UTC)
        later = now + dt.timedelta(days=1)
        made = Import(str(ULID()), user_id, "letterboxd", "ratings.csv", state, 1, now, now, later, rows_matched=1)
        row = Row(Kind.RATING, title="Alien", year=1979, overall=8)

        def put(tx: Transaction) -> None:
            imports.insert(tx, made)
            import_rows.insert(tx, made.import_id, 1, [row])
            kept = KeptRow(1, row, Outcome.MATCHED, Match(1, 1.0))
            import_rows.set_matches(tx, made.import_id, [kept])

        await app.database.write(put)

        def find(tx: Transaction) -> tuple[Import | None, KeptRow | None]:
            return imports.of_person(tx, made.import_id, user_id), import_rows.one(tx, made.import_id, 1)

        before = await app.database.read(find)

        async def remains() -> bool:
            return bool(await app.database.read(find) == before)

        return Owned(request(made.import_id), remains, reads=reads)

    return make


_SERVICE: Final = "/cine.ratings.v1.TransferService"
OWNED_IMPORTS: Final[dict[str, Callable[[Any, str], Awaitable[Owned]]]] = {
    f"{_SERVICE}/GetImport": _acting(lambda one: pb.GetImportRequest(import_id=one), reads=True),
    f"{_SERVICE}/ListImportRows": _acting(lambda one: pb.ListImportRowsRequest(import_id=one), reads=True),
    f"{_SERVICE}/WatchImport": _acting(lambda one: pb.WatchImportRequest(import_id=one), reads=True),
    f"{_SERVICE}/ResolveImportRow": _acting(
        lambda one: pb.ResolveImportRowRequest(import_id=one, row_number=1, movie_id=0)
    ),
    f"{_SERVICE}/ConfirmImport": _acting(lambda one: pb.ConfirmImportRequest(import_id=one)),
    f"{_SERVICE}/RollbackImport": _acting(lambda one: pb.RollbackImportRequest(import_id=one), State.DONE),
}
