"""CanonService: lists that everyone knows."""

from __future__ import annotations

from typing import Any

from cine.watchlist.v1 import canon_pb2 as pb
from cine.watchlist.v1 import canon_pb2_grpc
from cine_watchlist.flows.canon import Canon, CanonFilm, Standing
from cinemesh import context as calls
from cinemesh.paging import PageTokens, page_size


class CanonServicer(canon_pb2_grpc.CanonServiceServicer):
    """Turns calls about lists that everyone knows into flows and back.

    Args:
        canon: the lists.
        pages: makes page tokens.
    """

    def __init__(self, canon: Canon, pages: PageTokens) -> None:
        self._canon = canon
        self._pages = pages

    async def ListCanonLists(self, _: pb.ListCanonListsRequest, __: Any) -> pb.ListCanonListsResponse:
        """Lists the lists, and how much of each the caller has seen."""
        standings = await self._canon.standings(_caller())
        return pb.ListCanonListsResponse(lists=[pb.CanonList(**_head(standing)) for standing in standings])

    async def GetCanonList(self, request: pb.GetCanonListRequest, _: Any) -> pb.GetCanonListResponse:
        """Gives one of them with its films."""
        start = self._pages.decode(request) or 0
        limit = page_size(request.page_size)
        standing, films, following = await self._canon.page(_caller(), request.canon_id, start, limit)
        return pb.GetCanonListResponse(
            **_head(standing),
            items=[_item(film) for film in films],
            next_page_token=self._pages.encode(following, request) if following is not None else "",
        )


def _caller() -> str:
    """Returns the person who calls; empty for somebody without a token, and for a service."""
    principal = calls.current().principal
    return principal.user_id if principal.kind == "user" else ""


def _head(standing: Standing) -> dict[str, Any]:
    return {
        "canon_id": standing.canon.canon_id,
        "name": standing.canon.name,
        "description": standing.canon.description,
        "item_count": standing.present,
        "seen_count": standing.seen,
        "absent_count": standing.absent,
    }


def _item(film: CanonFilm) -> pb.CanonItem:
    return pb.CanonItem(
        movie_id=film.movie_id,
        position=film.entry.position,
        note=film.entry.note,
        seen=film.seen,
        movie=film.card,
        title=film.entry.title,
        year=film.entry.year,
    )
