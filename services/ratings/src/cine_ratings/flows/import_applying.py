"""Applying: the rows of a confirmed import become ratings, diary entries and reviews, a piece at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from cine.ratings.v1 import events_pb2
from cine_ratings.domain.diary import DiaryEntry
from cine_ratings.domain.review import ReviewWish, wish_of
from cine_ratings.domain.transfers import undoing
from cine_ratings.domain.transfers.changes import diary_wish, entry_after, paired, rating_wish, review_is_said
from cine_ratings.domain.transfers.job import UNDONE_WITHIN, Import, State
from cine_ratings.domain.transfers.rows import Kind, Part
from cine_ratings.flows.diary_book import DiaryBook
from cine_ratings.flows.rating_book import RatingBook
from cine_ratings.flows.reviews import Reviews
from cine_ratings.store import Transaction, held, import_rows, imports, ratings, turns
from cine_ratings.store.import_rows import UNCHANGED, Effect, KeptRow
from cine_ratings.watchlist import WatchlistImports
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.outbox import Outbox
from cinemesh.projections import People

_ROWS: Final = 100
_ROWS_ELSEWHERE: Final = 500
OWN: Final = (Kind.RATING, Kind.WATCH, Kind.REVIEW)
ELSEWHERE: Final = (Kind.WATCHLIST, Kind.LIST_ITEM)


class ImportApplying:
    """Does the next piece of applying.

    Args:
        database: the store.
        books: ratings and the diary.
        reviews: publishes reviews.
        watchlist: takes the rows that are not ours.
        people: knows who has left.
        outbox: tells other services.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        books: tuple[RatingBook, DiaryBook],
        reviews: Reviews,
        watchlist: WatchlistImports,
        people: People,
        outbox: Outbox,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._ratings, self._diary = books
        self._reviews = reviews
        self._watchlist = watchlist
        self._people = people
        self._outbox = outbox
        self._clock = clock

    async def step(self, found: Import, holder: str) -> None:
        """Does one piece: applies some rows, or says that all are.

        A piece is one transaction: what it changes, what would undo it, and that it was done. The Watchlist service gets its rows
        by a call that may be repeated.

        Raises:
            LeaseLost: another process is at it, or the person asked for something else meanwhile.
            Unauthenticated: the account was deleted.
            Unavailable: the Watchlist service does not answer.
        """
        own = await self._database.read(lambda tx: import_rows.to_apply(tx, found.import_id, OWN, _ROWS))
        if own:
            wishes = await asyncio.to_thread(_review_wishes, own)
            await self._database.write(lambda tx: self._apply(tx, found, holder, own, wishes))
            return
        others = await self._database.read(
            lambda tx: import_rows.to_apply(tx, found.import_id, ELSEWHERE, _ROWS_ELSEWHERE)
        )
        if others:
            await self._watchlist.apply(found, others)
        await self._database.write(lambda tx: self._note(tx, found, holder, others))

    def _note(self, tx: Transaction, found: Import, holder: str, applied: Sequence[KeptRow]) -> None:
        """Notes rows that were applied elsewhere; without any the import is done."""
        now = self._clock()
        imports.hold(tx, found, holder, now)
        self._mark(tx, found, applied)
        if applied:
            return
        imports.set_values(
            tx, found.import_id, state=State.DONE, holder="", expires_at=now + UNDONE_WITHIN, rows_done=0, rows_to_do=0
        )
        event = events_pb2.ImportApplied(
            import_id=found.import_id, user_id=found.user_id, rows_applied=found.rows_applied
        )
        self._outbox.append(tx, subject=f"imports/{found.import_id}", data=event, time=now)

    def _mark(self, tx: Transaction, found: Import, applied: Sequence[KeptRow]) -> None:
        if applied:
            import_rows.mark_applied(tx, found.import_id, [kept.number for kept in applied])
            imports.add(tx, found.import_id, rows_applied=len(applied), rows_done=len(applied))

    def _apply(
        self,
        tx: Transaction,
        found: Import,
        holder: str,
        rows: Sequence[KeptRow],
        wishes: Mapping[int, ReviewWish],
    ) -> None:
        imports.hold(tx, found, holder, self._clock())
        self._people.require_present(tx, found.user_id)
        turns.take(tx, found.user_id)
        effects = [
            *self._rate(tx, found.user_id, [kept for kept in rows if Part.RATING in kept.brings]),
            *self._watch(tx, found, [kept for kept in rows if Part.WATCH in kept.brings]),
            *self._review(tx, found.user_id, [kept for kept in rows if Part.REVIEW in kept.brings], wishes),
        ]
        import_rows.keep_effects(tx, found.import_id, effects)
        self._mark(tx, found, rows)

    def _rate(self, tx: Transaction, user_id: str, rows: Sequence[KeptRow]) -> list[Effect]:
        there = ratings.of_films(tx, user_id, [kept.movie_id for kept in rows])
        wishes = []
        for kept in rows:
            before = there.get(kept.movie_id)
            wishes.append(rating_wish(kept.row, kept.movie_id, before.score if before is not None else None))
        changes = self._ratings.apply(tx, user_id, wishes) if wishes else []
        return [
            Effect(
                kept.number, Part.RATING, change.after.rating_id, change.after.version, undoing.of_rating(change.before)
            )
            for kept, change in zip(rows, changes, strict=True)
            if change.changed
        ]

    def _watch(self, tx: Transaction, found: Import, rows: Sequence[KeptRow]) -> list[Effect]:
        entries = held.entries_of(tx, found.user_id, [kept.movie_id for kept in rows])
        # a second row about the same film and day is a second watching, not the first one again
        touched = import_rows.touched(tx, found.import_id, Part.WATCH, [entry.entry_id for entry in entries])
        free = [entry for entry in entries if entry.entry_id not in touched]
        there = paired({kept.number: (kept.row, kept.movie_id) for kept in rows}, free)
        effects = [self._edit(tx, kept, there[kept.number]) for kept in rows if kept.number in there]
        # in the order of days, so that the diary knows which watching was the first
        fresh = sorted((kept for kept in rows if kept.number not in there), key=lambda kept: str(kept.row.watched_on))
        made = self._diary.apply(tx, found.user_id, [diary_wish(kept.row, kept.movie_id) for kept in fresh])
        for kept, entry in zip(fresh, made, strict=True):
            effects.append(self._added(tx, kept, entry))
        return effects

    def _edit(self, tx: Transaction, kept: KeptRow, entry: DiaryEntry) -> Effect:
        after = entry_after(kept.row, entry)
        if after == entry:
            return Effect(kept.number, Part.WATCH, entry.entry_id, UNCHANGED)
        after = replace(after, version=entry.version + 1, updated_at=self._clock())
        self._diary.put(tx, after)
        return Effect(kept.number, Part.WATCH, entry.entry_id, after.version, undoing.of_entry(entry))

    def _added(self, tx: Transaction, kept: KeptRow, entry: DiaryEntry) -> Effect:
        if kept.row.whole and entry.rewatch != kept.row.rewatch:
            # our own file knows better than the days alone
            entry = replace(entry, rewatch=kept.row.rewatch, version=entry.version + 1)
            self._diary.put(tx, entry)
        return Effect(kept.number, Part.WATCH, entry.entry_id, entry.version)

    def _review(
        self, tx: Transaction, user_id: str, rows: Sequence[KeptRow], wishes: Mapping[int, ReviewWish]
    ) -> list[Effect]:
        there = held.reviews_of_films(tx, user_id, [kept.movie_id for kept in rows])
        effects = []
        for kept in rows:
            before = there.get(kept.movie_id)
            if review_is_said(kept.row, before):
                continue
            wish = wishes[kept.number]
            if before is not None and not kept.row.whole:
                # the file says nothing of headlines and spoilers
                wish = replace(wish, title=before.title, contains_spoilers=before.contains_spoilers)
            change = self._reviews.apply(tx, user_id, wish)
            if change.changed:
                review = change.after
                state = undoing.of_review(change.before)
                effects.append(Effect(kept.number, Part.REVIEW, review.review_id, review.version, state))
        return effects


def _review_wishes(rows: Sequence[KeptRow]) -> dict[int, ReviewWish]:
    """Returns the reviews that rows bring, rendered."""
    return {kept.number: _review_wish(kept) for kept in rows if Part.REVIEW in kept.brings}


def _review_wish(kept: KeptRow) -> ReviewWish:
    row = kept.row
    facts: dict[str, Any] = {"contains_spoilers": row.spoilers, "created_at": row.at}
    return wish_of(kept.movie_id, row.body, row.headline, **facts)
