"""Lists: making them, finding them, changing them. What is on them is in `list_items.py`, who works on them in `collaboration.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from google.protobuf.message import Message
from ulid import ULID

from cine_watchlist.domain import lists as rules
from cine_watchlist.domain import places
from cine_watchlist.domain.access import Act, Role, Visibility
from cine_watchlist.domain.lists import ListItem, MovieList, edited, list_name, require_room
from cine_watchlist.flows.attempts import Attempt, Attempts
from cine_watchlist.flows.list_events import told, told_added, told_deleted
from cine_watchlist.flows.list_showing import ListShowing, ShownList
from cine_watchlist.flows.naming import with_names
from cine_watchlist.store import Transaction
from cine_watchlist.store import list_items as item_store
from cine_watchlist.store import lists as store
from cine_watchlist.store.lists import Position
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.etags import check_etag
from cinemesh.outbox import Outbox
from cinemesh.plain_text import plain_text
from cinemesh.projections import Cards, People

A = TypeVar("A", bound=Message)


@dataclass(frozen=True, slots=True)
class NewList:
    """A list to be.

    Attributes:
        name: its name.
        description: what it is about.
        visibility: who may see it.
        ranked: whether its order says which film is better.
        comments_enabled: whether those who see it may comment.
        movie_ids: films to begin with, in order, each once.
    """

    name: str
    description: str
    visibility: Visibility
    ranked: bool
    comments_enabled: bool
    movie_ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class ListPage:
    """Some lists.

    Attributes:
        lists: last changed first.
        next: where the next page starts; None on the last.
        total: lists that match.
    """

    lists: list[ShownList]
    next: Position | None
    total: int


class Lists:
    """What people do with lists.

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

    async def create(self, user_id: str, new: NewList, attempt: Attempt[ShownList, A]) -> A:
        """Makes a list that the caller owns.

        Raises:
            InvalidArgument: a text is no plain text, the name is empty, or the attempt was sent before with another body.
            NotFound: there is no such film.
            FailedPrecondition: the caller owns too many lists.
        """
        name, description = list_name(new.name), plain_text(new.description, "description", lines=True)
        await self._people.known([user_id])

        def effect(tx: Transaction, _: Cards) -> ShownList:
            self._people.require_present(tx, user_id)
            owned = store.owned_count(tx, user_id) + 1
            require_room(owned, rules.MOST_LISTS, "somebody may own {} lists at most")
            now = self._clock()
            made = MovieList(
                list_id=str(ULID()),
                owner_id=user_id,
                name=name,
                description=description,
                visibility=new.visibility,
                ranked=new.ranked,
                comments_enabled=new.comments_enabled,
                created_at=now,
                updated_at=now,
                item_count=len(new.movie_ids),
            )
            store.insert(tx, made)
            items = [
                ListItem(str(ULID()), made.list_id, movie_id, "", user_id, number * places.GAP, now)
                for number, movie_id in enumerate(new.movie_ids)
            ]
            item_store.insert(tx, items)
            self._outbox.append_many(tx, [told(made, added=True), *map(told_added, items)], time=now)
            return self._showing.one(tx, made, user_id)

        return await self._attempts.run_about(attempt, new.movie_ids, effect, "movie_ids")

    async def page(self, user_id: str, role: Role, limit: int, after: Position | None) -> ListPage:
        """Returns a page of the lists that the caller owns or works on.

        Args:
            user_id: who calls.
            role: theirs; NONE for any.
            limit: most lists.
            after: where the page starts; None for the first.
        """

        def read(tx: Transaction) -> ListPage:
            found = store.page(tx, user_id, role, limit + 1, after)
            following = store.position(found[limit - 1]) if len(found) > limit else None
            shown = self._showing.many(tx, found[:limit], user_id)
            return ListPage(shown, following, store.count(tx, user_id, role))

        return await with_names(self._database, self._people, read, lambda page: page.lists)

    async def get(self, user_id: str, list_id: str) -> ShownList:
        """Returns a list that the caller may see.

        Raises:
            NotFound: there is none of this id.
        """

        def read(tx: Transaction) -> ShownList:
            found, _ = self._showing.find(tx, list_id, user_id, Act.SEE)
            return self._showing.one(tx, found, user_id)

        return await with_names(self._database, self._people, read, lambda one: [one])

    async def update(self, user_id: str, list_id: str, changes: Mapping[str, Any], etag: str) -> ShownList:
        """Changes fields of a list; for its owner.

        Args:
            user_id: who calls.
            list_id: the list.
            changes: new values of fields of `domain.lists.EDITABLE`.
            etag: the one last read; empty to change whatever is there.

        Raises:
            NotFound: there is no such list.
            PermissionDenied: it is somebody else's.
            InvalidArgument: a text cannot be kept.
            Aborted: the list changed since the etag was read.
        """

        def change(tx: Transaction) -> ShownList:
            self._people.require_present(tx, user_id)
            old, _ = self._showing.find(tx, list_id, user_id, Act.ADMINISTER, lock=True)
            check_etag(etag, old.version, old.list_id, thing="the list")
            new = edited(old, changes)
            if new != old:
                now = self._clock()
                new = replace(new, updated_at=now, version=old.version + 1)
                store.update(tx, new)
                self._outbox.append_many(tx, [told(new)], time=now)
            return self._showing.one(tx, new, user_id)

        return await self._database.write(change)

    async def delete(self, user_id: str, list_id: str, etag: str) -> None:
        """Deletes a list with everything on it; for its owner.

        Raises:
            NotFound: there is no such list.
            PermissionDenied: it is somebody else's.
            Aborted: the list changed since the etag was read.
        """

        def change(tx: Transaction) -> None:
            self._people.require_present(tx, user_id)
            old, _ = self._showing.find(tx, list_id, user_id, Act.ADMINISTER, lock=True)
            check_etag(etag, old.version, old.list_id, thing="the list")
            store.delete(tx, [list_id])
            self._outbox.append_many(tx, [told_deleted(old)], time=self._clock())

        await self._database.write(change)
