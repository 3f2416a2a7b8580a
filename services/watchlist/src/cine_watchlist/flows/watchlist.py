"""Watchlists: what people do with their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from google.protobuf.message import Message
from ulid import ULID

from cine.common.v1.film_card_pb2 import FilmCard
from cine.watchlist.v1 import events_pb2
from cine_watchlist.domain import items as rules
from cine_watchlist.domain.items import DEFAULT_PRIORITY, Item, already_there, edited, unknown_item
from cine_watchlist.flows.attempts import Attempt, Attempts
from cine_watchlist.flows.pages import lost_page
from cine_watchlist.store import Transaction, seen
from cine_watchlist.store import watchlist_items as store
from cine_watchlist.store.order import WATCHLIST, UnknownNeighbour
from cine_watchlist.store.watchlist_items import ItemFilter, Position
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.etags import check_etag
from cinemesh.outbox import Outbox
from cinemesh.plain_text import plain_text
from cinemesh.projections import Cards, Films, People
from cinemesh.stamps import stamp

A = TypeVar("A", bound=Message)


@dataclass(frozen=True, slots=True)
class ShownItem:
    """An item to show.

    Attributes:
        item: the item.
        position: its place in the person's own order, from 1.
        card: the film; None while the catalogue has not told of it.
        rated: whether the person has rated the film; only looked up where it matters.
    """

    item: Item
    position: int
    card: FilmCard | None
    rated: bool = False


@dataclass(frozen=True, slots=True)
class ItemPage:
    """Some items.

    Attributes:
        items: in the order asked for.
        next: where the next page starts; None on the last.
        total: items that match.
    """

    items: list[ShownItem]
    next: Position | None
    total: int


def told(item: Item, *, added: bool = False) -> tuple[str, Message]:
    """Returns the event that tells of an item, and what it is about."""
    event = events_pb2.WatchlistItemChanged(
        item_id=item.item_id,
        user_id=item.user_id,
        movie_id=item.movie_id,
        priority=item.priority,
        watched=item.watched,
        watched_at=stamp(item.watched_at) if item.watched_at is not None else None,
        added=added,
    )
    return f"users/{item.user_id}/watchlist/{item.movie_id}", event


def told_removed(item: Item) -> tuple[str, Message]:
    """Returns the event that tells that an item is gone, and what it is about."""
    event = events_pb2.WatchlistItemRemoved(item_id=item.item_id, user_id=item.user_id, movie_id=item.movie_id)
    return f"users/{item.user_id}/watchlist/{item.movie_id}", event


class Watchlist:
    """One's own watchlist. Others have no part in it: an item of somebody else does not exist.

    Args:
        database: the store.
        attempts: runs what may be sent again.
        films: gives film cards.
        people: who is still there.
        outbox: tells other services.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        attempts: Attempts,
        films: Films,
        people: People,
        outbox: Outbox,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._attempts = attempts
        self._films = films
        self._people = people
        self._outbox = outbox
        self._clock = clock

    async def add(self, user_id: str, movie_id: int, priority: int, notes: str, attempt: Attempt[ShownItem, A]) -> A:
        """Puts a film at the top of the caller's watchlist.

        Args:
            user_id: who calls.
            movie_id: the film.
            priority: 1 to 10; 0 for the default.
            notes: plain text.
            attempt: the call.

        Raises:
            InvalidArgument: the notes are no plain text, or the attempt was sent before with another body.
            NotFound: there is no such film.
            AlreadyExists: it is on the watchlist; the metadata names its item.
            FailedPrecondition: the watchlist is full.
        """
        notes = plain_text(notes, "notes", lines=True)

        def effect(tx: Transaction, cards: Cards) -> ShownItem:
            self._people.require_present(tx, user_id)
            rules.require_room(store.grow(tx, user_id, 1))
            now = self._clock()
            new = Item(str(ULID()), user_id, movie_id, priority or DEFAULT_PRIORITY, None, notes, 0, now, now)
            made = store.insert_first(tx, new)
            if made is None:
                there = store.by_film(tx, user_id, movie_id)
                raise already_there(there.item_id if there is not None else "", "your watchlist")
            self._tell(tx, [told(made, added=True)], now)
            return ShownItem(made, 1, cards.get(movie_id))

        return await self._attempts.run_about(attempt, [movie_id], effect)

    async def page(self, user_id: str, wanted: ItemFilter, limit: int, after: Position | None) -> ItemPage:
        """Returns a page of the caller's watchlist.

        Raises:
            InvalidArgument: the page's start is no longer known.
        """

        def read(tx: Transaction) -> ItemPage:
            found = store.find(tx, user_id, wanted, limit + 1, after)
            if found is None:
                raise lost_page()
            shown = self._show(tx, user_id, [item for item, _ in found[:limit]])
            following = found[limit - 1][1] if len(found) > limit else None
            return ItemPage(shown, following, store.count(tx, user_id, wanted))

        return await self._database.read(read)

    async def get(self, user_id: str, item_id: str) -> ShownItem:
        """Returns an item of the caller's.

        Raises:
            NotFound: there is none of this id.
        """
        return await self._database.read(lambda tx: self._one(tx, self._item(tx, user_id, item_id)))

    async def update(self, user_id: str, item_id: str, changes: Mapping[str, Any], etag: str) -> ShownItem:
        """Changes fields of an item.

        Args:
            user_id: who calls.
            item_id: the item.
            changes: new values of fields of `domain.items.EDITABLE`.
            etag: the one last read; empty to change whatever is there.

        Raises:
            NotFound: there is no such item.
            InvalidArgument: a value cannot be kept.
            Aborted: the item changed since the etag was read.
        """
        return await self._change(user_id, item_id, lambda item, now: edited(item, changes, now), etag)

    async def mark_watched(self, user_id: str, item_id: str, watched_at: dt.datetime | None) -> ShownItem:
        """Marks an item as watched, and says whether the film is rated; one that is marked keeps its time unless another is given.

        Raises:
            NotFound: there is no such item.
        """
        changes = {"watched": True, **({"watched_at": watched_at} if watched_at is not None else {})}
        return await self._change(user_id, item_id, lambda item, now: edited(item, changes, now), "")

    async def _change(
        self, user_id: str, item_id: str, edit: Callable[[Item, dt.datetime], Item], etag: str
    ) -> ShownItem:
        def change(tx: Transaction) -> ShownItem:
            old = self._locked(tx, user_id, item_id)
            check_etag(etag, old.version, old.item_id, thing="the item")
            now = self._clock()
            new = edit(old, now)
            if new != old:
                new = self._put(tx, new, now)
            return replace(self._one(tx, new), rated=seen.has_rated(tx, user_id, new.movie_id))

        return await self._database.write(change)

    async def remove(self, user_id: str, item_id: str, etag: str) -> None:
        """Takes an item off the caller's watchlist.

        Raises:
            NotFound: there is no such item.
            Aborted: it changed since the etag was read.
        """

        def change(tx: Transaction) -> None:
            item = self._locked(tx, user_id, item_id)
            check_etag(etag, item.version, item.item_id, thing="the item")
            store.delete(tx, user_id, [item_id])
            self._tell(tx, [told_removed(item)], self._clock())

        await self._database.write(change)

    async def move(self, user_id: str, item_id: str, after_item_id: str) -> ShownItem:
        """Puts an item behind another one, or at the top.

        Args:
            user_id: who calls.
            item_id: the item.
            after_item_id: the one it is to follow; empty for the top.

        Raises:
            NotFound: there is no such item, or none to follow.
        """

        def change(tx: Transaction) -> ShownItem:
            self._locked(tx, user_id, item_id)
            try:
                place = WATCHLIST.room_after(tx, user_id, after_item_id, item_id)
            except UnknownNeighbour:
                raise unknown_item("after_item_id") from None
            item = self._item(tx, user_id, item_id)  # again: all of them may have got new places
            if place != item.place:
                item = self._put(tx, replace(item, place=place), self._clock())
            return self._one(tx, item)

        return await self._database.write(change)

    def _locked(self, tx: Transaction, user_id: str, item_id: str) -> Item:
        """Returns an item of a watchlist that nobody else changes until this transaction ends."""
        self._people.require_present(tx, user_id)
        if not store.lock(tx, user_id):
            raise unknown_item()
        return self._item(tx, user_id, item_id)

    def _item(self, tx: Transaction, user_id: str, item_id: str) -> Item:
        item = store.by_id(tx, user_id, item_id) if "\x00" not in item_id else None
        if item is None:
            raise unknown_item()
        return item

    def _put(self, tx: Transaction, item: Item, now: dt.datetime) -> Item:
        item = replace(item, updated_at=now, version=item.version + 1)
        store.update(tx, item)
        self._tell(tx, [told(item)], now)
        return item

    def _tell(self, tx: Transaction, events: Sequence[tuple[str, Message]], now: dt.datetime) -> None:
        self._outbox.append_many(tx, events, time=now)

    def _one(self, tx: Transaction, item: Item) -> ShownItem:
        return self._show(tx, item.user_id, [item])[0]

    def _show(self, tx: Transaction, user_id: str, found: Sequence[Item]) -> list[ShownItem]:
        positions = WATCHLIST.positions(tx, user_id, [item.item_id for item in found])
        cards = self._films.cards(tx, [item.movie_id for item in found])
        return [ShownItem(item, positions[item.item_id], cards.get(item.movie_id)) for item in found]
