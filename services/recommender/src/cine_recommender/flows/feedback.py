"""Feedback: given, listed, taken back; the very next answer knows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message
from ulid import ULID

from cine.common.v1 import film_card_pb2
from cine.recommender.v1 import events_pb2
from cine_recommender.domain import feedback as rules
from cine_recommender.domain.feedback import Change, Feedback
from cine_recommender.flows.memory import Memory
from cine_recommender.store import Transaction
from cine_recommender.store import feedback as store
from cine_recommender.store.feedback import Position
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import NotFound
from cinemesh.outbox import Outbox
from cinemesh.projections import Films, FindCards, People

T = TypeVar("T")
Once = Callable[[Callable[[Transaction], Feedback]], Awaitable[T]]
"""Runs the effect of an attempt in a transaction, or finds the answer that the same attempt was given before."""


@dataclass(frozen=True, slots=True)
class FeedbackWish:
    """What somebody wants to say of a film.

    Attributes:
        movie_id: the film.
        kind: one of `domain.feedback.KINDS`.
        recommendation_request_id: answer the film was shown in; empty for none.
        rank: its place there, from 1; 0 when unknown.
        reason: why, plain text.
    """

    movie_id: int
    kind: str
    recommendation_request_id: str = ""
    rank: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FeedbackPage:
    """A page of feedback that holds, newest first.

    Attributes:
        feedback: of this page.
        cards: film cards by id; films that the catalogue has not told of are missing.
        following: where the next page starts; None on the last.
        total: number of entries over all pages.
    """

    feedback: Sequence[Feedback]
    cards: dict[int, film_card_pb2.FilmCard]
    following: Position | None
    total: int


class FeedbackBook:
    """What people say of films shown to them.

    Args:
        database: the store.
        outbox: tells other services.
        memory: is told that what is known of the person changed.
        films: knows which films there are.
        people: knows who has left.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        memory: Memory,
        films: Films,
        people: People,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._memory = memory
        self._films = films
        self._people = people
        self._clock = clock

    async def give(self, user_id: str, wish: FeedbackWish, once: Once[T]) -> T:
        """Says something of a film.

        Args:
            user_id: who says it.
            wish: what.
            once: gives the first answer again to an attempt that is sent again.

        Raises:
            NotFound: there is no such film.
            Unauthenticated: the account was deleted.
            Unavailable: nobody can tell whether there is such a film.
        """

        def write(find: FindCards) -> Awaitable[T]:
            def effect(tx: Transaction) -> Feedback:
                find(tx)
                self._people.require_present(tx, user_id)
                return self._give(tx, user_id, wish)

            return once(effect)

        return await self._films.write_about([wish.movie_id], write)

    def _give(self, tx: Transaction, user_id: str, wish: FeedbackWish) -> Feedback:
        self._memory.changed(tx, [user_id])
        now = self._clock()
        new = Feedback(
            feedback_id=str(ULID()),
            user_id=user_id,
            movie_id=wish.movie_id,
            kind=wish.kind,
            created_at=now,
            said_at=now,
            recommendation_request_id=wish.recommendation_request_id,
            rank=wish.rank,
            reason=wish.reason,
        )
        kept, change = rules.given(store.of_film(tx, user_id, wish.movie_id), new)
        self._keep(tx, change)
        return kept

    async def list(self, user_id: str, kind: str, limit: int, after: Position | None) -> FeedbackPage:
        """Returns a page of a person's feedback that holds; an empty kind means any."""

        def find(tx: Transaction) -> FeedbackPage:
            found = store.page(tx, user_id, kind, limit + 1, after)
            shown = found[:limit]
            return FeedbackPage(
                shown,
                self._films.cards(tx, {one.movie_id for one in shown}),
                store.position(shown[-1]) if len(found) > limit else None,
                store.count(tx, user_id, kind),
            )

        return await self._database.read(find)

    async def undo(self, user_id: str, feedback_id: str) -> int:
        """Takes feedback back, and returns the film.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """

        def change(tx: Transaction) -> int:
            found = store.by_id(tx, feedback_id)
            if found is None or found.user_id != user_id:
                raise _not_found()
            self._memory.changed(tx, [user_id])
            # another call may have taken it back while this one waited for its turn
            before = store.of_film(tx, user_id, found.movie_id)
            if all(one.feedback_id != feedback_id for one in before):
                raise _not_found()
            self._keep(tx, rules.undone(before, feedback_id))
            return found.movie_id

        return await self._database.write(change)

    def forget(self, tx: Transaction, user_id: str) -> None:
        """Drops everything a person said, because they left; called again, it changes nothing."""
        said = store.all_of(tx, user_id)
        self._outbox.append_many(tx, _events([], [one for one in said if one.holds]), time=self._clock())
        store.forget(tx, user_id)

    def _keep(self, tx: Transaction, change: Change) -> None:
        store.apply(tx, change)
        self._outbox.append_many(tx, _events(change.given, change.undone), time=self._clock())


def _events(given: Collection[Feedback], undone: Collection[Feedback]) -> Iterable[tuple[str, Message]]:
    for one in undone:
        event = events_pb2.FeedbackUndone(
            feedback_id=one.feedback_id, user_id=one.user_id, movie_id=one.movie_id, kind=one.kind
        )
        yield f"feedback/{one.feedback_id}", event
    for one in given:
        yield (
            f"feedback/{one.feedback_id}",
            events_pb2.FeedbackGiven(
                feedback_id=one.feedback_id,
                user_id=one.user_id,
                movie_id=one.movie_id,
                kind=one.kind,
                recommendation_request_id=one.recommendation_request_id,
                rank=one.rank,
            ),
        )


def _not_found() -> NotFound:
    return NotFound("there is no such feedback", violations=[("feedback_id", "is not known")])
