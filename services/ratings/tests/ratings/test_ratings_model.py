"""Ratings and the diary against a model, in any order of changes, on both databases.

After every step the store holds what the model holds, what is counted is what there is to count, and whoever followed the events knows
the same.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cine.ratings.v1 import events_pb2
from cine_ratings.domain.counts import film_counts, histogram
from cine_ratings.domain.diary import DiaryEntry, DiaryUndo, DiaryWish
from cine_ratings.domain.rating import DIMENSIONS, Rating, RatingUndo, RatingWish, Score, halves_of
from cine_ratings.flows.diary_book import DiaryBook
from cine_ratings.flows.rating_book import RatingBook
from cine_ratings.store import Transaction, counts, diary, ratings, schema
from cinemesh.db import Database, mesh_tables, migrate
from cinemesh.errors import Aborted
from cinemesh.outbox import Outbox

from .conftest import told

T = TypeVar("T")
PEOPLE, FILMS = ("ada", "bob"), (1, 2, 3)
NOW = dt.datetime(2026, 3, 14, 12, tzinfo=dt.UTC)
HALVES = st.integers(0, 10)
SCORES = st.builds(Score, HALVES, *[st.none() | HALVES] * 4)
WHO, WHAT = st.sampled_from(PEOPLE), st.sampled_from(FILMS)
DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 4))


class Machine(RuleBasedStateMachine):
    """Changes a store and a model alike."""

    database: Database
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        outbox = Outbox("ratings")
        self.ratings_book = RatingBook(outbox, lambda: NOW)
        self.diary_book = DiaryBook(self.ratings_book, outbox, lambda: NOW)
        self.rated: dict[tuple[str, int], Score] = {}
        self.watched: dict[str, tuple[str, int, dt.date, bool]] = {}
        # what was done, how to take it back, and what the model has then
        self.undos: list[tuple[str, list[RatingUndo]]] = []
        self.entry_undos: list[tuple[str, list[DiaryUndo]]] = []

        def empty(tx: Transaction) -> None:
            for table in (schema.ratings, schema.rating_counts, schema.film_counts, schema.diary, mesh_tables.outbox):
                tx.execute(sa.delete(table))

        self.write(empty)

    def run_now(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def write(self, change: Callable[[Transaction], T]) -> T:
        return self.run_now(self.database.write(change))

    def read(self, find: Callable[[Transaction], T]) -> T:
        return self.run_now(self.database.read(find))

    @rule(who=WHO, wishes=st.lists(st.tuples(WHAT, SCORES), min_size=1, max_size=4))
    def rate(self, who: str, wishes: list[tuple[int, Score]]) -> None:
        made = [RatingWish(movie_id, score) for movie_id, score in wishes]
        changes = self.write(lambda tx: self.ratings_book.apply(tx, who, made))
        for change, (movie_id, score) in zip(changes, wishes, strict=True):
            before = self.rated.get((who, movie_id))
            assert (change.before.score if change.before else None) == before
            assert change.after.score == score
            assert change.changed == (before != score)
            self.rated[who, movie_id] = score
        films = [movie_id for movie_id, _ in wishes]
        undos = [change.undo for change in changes if change.changed]
        if undos and len(set(films)) == len(films):
            self.undos.append((who, undos))

    @rule(who=WHO, what=WHAT, score=SCORES, stale=st.booleans())
    def rate_what_was_read(self, who: str, what: int, score: Score, stale: bool) -> None:
        now = self.read(lambda tx: ratings.of(tx, who, what))
        etag = now.etag if now is not None and not stale else "stale-1"
        wish = RatingWish(what, score, etag=etag)
        if now is None or stale:
            with pytest.raises(Aborted):
                self.write(lambda tx: self.ratings_book.apply(tx, who, [wish]))
        else:
            self.write(lambda tx: self.ratings_book.apply(tx, who, [wish]))
            self.rated[who, what] = score

    @rule(who=WHO, what=WHAT)
    def take_back(self, who: str, what: int) -> None:
        def change(tx: Transaction) -> None:
            rating = ratings.of(tx, who, what)
            if rating is not None:
                self.ratings_book.remove(tx, [rating])

        self.write(change)
        self.rated.pop((who, what), None)

    @rule(data=st.data())
    def undo_ratings(self, data: st.DataObject) -> None:
        if not self.undos:
            return
        who, undos = data.draw(st.sampled_from(self.undos))
        before = {rating.rating_id: rating for rating in self.read(lambda tx: ratings.all_of(tx, who))}
        done = self.write(lambda tx: self.ratings_book.undo(tx, who, undos))
        for undo, happened in zip(undos, done, strict=True):
            rating = before.get(undo.rating_id)
            assert happened == (rating is not None and rating.version == undo.version)
            if rating is None or not happened:
                continue
            if undo.score is None:
                del self.rated[who, rating.movie_id]
            else:
                self.rated[who, rating.movie_id] = undo.score

    @rule(who=WHO, wishes=st.lists(st.tuples(WHAT, DAYS, st.none() | HALVES, st.booleans()), min_size=1, max_size=3))
    def watch(self, who: str, wishes: list[tuple[int, dt.date, int | None, bool]]) -> None:
        made = [DiaryWish(film, day, overall=overall, rate=rate) for film, day, overall, rate in wishes]
        entries = self.write(lambda tx: self.diary_book.apply(tx, who, made))
        for entry, wish in zip(entries, made, strict=True):
            earlier = [day for person, film, day, _ in self.watched.values() if (person, film) == (who, wish.movie_id)]
            again = any(day <= wish.watched_on for day in earlier)
            assert entry.rewatch == again
            self.watched[entry.entry_id] = (who, wish.movie_id, wish.watched_on, again)
            if wish.rate and wish.overall is not None:
                score = self.rated.get((who, wish.movie_id), Score(wish.overall))
                self.rated[who, wish.movie_id] = dataclasses.replace(score, overall=wish.overall)
        self.entry_undos.append((who, [DiaryUndo(entry.entry_id, entry.version) for entry in entries]))

    @rule(data=st.data(), day=DAYS)
    def change_entry(self, data: st.DataObject, day: dt.date) -> None:
        if not self.watched:
            return
        entry_id = data.draw(st.sampled_from(sorted(self.watched)))

        def change(tx: Transaction) -> None:
            entry = diary.by_id(tx, entry_id)
            assert entry is not None
            self.diary_book.put(tx, dataclasses.replace(entry, watched_on=day, version=entry.version + 1))

        self.write(change)
        who, film, _, again = self.watched[entry_id]
        self.watched[entry_id] = (who, film, day, again)

    @rule(data=st.data())
    def undo_entries(self, data: st.DataObject) -> None:
        if not self.entry_undos:
            return
        who, undos = data.draw(st.sampled_from(self.entry_undos))
        now = self.read(lambda tx: diary.some(tx, [undo.entry_id for undo in undos]))
        done = self.write(lambda tx: self.diary_book.undo(tx, who, undos))
        for undo, happened in zip(undos, done, strict=True):
            entry = now.get(undo.entry_id)
            assert happened == (entry is not None and entry.version == undo.version)
            if happened:
                del self.watched[undo.entry_id]

    @rule(who=WHO)
    def leave(self, who: str) -> None:
        def forget(tx: Transaction) -> None:
            self.ratings_book.forget(tx, who)
            self.diary_book.forget(tx, who)

        self.write(forget)
        self.rated = {key: score for key, score in self.rated.items() if key[0] != who}
        self.watched = {entry_id: entry for entry_id, entry in self.watched.items() if entry[0] != who}

    @rule(who=WHO, other=st.sampled_from(PEOPLE))
    def nobody_undoes_what_is_not_theirs(self, who: str, other: str) -> None:
        if who == other:
            return
        theirs = self.read(lambda tx: ratings.all_of(tx, other))
        undos = [RatingUndo(one.rating_id, one.version) for one in theirs]
        assert not any(self.write(lambda tx: self.ratings_book.undo(tx, who, undos)))

    @invariant()
    def the_store_holds_what_the_model_holds(self) -> None:
        found: list[Rating] = []
        entries: list[DiaryEntry] = []
        for who in PEOPLE:
            found += self.read(lambda tx, who=who: ratings.all_of(tx, who))  # type: ignore[misc]
            entries += self.read(lambda tx, who=who: diary.all_of(tx, who))  # type: ignore[misc]
        assert {(one.user_id, one.movie_id): one.score for one in found} == self.rated
        assert {
            one.entry_id: (one.user_id, one.movie_id, one.watched_on, one.rewatch) for one in entries
        } == self.watched

    @invariant()
    def what_is_counted_is_what_there_is_to_count(self) -> None:
        for film in FILMS:
            cells: dict[tuple[int, int], int] = {}
            for (_, movie_id), score in self.rated.items():
                for place, name in enumerate(DIMENSIONS):
                    halves = getattr(score, name)
                    if movie_id == film and halves is not None:
                        cells[place, halves] = cells.get((place, halves), 0) + 1
            watches = sum(movie_id == film for _, movie_id, _, _ in self.watched.values())
            expected = film_counts(film, cells, 0, watches)
            assert self.read(lambda tx, film=film: counts.of_film(tx, film)) == expected  # type: ignore[misc]
        mean = histogram(score.overall for score in self.rated.values()).mean
        assert self.read(counts.overall_mean) == pytest.approx(mean)

    @invariant()
    def whoever_follows_the_events_knows_the_same(self) -> None:
        known: dict[str, tuple[str, int, int]] = {}
        diaries: dict[str, tuple[str, int, dt.date, bool]] = {}
        for event in self.run_now(told(self.database)):
            if isinstance(event, events_pb2.RatingChanged):
                before = known.get(event.rating_id)
                assert event.HasField("previous_overall") == (before is not None)
                assert before is None or halves_of(event.previous_overall) == before[2]
                known[event.rating_id] = (event.user_id, event.movie_id, halves_of(event.overall))
            elif isinstance(event, events_pb2.RatingDeleted):
                assert known.pop(event.rating_id)[2] == halves_of(event.previous_overall)
            elif isinstance(event, events_pb2.DiaryEntryChanged):
                assert event.added == (event.entry_id not in diaries)
                day = dt.date.fromisoformat(event.watched_on)
                diaries[event.entry_id] = (event.user_id, event.movie_id, day, event.rewatch)
            elif isinstance(event, events_pb2.DiaryEntryDeleted):
                del diaries[event.entry_id]
        assert {(who, film): overall for who, film, overall in known.values()} == {
            key: score.overall for key, score in self.rated.items()
        }
        assert diaries == self.watched


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_any_order_of_changes(store_url: str) -> None:
    migrate(store_url, "cine_ratings")
    with asyncio.Runner() as runner:
        database = Database(store_url, pool=2)
        machine: Any = type("Bound", (Machine,), {"database": database, "runner": runner})
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
                ),
            )
        finally:
            runner.run(database.close())
