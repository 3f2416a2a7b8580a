"""Links that show a list to whoever holds them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cine_watchlist.domain.access import Act, Role, may, shareable
from cine_watchlist.domain.links import digest, new_seed
from cine_watchlist.domain.lists import MovieList
from cine_watchlist.flows.list_items import ListItemPage, ListItems
from cine_watchlist.flows.list_showing import ListShowing, ShownList
from cine_watchlist.flows.naming import with_names
from cine_watchlist.store import Transaction
from cine_watchlist.store import lists as store
from cine_watchlist.store.list_items import Position
from cinemesh.db import Database
from cinemesh.errors import FailedPrecondition, NotFound
from cinemesh.projections import People


@dataclass(frozen=True, slots=True)
class Shared:
    """A list's link.

    Attributes:
        list_id: the list.
        url: the link.
        token: the part of it that opens the list.
    """

    list_id: str
    url: str = field(repr=False)
    token: str = field(repr=False)


class Sharing:
    """Makes links, takes them back, and shows what is behind them.

    Args:
        database: the store.
        people: who is still there.
        showing: finds lists for those who may see them.
        items: films on lists.
    """

    def __init__(self, database: Database, people: People, showing: ListShowing, items: ListItems) -> None:
        self._database = database
        self._people = people
        self._showing = showing
        self._items = items

    async def share(self, user_id: str, list_id: str) -> Shared:
        """Returns the link of a list, and makes it where there is none; for its owner.

        Raises:
            NotFound: there is no such list.
            PermissionDenied: it is somebody else's.
            FailedPrecondition: it is private.
        """

        def change(tx: Transaction) -> Shared:
            self._people.require_present(tx, user_id)
            found, _ = self._showing.find(tx, list_id, user_id, Act.ADMINISTER, lock=True)
            if not shareable(found.visibility):
                raise FailedPrecondition("a private list has no link: make it unlisted or public first")
            if not self._showing.share_token(found):
                found = self._put(tx, found, new_seed())
            return Shared(list_id, self._showing.share_url(found), self._showing.share_token(found))

        return await self._database.write(change)

    async def unshare(self, user_id: str, list_id: str) -> None:
        """Makes the link of a list worthless; for its owner. A later one is another one.

        Raises:
            NotFound: there is no such list.
            PermissionDenied: it is somebody else's.
        """

        def change(tx: Transaction) -> None:
            self._people.require_present(tx, user_id)
            found, _ = self._showing.find(tx, list_id, user_id, Act.ADMINISTER, lock=True)
            if found.share_digest is not None:
                self._put(tx, found, "")

        await self._database.write(change)

    def _put(self, tx: Transaction, found: MovieList, seed: str) -> MovieList:
        kept = self._showing.share_digest(found.list_id, seed) if seed else None
        changed = replace(found, share_seed=seed, share_digest=kept)
        store.update(tx, changed)
        return changed

    async def shared(
        self, user_id: str, token: str, limit: int, after: Position | None
    ) -> tuple[ShownList, ListItemPage]:
        """Returns the list behind a link, without its people, and a page of its films.

        Args:
            user_id: who calls; empty for nobody.
            token: the part of the link that opens the list.
            limit: most films.
            after: where the page starts; None for the first.

        Raises:
            NotFound: the link opens nothing.
            InvalidArgument: the page's start is no longer known.
        """

        def read(tx: Transaction) -> tuple[ShownList, ListItemPage]:
            found = store.by_digest(tx, digest(token))
            if found is None or not may(Act.SEE, Role.NONE, found.visibility, by_link=True):
                raise NotFound("this link opens no list", violations=[("share_token", "opens nothing")])
            shown = self._showing.many(tx, [found], user_id, with_members=False)[0]
            return shown, self._items.read_page(tx, found, user_id, limit, after)

        return await with_names(self._database, self._people, read, lambda both: [both[0], *both[1].items])
