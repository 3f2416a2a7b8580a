"""Films that an import at Ratings brings: taken over in parts, each row once, and undone again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from google.protobuf.message import Message
from ulid import ULID

from cine_watchlist.domain import items as item_rules
from cine_watchlist.domain import lists as list_rules
from cine_watchlist.domain import places
from cine_watchlist.domain.access import Visibility
from cine_watchlist.domain.items import DEFAULT_PRIORITY, Item
from cine_watchlist.domain.lists import ListItem, MovieList, list_name, require_room
from cine_watchlist.flows import list_events
from cine_watchlist.flows.watchlist import told, told_removed
from cine_watchlist.store import Transaction, list_items, lists, watchlist_items
from cine_watchlist.store import imports as store
from cine_watchlist.store.imports import ImportedRow
from cine_watchlist.store.order import LIST, WATCHLIST
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.outbox import Outbox
from cinemesh.plain_text import plain_text
from cinemesh.projections import People

KEPT_FOR = dt.timedelta(days=400)
"""How long what came of rows is kept: longer than any import can be undone."""
_PIECE = 500


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A film that an import brings.

    Attributes:
        row_number: its row, from 1.
        movie_id: the film.
        list_name: the list it belongs to; empty for the watchlist.
        added_at: when it was added elsewhere; None for now.
        notes: plain text.
    """

    row_number: int
    movie_id: int
    list_name: str
    added_at: dt.datetime | None
    notes: str


class Imports:
    """Takes imports over, and back.

    Films stand behind those that are there, in the order of their rows. A list that is not there is made, private. A part that comes
    again, whole or not, changes nothing and gives the same answer, also after the import was undone.

    Args:
        database: the store.
        people: who is still there.
        outbox: tells other services.
        clock: tells the time.
    """

    def __init__(self, database: Database, people: People, outbox: Outbox, clock: Clock = utc_now) -> None:
        self._database = database
        self._people = people
        self._outbox = outbox
        self._clock = clock

    async def apply(self, user_id: str, import_id: str, rows: Sequence[ImportRow]) -> tuple[int, int]:
        """Takes a part of an import over.

        Args:
            user_id: whose import it is.
            import_id: its id, at Ratings.
            rows: the part; a row that stands in it twice counts once.

        Returns:
            How many films these rows added, and how many were there already.

        Raises:
            Unauthenticated: the account was deleted.
            InvalidArgument: a text is no plain text.
            FailedPrecondition: the watchlist or a list would be too long.
        """
        wanted = {row.row_number: _cleaned(row, number) for number, row in enumerate(rows)}

        def change(tx: Transaction) -> tuple[int, int]:
            self._people.require_present(tx, user_id)
            watchlist_items.grow(tx, user_id, 0)  # begins it, and lets parts come one after another
            before = store.applied(tx, user_id, import_id, wanted)
            done = {row.row_number for row in before}
            new = [wanted[number] for number in sorted(wanted) if number not in done]
            work = _Work(tx, user_id, self._clock())
            made = work.onto_watchlist([row for row in new if not row.list_name])
            for name in dict.fromkeys(row.list_name for row in new if row.list_name):
                made += work.onto_list(name, [row for row in new if row.list_name == name])
            store.keep(tx, user_id, import_id, made, work.now)
            self._outbox.append_many(tx, work.events, time=work.now)
            added = sum(row.item_id is not None for row in (*before, *made))
            return added, len(wanted) - added

        return await self._database.write(change)

    async def roll_back(self, user_id: str, import_id: str) -> int:
        """Takes off again what an import brought, but for what was changed since; a list it made goes when nothing is left on it.

        Args:
            user_id: whose import it was.
            import_id: its id, at Ratings.

        Returns:
            How many films were taken off, now or when this was asked before.
        """
        after, total = 0, 0
        while True:
            # in pieces, so that nobody waits long for the writer; whatever stops it, asked again it goes on
            last, gone = await self._database.write(partial(self._piece_off, user_id, import_id, after))
            total += gone
            if last is None:
                break
            after = last
        await self._database.write(lambda tx: self._empty_lists_off(tx, user_id, import_id))
        return total

    def _piece_off(self, user_id: str, import_id: str, after: int, tx: Transaction) -> tuple[int | None, int]:
        """Takes some rows off. Returns the last of them, None when there are no more, and how many films are off now."""
        if not watchlist_items.lock(tx, user_id):
            return None, 0
        rows = store.page(tx, user_id, import_id, after, _PIECE)
        left = [row for row in rows if row.item_id is not None and not row.undone]
        now = self._clock()
        gone = self._off_watchlist(tx, user_id, [row for row in left if row.list_id is None], now)
        for list_id in sorted({row.list_id for row in left if row.list_id is not None}):
            gone += self._off_list(tx, [row for row in left if row.list_id == list_id], list_id, now)
        store.undo(tx, user_id, import_id, [row.row_number for row in gone])
        last = rows[-1].row_number if len(rows) == _PIECE else None
        return last, sum(row.undone for row in rows) + len(gone)

    def _off_watchlist(
        self, tx: Transaction, user_id: str, rows: Sequence[ImportedRow], now: dt.datetime
    ) -> list[ImportedRow]:
        found = watchlist_items.by_ids(tx, user_id, [row.item_id for row in rows if row.item_id is not None])
        untouched = {item.item_id: item for item in found if item.version == 1}
        if untouched:
            watchlist_items.delete(tx, user_id, untouched)
            self._outbox.append_many(tx, map(told_removed, untouched.values()), time=now)
        return [row for row in rows if row.item_id in untouched]

    def _off_list(
        self, tx: Transaction, rows: Sequence[ImportedRow], list_id: str, now: dt.datetime
    ) -> list[ImportedRow]:
        if lists.by_id(tx, list_id, lock=True) is None:
            return []
        found = list_items.by_ids(tx, [row.item_id for row in rows if row.item_id is not None])
        untouched = {item.item_id: item for item in found if item.version == 1}
        if untouched:
            list_items.delete(tx, untouched)
            lists.touch(tx, list_id, now, grown=-len(untouched))
            self._outbox.append_many(tx, map(list_events.told_removed, untouched.values()), time=now)
        return [row for row in rows if row.item_id in untouched]

    def _empty_lists_off(self, tx: Transaction, user_id: str, import_id: str) -> None:
        """Deletes lists that the import made and that nobody did anything with."""
        gone = []
        for list_id in store.lists_made(tx, user_id, import_id):
            found = lists.by_id(tx, list_id, lock=True)
            if found is not None and not found.item_count and found.version == 1 and lists.is_bare(tx, list_id):
                gone.append(found)
        if gone:
            lists.delete(tx, [one.list_id for one in gone])
            self._outbox.append_many(tx, map(list_events.told_deleted, gone), time=self._clock())

    async def prune(self) -> int:
        """Forgets what came of rows long ago; a job of housekeeping."""
        before = self._clock() - KEPT_FOR
        return await self._database.write(lambda tx: store.prune(tx, before))


