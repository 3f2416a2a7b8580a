"""Films on lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from google.protobuf.message import Message
from ulid import ULID

from cine_watchlist.domain.access import Act
from cine_watchlist.domain.items import already_there, unknown_item
from cine_watchlist.domain.lists import MOST_FILMS, ListItem, MovieList, require_room
from cine_watchlist.flows.attempts import Attempt, Attempts
from cine_watchlist.flows.list_events import told, told_added, told_removed
from cine_watchlist.flows.list_showing import ListShowing, ShownListItem
from cine_watchlist.flows.naming import with_names
from cine_watchlist.flows.pages import lost_page
from cine_watchlist.store import Transaction, lists
from cine_watchlist.store import list_items as store
from cine_watchlist.store.list_items import Position
from cine_watchlist.store.order import LIST, UnknownNeighbour
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.etags import check_etag
from cinemesh.outbox import Outbox
from cinemesh.plain_text import plain_text
from cinemesh.projections import Cards, People

A = TypeVar("A", bound=Message)
_ON_THE_LIST = "the list"


@dataclass(frozen=True, slots=True)
class ListItemPage:
    """Some films of a list.

    Attributes:
        items: in the list's order.
        next: where the next page starts; None on the last.
        total: films on the list.
    """

    items: list[ShownListItem]
    next: Position | None
    total: int


class ListItems:
    """What owners and editors do with the films on a list, and how others see them.

    Args:
        database: the store.
        attempts: runs what may be sent again.
        people: who is still there.
        showing: finds lists for those who may see them.
        outbox: tells other services.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        attempts: Attempts,
        people: People,
        showing: ListShowing,
        outbox: Outbox,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._attempts = attempts
        self._people = people
        self._showing = showing
        self._outbox = outbox
        self._clock = clock

    async def add(
        self,
        user_id: str,
        list_id: str,
        movie_id: int,
        notes: str,
        after_item_id: str,
        attempt: Attempt[ShownListItem, A],
    ) -> A:
        """Puts a film on a list.

        Args:
            user_id: who calls.
            list_id: the list.
            movie_id: the film.
            notes: shown with it, plain text.
            after_item_id: the item it is to follow; empty for the end.
            attempt: the call.

        Raises:
            NotFound: there is no such list, no such film, or no item to follow.
            PermissionDenied: the caller may see the list only.
            InvalidArgument: the notes are no plain text, or the attempt was sent before with another body.
            AlreadyExists: the film is on the list; the metadata names its item.
            FailedPrecondition: the list is full.
        """
        notes = plain_text(notes, "notes", lines=True)
        await self._people.known([user_id])

        def effect(tx: Transaction, _: Cards) -> ShownListItem:
            found = self._locked(tx, list_id, user_id)
            there = store.by_film(tx, list_id, movie_id)
            if there is not None:
                raise already_there(there.item_id, _ON_THE_LIST)
            now = self._clock()
            place = self._place(tx, list_id, after_item_id or store.last_id(tx, list_id) or "")
            made = ListItem(str(ULID()), list_id, movie_id, notes, user_id, place, now)
            store.insert(tx, [made])
            require_room(lists.touch(tx, found.list_id, now, grown=1), MOST_FILMS, "a list holds {} films at most")
            self._outbox.append_many(tx, [told_added(made)], time=now)
            return self._showing.item(tx, made, user_id)

        return await self._attempts.run_about(attempt, [movie_id], effect)

    async def page(self, user_id: str, list_id: str, limit: int, after: Position | None) -> ListItemPage:
        """Returns a page of a list that the caller may see.

        Raises:
            NotFound: there is no such list.
            InvalidArgument: the page's start is no longer known.
        """

        def read(tx: Transaction) -> ListItemPage:
            found, _ = self._showing.find(tx, list_id, user_id, Act.SEE)
            return self.read_page(tx, found, user_id, limit, after)

        return await with_names(self._database, self._people, read, lambda page: page.items)

    def read_page(
        self, tx: Transaction, found: MovieList, user_id: str, limit: int, after: Position | None
    ) -> ListItemPage:
        """Returns a page of a list to somebody who may see it.

        Raises:
            InvalidArgument: the page's start is no longer known.
        """
        some = store.page(tx, found.list_id, limit + 1, after)
        if some is None:
            raise lost_page()
        following = store.position(tx, some[limit - 1]) if len(some) > limit else None
        return ListItemPage(self._showing.items(tx, found.list_id, some[:limit], user_id), following, found.item_count)

    async def update(self, user_id: str, list_id: str, item_id: str, notes: str, etag: str) -> ShownListItem:
        """Changes the notes of an item.

        Raises:
            NotFound: there is no such list, or no such item on it.
            PermissionDenied: the caller may see the list only.
            InvalidArgument: the notes are no plain text.
            Aborted: the item changed since the etag was read.
        """
        notes = plain_text(notes, "notes", lines=True)

        def edit(tx: Transaction) -> ListItem:
            item = self._item(tx, list_id, item_id)
            check_etag(etag, item.version, item.item_id, thing="the item")
            return replace(item, notes=notes)

        return await self._change(user_id, list_id, item_id, edit)

    async def move(self, user_id: str, list_id: str, item_id: str, after_item_id: str) -> ShownListItem:
        """Puts an item behind another one, or at the top.

        Args:
            user_id: who calls.
            list_id: the list.
            item_id: the item.
            after_item_id: the one it is to follow; empty for the top.

        Raises:
            NotFound: there is no such list, no such item on it, or none to follow.
            PermissionDenied: the caller may see the list only.
        """

        def edit(tx: Transaction) -> ListItem:
            self._item(tx, list_id, item_id)
            place = self._place(tx, list_id, after_item_id, item_id)
            return replace(self._item(tx, list_id, item_id), place=place)

        return await self._change(user_id, list_id, item_id, edit)

    async def _change(
        self, user_id: str, list_id: str, item_id: str, edit: Callable[[Transaction], ListItem]
    ) -> ShownListItem:
        def change(tx: Transaction) -> ShownListItem:
            found = self._locked(tx, list_id, user_id)
            new = edit(tx)
            if new != self._item(tx, list_id, item_id):
                new = replace(new, version=new.version + 1)
                store.update(tx, new)
                now = self._clock()
                lists.touch(tx, list_id, now)
                self._outbox.append_many(tx, [told(found)], time=now)
            return self._showing.item(tx, new, user_id)

        return await self._database.write(change)

    async def remove(self, user_id: str, list_id: str, item_id: str, etag: str) -> None:
        """Takes an item off a list.

        Raises:
            NotFound: there is no such list, or no such item on it.
            PermissionDenied: the caller may see the list only.
            Aborted: the item changed since the etag was read.
        """

        def change(tx: Transaction) -> None:
            self._locked(tx, list_id, user_id)
            item = self._item(tx, list_id, item_id)
            check_etag(etag, item.version, item.item_id, thing="the item")
            store.delete(tx, [item_id])
            now = self._clock()
            lists.touch(tx, list_id, now, grown=-1)
            self._outbox.append_many(tx, [told_removed(item)], time=now)

        await self._database.write(change)

    def _locked(self, tx: Transaction, list_id: str, user_id: str) -> MovieList:
        """Returns a list that the caller may edit, and that nobody else changes until this transaction ends."""
        self._people.require_present(tx, user_id)
        found, _ = self._showing.find(tx, list_id, user_id, Act.EDIT, lock=True)
        return found

    def _item(self, tx: Transaction, list_id: str, item_id: str) -> ListItem:
        item = store.by_id(tx, list_id, item_id) if "\x00" not in item_id else None
        if item is None:
            raise unknown_item()
        return item

    def _place(self, tx: Transaction, list_id: str, after_item_id: str, moved_item_id: str = "") -> int:
        try:
            return LIST.room_after(tx, list_id, after_item_id, moved_item_id)
        except UnknownNeighbour:
            raise unknown_item("after_item_id") from None
