"""TransferService: imports and exports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from cine.ratings.v1 import transfers_pb2, transfers_pb2_grpc
from cine_ratings.domain.rating import stars_of
from cine_ratings.domain.transfers.job import Import
from cine_ratings.domain.transfers.own import FilmFacts
from cine_ratings.flows.history_export import CONTENT_TYPES, HistoryExport
from cine_ratings.flows.import_intake import ImportIntake, Upload
from cine_ratings.flows.import_reading import Imports
from cine_ratings.servicer.attempts import Attempts
from cine_ratings.store import Transaction
from cine_ratings.store.import_rows import KeptRow
from cinemesh import context as calls
from cinemesh.errors import InvalidArgument
from cinemesh.paging import DEFAULT_PAGE_SIZE, PageTokens
from cinemesh.stamps import stamp

M = TypeVar("M", bound=Message)
_COUNTS: Final = (
    "rows_total",
    "rows_matched",
    "rows_ambiguous",
    "rows_unknown",
    "rows_invalid",
    "rows_unchanged",
    "rows_applied",
)
_WAITED_SECONDS: Final = 10.0
_MARGIN_SECONDS: Final = 2.0


class TransferServicer(transfers_pb2_grpc.TransferServiceServicer):
    """Turns calls about imports and exports into flows and back.

    Args:
        intake: takes files in.
        imports: a person's imports.
        export: writes files.
        woken: called when there is something to do.
        attempts: gives the first answer again to an upload that is sent again.
        pages: makes page tokens.
    """

    def __init__(
        self,
        intake: ImportIntake,
        imports: Imports,
        export: HistoryExport,
        woken: Callable[[], None],
        attempts: Attempts,
        pages: PageTokens,
    ) -> None:
        self._intake = intake
        self._imports = imports
        self._export = export
        self._woken = woken
        self._attempts = attempts
        self._pages = pages

    async def UploadImport(
        self, requests: AsyncIterator[transfers_pb2.UploadImportRequest], _: Any
    ) -> transfers_pb2.UploadImportResponse:
        """Takes a file in; without a request id the answer waits a while for its rows to be matched."""
        first = await anext(aiter(requests), None)
        if first is None:
            raise InvalidArgument("the file is empty", violations=[("file", "is empty")])
        named = transfers_pb2.UploadImportRequest(
            source=first.source, file_name=first.file_name, request_id=first.request_id
        )

        async def pieces() -> AsyncIterator[bytes]:
            yield first.file.data
            async for request in requests:
                yield request.file.data

        def once(
            digest: bytes, effect: Callable[[Transaction], Import]
        ) -> Awaitable[transfers_pb2.UploadImportResponse]:
            named.file.data = digest
            answer = transfers_pb2.UploadImportResponse
            return self._attempts.of("UploadImport", named, answer, _import)(effect)

        upload = Upload(first.source, first.file_name)
        answer = await self._intake.receive(_caller(), upload, pieces(), once)
        if first.request_id:
            return answer  # the same to every attempt of that name
        found = await self._imports.rest(_caller(), answer.import_id, _patience())
        return _import(transfers_pb2.UploadImportResponse, found)

    async def ListImports(self, request: transfers_pb2.ListImportsRequest, _: Any) -> transfers_pb2.ListImportsResponse:
        """Lists the caller's imports."""
        size = request.page_size or DEFAULT_PAGE_SIZE
        before = str(self._pages.decode(request) or "")
        found, total = await self._imports.page(_caller(), size + 1, before)
        answer = transfers_pb2.ListImportsResponse(total_size=total)
        answer.imports.extend(_import(transfers_pb2.Import, one) for one in found[:size])
        if len(found) > size:
            answer.next_page_token = self._pages.encode(found[size - 1].import_id, request)
        return answer

    async def GetImport(self, request: transfers_pb2.GetImportRequest, _: Any) -> transfers_pb2.GetImportResponse:
        """Gives an import."""
        return _import(transfers_pb2.GetImportResponse, await self._imports.get(_caller(), request.import_id))

    async def ListImportRows(
        self, request: transfers_pb2.ListImportRowsRequest, _: Any
    ) -> transfers_pb2.ListImportRowsResponse:
        """Lists the rows of an import."""
        size = request.page_size or DEFAULT_PAGE_SIZE
        after = int(self._pages.decode(request) or 0)
        shown = await self._imports.rows(_caller(), request.import_id, request.outcome, size + 1, after)
        answer = transfers_pb2.ListImportRowsResponse(total_size=shown.total)
        answer.rows.extend(_row(kept, shown.films) for kept in shown.rows[:size])
        if len(shown.rows) > size:
            answer.next_page_token = self._pages.encode(shown.rows[size - 1].number, request)
        return answer

    async def ResolveImportRow(
        self, request: transfers_pb2.ResolveImportRowRequest, _: Any
    ) -> transfers_pb2.ResolveImportRowResponse:
        """Says which film a row means."""
        shown = await self._imports.resolve(_caller(), request.import_id, request.row_number, request.movie_id)
        return transfers_pb2.ResolveImportRowResponse(row=_row(shown.rows[0], shown.films))

    async def ConfirmImport(
        self, request: transfers_pb2.ConfirmImportRequest, _: Any
    ) -> transfers_pb2.ConfirmImportResponse:
        """Has an import applied."""
        found = await self._imports.confirm(_caller(), request.import_id, skip_unsettled=request.skip_unsettled)
        self._woken()
        return _import(transfers_pb2.ConfirmImportResponse, found)

    async def WatchImport(
        self, request: transfers_pb2.WatchImportRequest, _: Any
    ) -> AsyncIterator[transfers_pb2.WatchImportResponse]:
        """Streams the progress of an import."""
        async for found in self._imports.watch(_caller(), request.import_id):
            yield transfers_pb2.WatchImportResponse(
                import_id=found.import_id,
                state=found.state,
                rows_done=found.rows_done,
                rows_total=found.rows_to_do,
                error=found.error,
            )

    async def RollbackImport(
        self, request: transfers_pb2.RollbackImportRequest, _: Any
    ) -> transfers_pb2.RollbackImportResponse:
        """Has an import undone."""
        found = await self._imports.rollback(_caller(), request.import_id)
        self._woken()
        return _import(transfers_pb2.RollbackImportResponse, found)

    async def ExportHistory(
        self, request: transfers_pb2.ExportHistoryRequest, _: Any
    ) -> AsyncIterator[transfers_pb2.ExportHistoryResponse]:
        """Sends the caller's ratings, diary and reviews as a file."""
        form = request.format or "json"
        async for piece in self._export.write(_caller(), form):
            answer = transfers_pb2.ExportHistoryResponse()
            answer.file.content_type = CONTENT_TYPES[form]
            answer.file.data = piece
            yield answer


