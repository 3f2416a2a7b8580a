"""Undoing: what an import added goes, what it replaced comes back, what was changed since stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cine.ratings.v1 import events_pb2
from cine_ratings.domain.diary import DiaryUndo
from cine_ratings.domain.review import ReviewChange
from cine_ratings.domain.transfers import undoing
from cine_ratings.domain.transfers.job import Import, State
from cine_ratings.domain.transfers.rows import Part
from cine_ratings.flows.diary_book import DiaryBook
from cine_ratings.flows.import_applying import ELSEWHERE
from cine_ratings.flows.rating_book import RatingBook
from cine_ratings.flows.reviews import Reviews
from cine_ratings.store import Transaction, diary, import_rows, imports, reviews, turns
from cine_ratings.store.import_rows import Effect
from cine_ratings.watchlist import WatchlistImports
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.outbox import Outbox
from cinemesh.projections import People

_ROWS: Final = 100


class ImportUndoing:
    """Does the next piece of undoing; arguments as those of `ImportApplying`."""

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
        """Does one piece: undoes some rows, the last ones first, or says that nothing is left to undo.

        Raises:
            LeaseLost: another process is at it.
            Unauthenticated: the account was deleted.
            Unavailable: the Watchlist service does not answer.
        """
        effects = await self._database.read(lambda tx: import_rows.last_effects(tx, found.import_id, _ROWS))
        if effects:
            await self._database.write(lambda tx: self._undo(tx, found, holder, effects))
            return
        if await self._database.read(lambda tx: import_rows.any_applied(tx, found.import_id, ELSEWHERE)):
            await self._watchlist.rollback(found)
        await self._database.write(lambda tx: self._finish(tx, found, holder))

    def _finish(self, tx: Transaction, found: Import, holder: str) -> None:
        now = self._clock()
        imports.hold(tx, found, holder, now)
        staying = import_rows.settle_undone(tx, found.import_id)
        imports.set_values(
            tx,
            found.import_id,
            state=State.ROLLED_BACK,
            holder="",
            rows_applied=staying,
            rows_done=0,
            rows_to_do=0,
            error="",
        )
        event = events_pb2.ImportRolledBack(import_id=found.import_id, user_id=found.user_id)
        self._outbox.append(tx, subject=f"imports/{found.import_id}", data=event, time=now)

    def _undo(self, tx: Transaction, found: Import, holder: str, effects: Sequence[Effect]) -> None:
        imports.hold(tx, found, holder, self._clock())
        self._people.require_present(tx, found.user_id)
        turns.take(tx, found.user_id)
        of_part = {part: [one for one in effects if one.part is part] for part in Part}
        settled = [
            *self._undo_ratings(tx, found.user_id, of_part[Part.RATING]),
            *self._undo_watches(tx, found.user_id, of_part[Part.WATCH]),
            *((one, self._undo_review(tx, found.user_id, one)) for one in of_part[Part.REVIEW]),
        ]
        import_rows.settle_effects(tx, found.import_id, settled)
        imports.add(tx, found.import_id, rows_done=len({one.row_number for one in effects if one.version}))

    def _undo_ratings(self, tx: Transaction, user_id: str, effects: Sequence[Effect]) -> list[tuple[Effect, bool]]:
        undos = [undoing.rating_undo(one.thing_id, one.version, one.before) for one in effects]
        return list(zip(effects, self._ratings.undo(tx, user_id, undos) if undos else [], strict=True))

    def _undo_watches(self, tx: Transaction, user_id: str, effects: Sequence[Effect]) -> list[tuple[Effect, bool]]:
        settled = [(one, True) for one in effects if not one.version]
        added = [one for one in effects if one.version and one.before is None]
        gone = self._diary.undo(tx, user_id, [DiaryUndo(one.thing_id, one.version) for one in added])
        settled += zip(added, gone, strict=True)
        edited = [one for one in effects if one.version and one.before is not None]
        entries = diary.some(tx, [one.thing_id for one in edited])
        for one in edited:
            entry = entries.get(one.thing_id)
            same = entry is not None and entry.user_id == user_id and entry.version == one.version
            if same and entry is not None and one.before is not None:
                self._diary.put(tx, undoing.entry_before(entry, one.before))
            settled.append((one, same))
        return settled

    def _undo_review(self, tx: Transaction, user_id: str, effect: Effect) -> bool:
        review = reviews.by_id(tx, effect.thing_id)
        if review is None or review.user_id != user_id or review.version != effect.version:
            return False
        before = undoing.review_before(review, effect.before) if effect.before is not None else None
        return self._reviews.undo(tx, ReviewChange(before, review))
