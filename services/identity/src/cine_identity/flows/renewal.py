"""Refreshing: a token is traded once for its successor.

Browsers ask twice at once, so a token spent moments ago gives the very successor it gave before. Later than that it is a replay:
somebody holds a copy, and as nobody can tell who, the session ends for both.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hmac

from cine_identity.domain import refresh
from cine_identity.domain.account import Account
from cine_identity.domain.refresh import Presented
from cine_identity.domain.session import Session, SignedIn, Visit
from cine_identity.domain.vault import Vault
from cine_identity.flows.endings import Endings
from cine_identity.flows.issue import Issuer
from cine_identity.mail.post import Letter, Post
from cine_identity.settings import IdentitySettings
from cine_identity.store import Transaction, accounts, audit, sessions
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.db import Database
from cinemesh.errors import CineError, Reason, Unauthenticated


class Renewal:
    """Trades refresh tokens, and ends the sessions they belong to.

    Args:
        database: the store.
        settings: grace and idle time.
        vault: made the tokens.
        issuer: makes access tokens.
        endings: ends sessions.
        post: tells the owner of a replay.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        settings: IdentitySettings,
        vault: Vault,
        issuer: Issuer,
        endings: Endings,
        post: Post,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._idle = settings.idle
        self._grace = dt.timedelta(seconds=settings.refresh_grace_seconds)
        self._vault = vault
        self._issuer = issuer
        self._endings = endings
        self._post = post
        self._clock = clock

    async def renew(self, token: str, visit: Visit) -> SignedIn:
        """Trades a refresh token; the access token names the roles the account has now.

        Raises:
            Unauthenticated: the token is none of ours, spent, or its session or account has ended.
        """
        presented = refresh.parse(token)
        if presented is None:
            raise _unknown()
        result = await self._database.write(lambda tx: self._trade(tx, token, presented, visit))
        if isinstance(result, CineError):
            raise result
        return result

    def _trade(self, tx: Transaction, token: str, presented: Presented, visit: Visit) -> SignedIn | CineError:
        now = self._clock()
        session = self._genuine(tx, presented)
        if session is None:
            return _unknown()
        account = accounts.by_id(tx, session.user_id)
        if session.revoked_at is not None or account is None or account.disabled:
            return _ended()
        if not session.alive(now, self._idle):
            return Unauthenticated("the session is over; sign in again", reason=Reason.TOKEN_EXPIRED)
        if presented.generation == session.generation:
            if not hmac.compare_digest(refresh.digest_of(self._vault, token), session.refresh_digest):
                return _unknown()
            return self._next(tx, account, session, visit, now)
        return self._again(tx, account, session, presented, visit, now)

    def _next(
        self, tx: Transaction, account: Account, session: Session, visit: Visit, now: dt.datetime
    ) -> SignedIn | CineError:
        successor = self._token(session, session.generation + 1)
        digest = refresh.digest_of(self._vault, successor)
        if not sessions.rotate(tx, session, refresh_digest=digest, now=now, ip_address=visit.ip_address):
            # another call was quicker: what it left decides
            quicker = sessions.by_id(tx, session.session_id)
            if quicker is None or quicker.revoked_at is not None:
                return _ended()
            presented = Presented(session.session_id, session.generation, "")
            return self._again(tx, account, quicker, presented, visit, now)
        return self._issuer.tokens(account, dataclasses.replace(session, last_used_at=now), successor, now)

    def _again(
        self, tx: Transaction, account: Account, session: Session, presented: Presented, visit: Visit, now: dt.datetime
    ) -> SignedIn | CineError:
        """Answers a token that is not the current one."""
        behind = session.generation - presented.generation
        if behind < 0:  # genuine and ahead: the store was put back to an earlier state
            return _ended()
        if behind == 1 and now - session.rotated_at < self._grace:
            return self._issuer.tokens(account, session, self._token(session, session.generation), now)
        self._endings.one(tx, session, now)
        audit.record(
            tx,
            action="session.reuse",
            now=now,
            user_id=account.user_id,
            outcome="session ended",
            detail=f"a spent refresh token came back, {behind} behind",
            visit=visit,
        )
        facts = {
            "username": account.username,
            "device_name": session.device_name,
            "ip_address": visit.ip_address,
            "at": now.isoformat(),
        }
        self._post.queue(tx, Letter("session_reuse", account.email, account.locale, facts))
        return _ended()

    async def end(self, token: str, visit: Visit) -> None:
        """Ends the session of a refresh token, also of a spent one; a token that is none of ours ends nothing."""
        presented = refresh.parse(token)
        if presented is None:
            return

        def change(tx: Transaction) -> None:
            session = self._genuine(tx, presented)
            if session is not None:
                self._sign_out(tx, session, visit)

        await self._database.write(change)

    async def end_own(self, principal: Principal, visit: Visit) -> None:
        """Ends the session of an access token."""

        def change(tx: Transaction) -> None:
            session = sessions.by_id(tx, principal.session_id)
            if session is not None and session.user_id == principal.user_id:
                self._sign_out(tx, session, visit)

        await self._database.write(change)

    def _sign_out(self, tx: Transaction, session: Session, visit: Visit) -> None:
        now, user_id = self._clock(), session.user_id
        if self._endings.one(tx, session, now):
            audit.record(tx, action="logout", now=now, user_id=user_id, actor_id=user_id, visit=visit)

    def _genuine(self, tx: Transaction, presented: Presented) -> Session | None:
        session = sessions.by_id(tx, presented.session_id)
        return session if session is not None and refresh.genuine(self._vault, presented, session) else None

    def _token(self, session: Session, generation: int) -> str:
        return refresh.token_of(self._vault, session.session_id, generation, session.nonce)


def _unknown() -> Unauthenticated:
    return Unauthenticated("the refresh token is not valid here", reason=Reason.TOKEN_INVALID)


def _ended() -> Unauthenticated:
    return Unauthenticated("the session has ended; sign in again", reason=Reason.TOKEN_REVOKED)
