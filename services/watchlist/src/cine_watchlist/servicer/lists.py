"""ListService: lists that people make, and the films on them."""

from __future__ import annotations

from typing import Any

from cine.watchlist.v1 import lists_pb2 as pb
from cine.watchlist.v1 import lists_pb2_grpc
from cine_watchlist.domain.access import Role, Visibility
from cine_watchlist.domain.lists import EDITABLE
from cine_watchlist.flows.attempts import Attempt
from cine_watchlist.flows.list_items import ListItems
from cine_watchlist.flows.lists import Lists, NewList
from cine_watchlist.servicer.answers import list_item, movie_list
from cine_watchlist.servicer.callers import caller
from cinemesh.changes import changes_of
from cinemesh.paging import PageTokens, page_size


class ListServicer(lists_pb2_grpc.ListServiceServicer):
    """Turns calls about lists into flows and back.

    Args:
        lists: lists themselves.
        items: films on them.
        pages: makes and reads page tokens.
    """

    def __init__(self, lists: Lists, items: ListItems, pages: PageTokens) -> None:
        self._lists = lists
        self._items = items
        self._pages = pages

    async def CreateList(self, request: pb.CreateListRequest, _: Any) -> pb.CreateListResponse:
        """Makes a list."""
        new = NewList(
            name=request.name,
            description=request.description,
            visibility=Visibility(request.visibility or Visibility.PRIVATE),
            ranked=request.ranked,
            comments_enabled=request.comments_enabled,
            movie_ids=list(request.movie_ids),
        )
        attempt = Attempt("CreateList", request, pb.CreateListResponse, movie_list)
        return await self._lists.create(caller(), new, attempt)

    async def ListLists(self, request: pb.ListListsRequest, _: Any) -> pb.ListListsResponse:
        """Lists the lists the caller owns or works on."""
        page = await self._lists.page(
            caller(), Role(request.role), page_size(request.page_size), self._pages.decode(request)
        )
        return pb.ListListsResponse(
            lists=[movie_list(pb.MovieList, shown) for shown in page.lists],
            next_page_token=self._pages.encode(page.next, request) if page.next is not None else "",
            total_size=page.total,
        )

    async def GetList(self, request: pb.GetListRequest, _: Any) -> pb.GetListResponse:
        """Gives a list the caller may see."""
        return movie_list(pb.GetListResponse, await self._lists.get(caller(), request.list_id))

    async def UpdateList(self, request: pb.UpdateListRequest, _: Any) -> pb.UpdateListResponse:
        """Changes a list's own fields."""
        changes = changes_of(request, EDITABLE)
        shown = await self._lists.update(caller(), request.list_id, changes, request.etag)
        return movie_list(pb.UpdateListResponse, shown)

    async def DeleteList(self, request: pb.DeleteListRequest, _: Any) -> pb.DeleteListResponse:
        """Deletes a list."""
        await self._lists.delete(caller(), request.list_id, request.etag)
        return pb.DeleteListResponse()

    async def AddListItem(self, request: pb.AddListItemRequest, _: Any) -> pb.AddListItemResponse:
        """Puts a film on a list."""
        attempt = Attempt("AddListItem", request, pb.AddListItemResponse, list_item)
        return await self._items.add(
            caller(), request.list_id, request.movie_id, request.notes, request.after_item_id, attempt
        )

    async def ListListItems(self, request: pb.ListListItemsRequest, _: Any) -> pb.ListListItemsResponse:
        """Lists the films of a list the caller may see."""
        page = await self._items.page(
            caller(), request.list_id, page_size(request.page_size), self._pages.decode(request)
        )
        return pb.ListListItemsResponse(
            items=[list_item(pb.ListItem, shown) for shown in page.items],
            next_page_token=self._pages.encode(page.next, request) if page.next is not None else "",
            total_size=page.total,
        )

    async def UpdateListItem(self, request: pb.UpdateListItemRequest, _: Any) -> pb.UpdateListItemResponse:
        """Changes the note on an item."""
        shown = await self._items.update(caller(), request.list_id, request.item_id, request.notes, request.etag)
        return list_item(pb.UpdateListItemResponse, shown)

    async def RemoveListItem(self, request: pb.RemoveListItemRequest, _: Any) -> pb.RemoveListItemResponse:
        """Takes a film off a list."""
        await self._items.remove(caller(), request.list_id, request.item_id, request.etag)
        return pb.RemoveListItemResponse()

    async def MoveListItem(self, request: pb.MoveListItemRequest, _: Any) -> pb.MoveListItemResponse:
        """Puts an item at another place of a list."""
        shown = await self._items.move(caller(), request.list_id, request.item_id, request.after_item_id)
        return list_item(pb.MoveListItemResponse, shown)