class _Work:
    """A part of an import on its way into the store.

    Attributes:
        events: what other services are to be told.
        now: when it is done.
    """

    def __init__(self, tx: Transaction, user_id: str, now: dt.datetime) -> None:
        self._tx = tx
        self._user_id = user_id
        self.now = now
        self.events: list[tuple[str, Message]] = []

    def onto_watchlist(self, rows: Sequence[ImportRow]) -> list[ImportedRow]:
        """Adds films to the watchlist, which is locked. Returns what came of each row."""
        if not rows:
            return []
        fresh = _fresh(rows, watchlist_items.present(self._tx, self._user_id, {row.movie_id for row in rows}))
        item_rules.require_room(watchlist_items.grow(self._tx, self._user_id, len(fresh)))
        highest = WATCHLIST.ends(self._tx, self._user_id)[1]
        items: dict[int, Item] = {}
        for row in fresh:
            highest = places.last(highest)
            at = min(row.added_at or self.now, self.now)
            items[row.row_number] = Item(
                str(ULID()), self._user_id, row.movie_id, DEFAULT_PRIORITY, None, row.notes, highest, at, self.now
            )
        watchlist_items.insert_all(self._tx, items.values())
        self.events += [told(item, added=True) for item in items.values()]
        return [
            ImportedRow(row.row_number, items[row.row_number].item_id if row.row_number in items else None, None)
            for row in rows
        ]

    def onto_list(self, name: str, rows: Sequence[ImportRow]) -> list[ImportedRow]:
        """Adds films to the person's oldest list of a name, or to a new one. Returns what came of each row."""
        found, made = self._list(name)
        fresh = _fresh(rows, list_items.present(self._tx, found.list_id, {row.movie_id for row in rows}))
        highest = LIST.ends(self._tx, found.list_id)[1]
        items: dict[int, ListItem] = {}
        for row in fresh:
            highest = places.last(highest)
            at = min(row.added_at or self.now, self.now)
            items[row.row_number] = ListItem(
                str(ULID()), found.list_id, row.movie_id, row.notes, self._user_id, highest, at
            )
        list_items.insert(self._tx, items.values())
        count = lists.touch(self._tx, found.list_id, self.now, grown=len(items))
        require_room(count, list_rules.MOST_FILMS, "a list holds {} films at most")
        self.events += map(list_events.told_added, items.values())
        return [
            ImportedRow(row.row_number, items[row.row_number].item_id, found.list_id, made_list=made)
            if row.row_number in items
            else ImportedRow(row.row_number, None, found.list_id)
            for row in rows
        ]

    def _list(self, name: str) -> tuple[MovieList, bool]:
        found = lists.owned_named(self._tx, self._user_id, name)
        if found is not None:
            return found, False
        owned = lists.owned_count(self._tx, self._user_id) + 1
        require_room(owned, list_rules.MOST_LISTS, "somebody may own {} lists at most")
        made = MovieList(
            list_id=str(ULID()),
            owner_id=self._user_id,
            name=name,
            description="",
            visibility=Visibility.PRIVATE,
            ranked=False,
            comments_enabled=False,
            created_at=self.now,
            updated_at=self.now,
        )
        lists.insert(self._tx, made)
        self.events.append(list_events.told(made, added=True))
        return made, True


def _cleaned(row: ImportRow, number: int) -> ImportRow:
    name = list_name(row.list_name, f"items[{number}].list_name") if row.list_name.strip() else ""
    notes = plain_text(row.notes, f"items[{number}].notes", lines=True)
    return ImportRow(row.row_number, row.movie_id, name, row.added_at, notes)


def _fresh(rows: Sequence[ImportRow], present: Collection[int]) -> list[ImportRow]:
    """Returns the rows whose films are not there yet, of each film the first row."""
    first: dict[int, ImportRow] = {}
    for row in rows:
        if row.movie_id not in present:
            first.setdefault(row.movie_id, row)
    return list(first.values())