def _caller() -> str:
    return calls.current().principal.user_id


def _patience() -> float:
    left = calls.current().time_left()
    return _WAITED_SECONDS if left is None else max(min(_WAITED_SECONDS, left - _MARGIN_SECONDS), 0.0)


def _import(kind: type[M], found: Import) -> M:
    answer: Any = kind(
        import_id=found.import_id,
        source=found.source,
        file_name=found.file_name,
        state=found.state,
        error=found.error,
        created_at=stamp(found.created_at),
        updated_at=stamp(found.updated_at),
        expires_at=stamp(found.expires_at),
        **{name: getattr(found, name) for name in _COUNTS},
    )
    return answer  # type: ignore[no-any-return]


def _row(kept: KeptRow, films: Mapping[int, FilmFacts]) -> transfers_pb2.ImportRow:
    row = kept.row
    shown = transfers_pb2.ImportRow(
        row_number=kept.number,
        file_name=row.file_name,
        kind=row.kind,
        outcome=kept.outcome or "",
        title=row.title,
        year=row.year,
        movie_id=kept.movie_id,
        confidence=kept.match.confidence,
        problem=kept.problem,
        watched_on=row.watched_on.isoformat() if row.watched_on is not None else "",
        applied=kept.applied,
    )
    if row.overall is not None:
        shown.overall = stars_of(row.overall)
    for candidate in kept.match.candidates:
        film = films.get(candidate.movie_id) or FilmFacts(candidate.movie_id)
        shown.candidates.add(
            movie_id=candidate.movie_id, title=film.title, year=film.year, confidence=candidate.confidence
        )
    return shown
