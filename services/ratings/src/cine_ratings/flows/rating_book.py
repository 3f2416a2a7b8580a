"""Ratings are given, changed, taken back and put as they were: always with their counts and events, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from google.protobuf.message import Message
from ulid import ULID

from cine.ratings.v1 import events_pb2
from cine_ratings.domain import counts as counting
from cine_ratings.domain.rating import Rating, RatingChange, RatingUndo, RatingWish, Score, rated, restored, stars_of
from cine_ratings.store import Transaction, counts, ratings, turns
from cinemesh.clock import Clock, utc_now
from cinemesh.outbox import Outbox


class RatingBook:
    """What every way to rate has in common: a call, a diary entry, a review, an import.

    Any number of ratings of one person takes the same handful of statements.

    Args:
        outbox: tells other services.
        clock: tells the time.
    """

    def __init__(self, outbox: Outbox, clock: Clock = utc_now) -> None:
        self._outbox = outbox
        self._clock = clock

    def apply(self, tx: Transaction, user_id: str, wishes: Sequence[RatingWish]) -> list[RatingChange]:
        """Rates films, and returns what came of each wish, in the same order.

        A transaction with several steps takes ratings first, then the diary, each in one call: counts are locked in that order everywhere.

        Args:
            tx: the transaction.
            user_id: whose ratings they are.
            wishes: what they want; of several for one film each follows on the one before.

        Raises:
            Aborted: a rating is not the one any more that its wish was made for.
        """
        turns.take(tx, user_id)
        known = ratings.of_films(tx, user_id, (wish.movie_id for wish in wishes))
        now = self._clock()
        changes: list[RatingChange] = []
        for wish in wishes:
            before = known.get(wish.movie_id)
            after = rated(before, wish, user_id=user_id, rating_id=str(ULID()), now=now)
            known[wish.movie_id] = after
            changes.append(RatingChange(before, after))
        self._keep(tx, [(change.before, change.after) for change in changes if change.changed])
        return changes

    def set_overall(self, tx: Transaction, user_id: str, overall: Mapping[int, int]) -> list[RatingChange]:
        """Rates films as a whole, and leaves how their other dimensions are rated as it is.

        Args:
            tx: the transaction.
            user_id: whose ratings they are.
            overall: half stars, 0 to 10, by film.
        """
        turns.take(tx, user_id)
        known = ratings.of_films(tx, user_id, overall)
        wishes = []
        for movie_id, halves in overall.items():
            before = known.get(movie_id)
            score = replace(before.score, overall=halves) if before is not None else Score(halves)
            wishes.append(RatingWish(movie_id, score))
        return self.apply(tx, user_id, wishes)

    def undo(self, tx: Transaction, user_id: str, undos: Sequence[RatingUndo]) -> list[bool]:
        """Takes changes back: what was added goes, what was replaced comes back, what was changed since stays.

        Args:
            tx: the transaction.
            user_id: whose ratings they are.
            undos: of changes made by `apply`, at most one a rating.

        Returns:
            Whether each was taken back.
        """
        turns.take(tx, user_id)
        now = ratings.some(tx, [undo.rating_id for undo in undos])
        steps: list[tuple[Rating | None, Rating | None]] = []
        done: list[bool] = []
        for undo in undos:
            rating = now.get(undo.rating_id)
            mine = rating is not None and rating.user_id == user_id and rating.version == undo.version
            done.append(mine)
            if rating is not None and mine:
                steps.append((rating, restored(rating, undo)))
        self._keep(tx, steps)
        return done

    def remove(self, tx: Transaction, found: Sequence[Rating]) -> None:
        """Takes ratings back. Take their owner's turn before they are read."""
        self._keep(tx, [(rating, None) for rating in found])

    def forget(self, tx: Transaction, user_id: str) -> None:
        """Takes every rating of a person back, because they left; called again, it changes nothing."""
        turns.take(tx, user_id)
        self.remove(tx, ratings.all_of(tx, user_id))

    def _keep(self, tx: Transaction, steps: Sequence[tuple[Rating | None, Rating | None]]) -> None:
        """Writes steps from one state of a rating to the next, each rating's own in their order."""
        last: dict[str, Rating | None] = {}
        for before, after in steps:
            rating = before or after
            if rating is not None:
                last[rating.rating_id] = after
        ratings.keep(tx, [rating for rating in last.values() if rating is not None])
        ratings.delete(tx, [rating_id for rating_id, rating in last.items() if rating is None])
        self._outbox.append_many(tx, _events(steps), time=self._clock())
        # last: everybody who rates the film locks these rows, and waits for the end of this transaction
        counts.add(tx, counting.deltas(_scores(steps)))


def _scores(
    steps: Iterable[tuple[Rating | None, Rating | None]],
) -> Iterable[tuple[int, Score | None, Score | None]]:
    for before, after in steps:
        rating = after or before
        if rating is not None:
            yield rating.movie_id, before.score if before else None, after.score if after else None


def _events(steps: Iterable[tuple[Rating | None, Rating | None]]) -> Iterable[tuple[str, Message]]:
    for before, after in steps:
        if after is not None:
            yield f"ratings/{after.rating_id}", _changed(before, after)
        elif before is not None:
            deleted = events_pb2.RatingDeleted(
                rating_id=before.rating_id,
                user_id=before.user_id,
                movie_id=before.movie_id,
                previous_overall=stars_of(before.score.overall),
            )
            yield f"ratings/{before.rating_id}", deleted


def _changed(before: Rating | None, after: Rating) -> events_pb2.RatingChanged:
    event = events_pb2.RatingChanged(rating_id=after.rating_id, user_id=after.user_id, movie_id=after.movie_id)
    for name, halves in after.score.values.items():
        if halves is not None:
            setattr(event, name, stars_of(halves))
    if before is not None:
        event.previous_overall = stars_of(before.score.overall)
    event.rated_at.FromDatetime(after.updated_at)
    return event
