"""Request ids: a call that is sent again has one effect and gives the first answer again.

The answer is kept in the transaction of the effect, so that there is never one without the other. The first statement of the
transaction claims the id: on PostgreSQL a concurrent send of the same id waits there until the first has committed, then reads
its answer; on SQLite writes are serial anyway. No send ever sees half of another.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from google.protobuf.message import Message
from sqlalchemy.orm import Session

from cinemesh import context
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.db.mesh_tables import request_effect as table
from cinemesh.errors import InvalidArgument, Reason

M = TypeVar("M", bound=Message)
A = TypeVar("A", bound=Message)
KEPT_FOR = dt.timedelta(hours=48)
"""How long an answer is kept at least; the contracts promise 24 hours."""
_PRUNE_STEP = 2_000
# as text, for it is part of nearly every write: an INSERT with ON CONFLICT is made anew each time otherwise
_CLAIM = sa.text(
    "INSERT INTO request_effect (caller, method, request_id, request_digest, created_at) "
    "VALUES (:caller, :method, :request_id, :request_digest, :created_at) ON CONFLICT DO NOTHING RETURNING request_id"
).bindparams(sa.bindparam("created_at", type_=table.c.created_at.type))
_KEEP = sa.text(
    "UPDATE request_effect SET answer = :answer WHERE caller = :caller AND method = :method AND request_id = :request_id"
)


class RequestIds:
    """One effect per request id. An id belongs to who sent it and to the method: others have ids of their own.

    Callers without a token have no memory: nothing would tell one from another.

    Args:
        clock: tells the time.
    """

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock

    def earlier(self, session: Session, method: str, request: M, answer: type[A]) -> A | None:
        """Returns the answer that this request was given before; None for a new one, whose id is claimed by this transaction.

        Call it first in the transaction of the effect, and `keep` last.

        Args:
            session: the transaction of the effect.
            method: name of the method, at most 100 characters.
            request: what was sent; its `request_id` may be empty.
            answer: class of the answer.

        Raises:
            InvalidArgument: the id was sent before with another body, with reason REQUEST_ID_REUSED.
        """
        key = _key(method, request)
        if key is None:
            return None
        digest = _digest(request)
        claim = {**key, "request_digest": digest, "created_at": self._clock()}
        if session.execute(_CLAIM, claim).first() is not None:
            return None
        found = session.execute(sa.select(table.c.request_digest, table.c.answer).where(*_is(key))).one()
        if found.request_digest != digest:
            problem = "was used with another body; choose a new one"
            raise InvalidArgument(
                f"request_id {problem}", reason=Reason.REQUEST_ID_REUSED, violations=[("request_id", problem)]
            )
        # no answer: a transaction that kept its claim and had nothing to say; this one may try
        return answer.FromString(found.answer) if found.answer is not None else None

    def keep(self, session: Session, method: str, request: Message, answer: Message) -> None:
        """Keeps the answer with the id that `earlier` claimed in the same transaction; does nothing without an id."""
        key = _key(method, request)
        if key is not None:
            session.execute(_KEEP, {**key, "answer": answer.SerializeToString()})

    async def once(
        self, database: Database, method: str, request: M, answer: type[A], effect: Callable[[Session], A]
    ) -> A:
        """Runs an effect in one write transaction, unless this request had it before, and returns its answer.

        Args:
            database: the store of the effect.
            method: name of the method.
            request: what was sent.
            answer: class of the answer.
            effect: the effect; what it raises undoes everything, the claim on the id included. May be run again, as any
                function of `Database.write`.

        Raises:
            InvalidArgument: the id was sent before with another body.
            CineError: what `effect` or the store raises.
        """

        def change(session: Session) -> A:
            before = self.earlier(session, method, request, answer)
            if before is not None:
                return before
            made = effect(session)
            self.keep(session, method, request, made)
            return made

        return await database.write(change)

    def forget(self, session: Session, user_id: str) -> int:
        """Deletes what is kept for a person: answers hold what they wrote. Returns how many there were."""
        gone = session.execute(sa.delete(table).where(table.c.caller == user_id).returning(table.c.request_id))
        return len(gone.all())

    async def prune(self, database: Database, older_than: dt.timedelta = KEPT_FOR) -> int:
        """Deletes answers that were kept long enough. Returns how many."""
        before = self._clock() - older_than
        key = (table.c.caller, table.c.method, table.c.request_id)
        oldest = sa.select(*key).where(table.c.created_at < before).order_by(table.c.created_at).limit(_PRUNE_STEP)

        def step(session: Session) -> int:
            gone = session.execute(sa.delete(table).where(sa.tuple_(*key).in_(oldest)).returning(table.c.request_id))
            return len(gone.all())

        total = 0
        while True:
            # small transactions, so that nobody waits long for the writer
            count = await database.write(step)
            total += count
            if count < _PRUNE_STEP:
                return total


def _key(method: str, request: Message) -> dict[str, str] | None:
    request_id: str = getattr(request, "request_id", "")
    principal = context.current().principal
    if not request_id or not principal.user_id:
        return None
    return {"caller": principal.user_id, "method": method, "request_id": request_id}


def _is(key: dict[str, str]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]


def _digest(request: Message) -> bytes:
    body = type(request)()
    body.CopyFrom(request)
    body.ClearField("request_id")
    return hashlib.sha256(body.SerializeToString(deterministic=True)).digest()
