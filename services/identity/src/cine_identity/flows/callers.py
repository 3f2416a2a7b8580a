"""Callers: the account and session behind a verified token, as the store knows them now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cine_identity.domain.account import Account
from cine_identity.domain.granted import Granted, granted
from cine_identity.domain.session import Session
from cine_identity.settings import IdentitySettings
from cine_identity.store import Transaction, accounts, sessions
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.errors import FailedPrecondition, Reason, Unauthenticated

RECENT = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Caller:
    """A person with a live session.

    Attributes:
        account: their account.
        session: the session of the token.
        granted: what the session opens.
    """

    account: Account
    session: Session
    granted: Granted

    @property
    def user_id(self) -> str:
        """Id of the account."""
        return self.account.user_id


class Callers:
    """Looks callers up. Elsewhere in the mesh sign-out arrives through the feed; here the store is at hand."""

    def __init__(self, settings: IdentitySettings, clock: Clock = utc_now) -> None:
        self._idle = settings.idle
        self._rule = settings.second_factor
        self._clock = clock

    def require(self, tx: Transaction, principal: Principal) -> Caller:
        """Returns the caller.

        Raises:
            Unauthenticated: the session or the account has ended, or the token names roles of before.
        """
        session = sessions.by_id(tx, principal.session_id) if principal.session_id else None
        account = accounts.by_id(tx, principal.user_id)
        if (
            session is None
            or account is None
            or session.user_id != account.user_id
            or account.disabled
            or not session.alive(self._clock(), self._idle)
        ):
            raise _ended()
        opened = granted(self._rule, account.roles, session)
        if principal.roles != frozenset(opened.roles) or principal.setup_only != opened.setup_only:
            raise _ended()
        return Caller(account, session, opened)

    def require_recent(self, caller: Caller) -> None:
        """Makes sure that a caller signed in within the last ten minutes.

        Raises:
            FailedPrecondition: it was longer ago.
        """
        if self._clock() - caller.session.created_at > RECENT:
            raise FailedPrecondition(
                "sign in again first: this needs a sign-in within the last 10 minutes",
                reason=Reason.RECENT_SIGN_IN_REQUIRED,
            )


def _ended() -> Unauthenticated:
    return Unauthenticated("the session of this token has ended; sign in again", reason=Reason.TOKEN_REVOKED)
