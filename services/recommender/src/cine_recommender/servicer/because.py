"""Rows of films for films the caller liked."""

from __future__ import annotations

from typing import Any

from cine.recommender.v1 import recommender_pb2
from cine_recommender.flows.because import BecauseRow, BecauseYouWatched
from cine_recommender.models.served import ServedContent
from cine_recommender.servicer.elements import encoded
from cinemesh import context as calls
from cinemesh.cards import element, tag

_ROWS, _ROW_SIZE = 3, 10
_ROW = recommender_pb2.BecauseRow.DESCRIPTOR.fields_by_name
_BECAUSE, _RECOMMENDATIONS = _ROW["because"].number, _ROW["recommendations"].number
_IN_ANSWER = recommender_pb2.ListBecauseYouWatchedResponse.DESCRIPTOR.fields_by_name["rows"].number


class BecauseCalls:
    """Answers `ListBecauseYouWatched`.

    Args:
        content: the content model being served, for the names it knows.
        because: makes the rows.
    """

    def __init__(self, content: ServedContent, because: BecauseYouWatched) -> None:
        self._content, self._because = content, because

    async def ListBecauseYouWatched(self, request: recommender_pb2.ListBecauseYouWatchedRequest, context: Any) -> bytes:
        """Gives rows of films, each for one film the caller liked lately."""
        services = self._content.serving.model.service_names.resolve_all(request.service, "service")
        user_id = calls.current().principal.user_id
        found = await self._because.rows(user_id, services, request.rows or _ROWS, request.row_size or _ROW_SIZE)
        rest = recommender_pb2.ListBecauseYouWatchedResponse(
            request_id=found.request_id, model=found.model, degraded=bool(found.reason), degraded_reason=found.reason
        )
        return b"".join((*element(_IN_ANSWER, [_row(row) for row in found.rows]), rest.SerializeToString()))


def _row(row: BecauseRow) -> bytes:
    return b"".join((*element(_BECAUSE, [row.card]), encoded(row.page, row.words, tag(_RECOMMENDATIONS))))
