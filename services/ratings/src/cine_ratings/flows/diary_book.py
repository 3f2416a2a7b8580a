"""Diary entries are made, changed and taken out: always with their counts and events, in the caller's transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from google.protobuf.message import Message
from ulid import ULID

from cine.ratings.v1 import events_pb2
from cine_ratings.domain.diary import DiaryEntry, DiaryUndo, DiaryWish, noted
from cine_ratings.flows.rating_book import RatingBook
from cine_ratings.store import Transaction, counts, diary, turns
from cinemesh.clock import Clock, utc_now
from cinemesh.outbox import Outbox


class DiaryBook:
    """What every way into the diary has in common: a call, an import.

    Any number of entries of one person takes the same handful of statements.

    Args:
        ratings: takes what somebody thought that day as their rating, where they want that.
        outbox: tells other services.
        clock: tells the time.
    """

    def __init__(self, ratings: RatingBook, outbox: Outbox, clock: Clock = utc_now) -> None:
        self._ratings = ratings
        self._outbox = outbox
        self._clock = clock

    def apply(self, tx: Transaction, user_id: str, wishes: Sequence[DiaryWish]) -> list[DiaryEntry]:
        """Adds entries to a person's diary, and returns them in the same order.

        A transaction with several steps takes ratings first, then the diary, each in one call: counts are locked in that order everywhere.

        Whoever watched a film before is told by the diary, not by the wish alone; one wish may tell the next.
        """
        turns.take(tx, user_id)
        first = diary.first_days(tx, user_id, (wish.movie_id for wish in wishes))
        now = self._clock()
        entries: list[DiaryEntry] = []
        for wish in wishes:
            known = first.get(wish.movie_id)
            entries.append(noted(wish, known, user_id=user_id, entry_id=str(ULID()), now=now))
            first[wish.movie_id] = min(known or wish.watched_on, wish.watched_on)
        # counts of ratings before those of films, as everywhere: who locks both never meets another half way
        thought = {wish.movie_id: wish.overall for wish in wishes if wish.rate and wish.overall is not None}
        if thought:
            self._ratings.set_overall(tx, user_id, thought)
        diary.insert(tx, entries)
        self._tell(tx, (_changed(entry, added=True) for entry in entries))
        # last: everybody whose diary has the film locks these rows, and waits for the end of this transaction
        counts.add_watches(tx, Counter(entry.movie_id for entry in entries))
        return entries

    def undo(self, tx: Transaction, user_id: str, undos: Sequence[DiaryUndo]) -> list[bool]:
        """Takes entries made by `apply` out again, but for those that changed since. Returns whether each went."""
        turns.take(tx, user_id)
        now = diary.some(tx, [undo.entry_id for undo in undos])
        found = [now.get(undo.entry_id) for undo in undos]
        gone = [
            entry if entry is not None and entry.user_id == user_id and entry.version == undo.version else None
            for entry, undo in zip(found, undos, strict=True)
        ]
        self.remove(tx, [entry for entry in gone if entry is not None])
        return [entry is not None for entry in gone]

    def put(self, tx: Transaction, entry: DiaryEntry) -> None:
        """Keeps an entry as it is now. Take its owner's turn before it is read."""
        diary.put(tx, entry)
        self._tell(tx, [_changed(entry, added=False)])

    def remove(self, tx: Transaction, entries: Sequence[DiaryEntry]) -> None:
        """Takes entries out. Take their owner's turn before they are read."""
        diary.delete(tx, [entry.entry_id for entry in entries])
        self._tell(tx, (_deleted(entry) for entry in entries))
        watches = Counter(entry.movie_id for entry in entries)
        counts.add_watches(tx, {movie_id: -count for movie_id, count in watches.items()})

    def forget(self, tx: Transaction, user_id: str) -> None:
        """Takes everything out of a person's diary, because they left; called again, it changes nothing."""
        turns.take(tx, user_id)
        self.remove(tx, diary.all_of(tx, user_id))

    def _tell(self, tx: Transaction, events: Iterable[tuple[str, Message]]) -> None:
        self._outbox.append_many(tx, events, time=self._clock())


def _changed(entry: DiaryEntry, *, added: bool) -> tuple[str, Message]:
    event = events_pb2.DiaryEntryChanged(
        entry_id=entry.entry_id,
        user_id=entry.user_id,
        movie_id=entry.movie_id,
        watched_on=entry.watched_on.isoformat(),
        rewatch=entry.rewatch,
        added=added,
    )
    return f"diary/{entry.entry_id}", event


def _deleted(entry: DiaryEntry) -> tuple[str, Message]:
    event = events_pb2.DiaryEntryDeleted(entry_id=entry.entry_id, user_id=entry.user_id, movie_id=entry.movie_id)
    return f"diary/{entry.entry_id}", event
