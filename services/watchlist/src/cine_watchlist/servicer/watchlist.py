"""WatchlistService: one watchlist a person, its export, and what imports bring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from cine.watchlist.v1 import watchlist_pb2 as pb
from cine.watchlist.v1 import watchlist_pb2_grpc
from cine_watchlist.domain.items import EDITABLE
from cine_watchlist.flows.attempts import Attempt
from cine_watchlist.flows.export import WatchlistExport
from cine_watchlist.flows.imports import ImportRow, Imports
from cine_watchlist.flows.watched import WatchedItems
from cine_watchlist.flows.watchlist import Watchlist
from cine_watchlist.servicer.answers import watchlist_item
from cine_watchlist.servicer.callers import caller
from cine_watchlist.store.watchlist_items import ItemFilter
from cinemesh import vocabulary
from cinemesh.changes import changes_of
from cinemesh.paging import PageTokens, page_size
from cinemesh.plain_text import searchable
from cinemesh.stamps import moment

_GENRES = vocabulary.genres(vocabulary.MOVIELENS_GENRES)
_SERVICES = vocabulary.streaming_services(vocabulary.STREAMING_SERVICES)
_STREAMED: Final = 1000


class WatchlistServicer(watchlist_pb2_grpc.WatchlistServiceServicer):
    """Turns calls about watchlists into flows and back.

    Args:
        watchlist: what people do with their own.
        export: writes it down.
        imports: takes over what Ratings imports.
        watched: what everybody has watched, for other services.
        pages: makes and reads page tokens.
    """

    def __init__(
        self,
        watchlist: Watchlist,
        export: WatchlistExport,
        imports: Imports,
        watched: WatchedItems,
        pages: PageTokens,
    ) -> None:
        self._watchlist = watchlist
        self._export = export
        self._imports = imports
        self._watched = watched
        self._pages = pages

    async def AddItem(self, request: pb.AddItemRequest, _: Any) -> pb.AddItemResponse:
        """Puts a film on the caller's watchlist."""
        attempt = Attempt("AddItem", request, pb.AddItemResponse, watchlist_item)
        return await self._watchlist.add(caller(), request.movie_id, request.priority, request.notes, attempt)

    async def ListItems(self, request: pb.ListItemsRequest, _: Any) -> pb.ListItemsResponse:
        """Lists the caller's watchlist."""
        wanted = ItemFilter(
            watched=request.watched if request.HasField("watched") else None,
            genre=_GENRES.resolve(request.genre, "genre") if request.genre else "",
            service=_SERVICES.resolve(request.service, "service") if request.service else "",
            runtime_max=request.runtime_max,
            movie_id=request.movie_id,
            order=request.order_by or "position",
        )
        page = await self._watchlist.page(caller(), wanted, page_size(request.page_size), self._pages.decode(request))
        return pb.ListItemsResponse(
            items=[watchlist_item(pb.WatchlistItem, shown) for shown in page.items],
            next_page_token=self._pages.encode(page.next, request) if page.next is not None else "",
            total_size=page.total,
        )

    async def GetItem(self, request: pb.GetItemRequest, _: Any) -> pb.GetItemResponse:
        """Gives one item."""
        return watchlist_item(pb.GetItemResponse, await self._watchlist.get(caller(), request.item_id))

    async def UpdateItem(self, request: pb.UpdateItemRequest, _: Any) -> pb.UpdateItemResponse:
        """Changes an item."""
        changes = changes_of(request, EDITABLE, nullable=("priority", "watched_at"))
        if changes.get("watched_at") is not None:
            changes["watched_at"] = moment(request, "watched_at")
        shown = await self._watchlist.update(caller(), request.item_id, changes, request.etag)
        return watchlist_item(pb.UpdateItemResponse, shown)

    async def RemoveItem(self, request: pb.RemoveItemRequest, _: Any) -> pb.RemoveItemResponse:
        """Takes a film off the watchlist."""
        await self._watchlist.remove(caller(), request.item_id, request.etag)
        return pb.RemoveItemResponse()

    async def MoveItem(self, request: pb.MoveItemRequest, _: Any) -> pb.MoveItemResponse:
        """Puts an item at another place of the person's own order."""
        shown = await self._watchlist.move(caller(), request.item_id, request.after_item_id)
        return watchlist_item(pb.MoveItemResponse, shown)

    async def MarkWatched(self, request: pb.MarkWatchedRequest, _: Any) -> pb.MarkWatchedResponse:
        """Marks an item as watched, and says whether to offer rating it."""
        shown = await self._watchlist.mark_watched(caller(), request.item_id, moment(request, "watched_at"))
        answer = watchlist_item(pb.MarkWatchedResponse, shown)
        answer.offer_rating = not shown.rated
        return answer

    async def ExportWatchlist(
        self, request: pb.ExportWatchlistRequest, _: Any
    ) -> AsyncIterator[pb.ExportWatchlistResponse]:
        """Sends the caller's watchlist and own lists as a file."""
        content_type, pieces = await self._export.write(caller(), request.format or "json")
        for piece in pieces:
            answer = pb.ExportWatchlistResponse()
            answer.file.content_type = content_type
            answer.file.data = piece
            yield answer

    async def ApplyImport(self, request: pb.ApplyImportRequest, _: Any) -> pb.ApplyImportResponse:
        """Takes over the watchlist and lists of an import."""
        rows = [
            ImportRow(item.row_number, item.movie_id, item.list_name, moment(item, "added_at"), item.notes)
            for item in request.items
        ]
        user_id, import_id = _whose(request)
        added, unchanged = await self._imports.apply(user_id, import_id, rows)
        return pb.ApplyImportResponse(added=added, unchanged=unchanged)

    async def RollbackImport(self, request: pb.RollbackImportRequest, _: Any) -> pb.RollbackImportResponse:
        """Undoes what an import brought here."""
        return pb.RollbackImportResponse(removed=await self._imports.roll_back(*_whose(request)))

    async def StreamWatchedItems(
        self, request: pb.StreamWatchedItemsRequest, _: Any
    ) -> AsyncIterator[pb.StreamWatchedItemsResponse]:
        """Streams what everybody marked as watched to a service."""
        after = searchable(request.after_item_id, "after_item_id")
        while found := await self._watched.following(after, _STREAMED):
            answer = pb.StreamWatchedItemsResponse()
            for one in found:
                item = answer.items.add(item_id=one.item_id, user_id=one.user_id, movie_id=one.movie_id)
                if one.watched_at is not None:
                    item.watched_at.FromDatetime(one.watched_at)
            yield answer
            after = found[-1].item_id


def _whose(request: pb.ApplyImportRequest | pb.RollbackImportRequest) -> tuple[str, str]:
    return searchable(request.user_id, "user_id"), searchable(request.import_id, "import_id")
