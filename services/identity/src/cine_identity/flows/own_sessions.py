"""Where a person is signed in, and signing out there."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cine_identity.domain.session import Session, Visit
from cine_identity.flows.callers import Callers
from cine_identity.flows.endings import Endings
from cine_identity.store import Transaction, audit, sessions
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.db import Database
from cinemesh.errors import NotFound

Position = list[str]
"""Where a page starts: when the last session of the page before was used, and its id."""


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some sessions.

    Attributes:
        sessions: last used first.
        next: where the next page starts; None on the last.
        total: live sessions of the account.
        current: id of the session of the call.
    """

    sessions: list[Session]
    next: Position | None
    total: int
    current: str


class OwnSessions:
    """The caller's sessions.

    Args:
        database: the store.
        callers: who calls.
        endings: ends sessions.
        idle: life of a session that is not used.
        clock: tells the time.
    """

    def __init__(
        self, database: Database, callers: Callers, endings: Endings, idle: dt.timedelta, clock: Clock = utc_now
    ) -> None:
        self._database = database
        self._callers = callers
        self._endings = endings
        self._idle = idle
        self._clock = clock

    async def list(self, principal: Principal, limit: int, after: Position | None) -> SessionPage:
        """Returns a page of live sessions.

        Raises:
            Unauthenticated: the session of the call has ended.
        """
        position = (dt.datetime.fromisoformat(after[0]), after[1]) if after is not None else None

        def read(tx: Transaction) -> SessionPage:
            caller = self._callers.require(tx, principal)
            now = self._clock()
            found = sessions.page(tx, caller.user_id, now, self._idle, limit + 1, position)
            page = found[:limit]
            following = None
            if len(found) > limit:
                following = [page[-1].last_used_at.isoformat(), page[-1].session_id]
            total = sessions.count(tx, caller.user_id, now, self._idle)
            return SessionPage(page, following, total, caller.session.session_id)

        return await self._database.read(read)

    async def revoke(self, principal: Principal, session_id: str, visit: Visit) -> None:
        """Ends one of the caller's sessions; for another than that of the call they must have signed in a short while ago.

        Raises:
            Unauthenticated: the session of the call has ended.
            FailedPrecondition: the sign-in was too long ago.
            NotFound: the caller has no live session of this id; whether somebody else has is not told.
        """

        def change(tx: Transaction) -> None:
            caller = self._callers.require(tx, principal)
            session = sessions.by_id(tx, session_id) if "\x00" not in session_id else None
            now = self._clock()
            if session is None or session.user_id != caller.user_id or not session.alive(now, self._idle):
                raise NotFound("you have no session of this id", violations=[("session_id", "is not known")])
            if session.session_id != caller.session.session_id:
                self._callers.require_recent(caller)  # a stolen session must not shut its owner out
            self._endings.one(tx, session, now)
            self._record(tx, "session.revoke", caller.user_id, now, session.device_name, visit)

        await self._database.write(change)

    async def revoke_all(self, principal: Principal, visit: Visit, *, keep_current: bool) -> int:
        """Ends every session of the caller, or every other one; wants a sign-in of a short while ago. Returns how many.

        Raises:
            Unauthenticated: the session of the call has ended.
            FailedPrecondition: the sign-in was too long ago.
        """

        def change(tx: Transaction) -> int:
            caller = self._callers.require(tx, principal)
            self._callers.require_recent(caller)
            now = self._clock()
            ended = self._endings.all(tx, caller.user_id, now, keep=caller.session.session_id if keep_current else "")
            self._record(tx, "session.revoke_all", caller.user_id, now, f"{ended} sessions ended", visit)
            return ended

        return await self._database.write(change)

    @staticmethod
    def _record(tx: Transaction, action: str, user_id: str, now: dt.datetime, detail: str, visit: Visit) -> None:
        audit.record(tx, action=action, now=now, user_id=user_id, actor_id=user_id, detail=detail, visit=visit)
