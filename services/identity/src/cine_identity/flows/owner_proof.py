"""Proof that it is the owner who holds a session, for acts that a stolen one must not open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cine_identity.domain.account import Account
from cine_identity.domain.backoff import ACCOUNT
from cine_identity.domain.session import Visit
from cine_identity.flows.callers import Caller, Callers
from cine_identity.store import Transaction, accounts, audit, throttles
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import Reason, ResourceExhausted, Unauthenticated

CheckPassword = Callable[[Account, str], Awaitable[bool]]
"""Returns whether a password opens an account; off the event loop."""


def proof_key(account: Account) -> str:
    """Returns what failures are counted under: the same for every act that wants the password, so guesses at one count for all."""
    return f"proof:{account.user_id}"


class OwnerProof:
    """Asks for the password, or for a sign-in not long ago where there is none.

    Args:
        database: store of the accounts.
        callers: who calls.
        check_password: verifies a password.
        clock: tells the time.
    """

    def __init__(
        self, database: Database, callers: Callers, check_password: CheckPassword, clock: Clock = utc_now
    ) -> None:
        self._database = database
        self._callers = callers
        self._check_password = check_password
        self._clock = clock

    async def require(
        self,
        caller: Caller,
        password: str,
        *,
        action: str,
        visit: Visit,
        field: str = "password",
        check: CheckPassword | None = None,
    ) -> None:
        """Makes sure of the owner.

        Args:
            caller: who calls.
            password: theirs; empty for an account that has none.
            action: what it is for, for the audit log.
            visit: where from.
            field: of the request that holds the password.
            check: verifies the password in place of the usual way, where a hash is at work already.

        Raises:
            Unauthenticated: the password is wrong.
            FailedPrecondition: the account has no password, and its sign-in was too long ago.
            ResourceExhausted: too many wrong passwords; says when to come back.
        """
        account = caller.account
        if account.password_hash is None:
            self._callers.require_recent(caller)
            return
        key = proof_key(account)
        await self._database.write(lambda tx: self._count(tx, account, key))
        if await (check or self._check_password)(account, password):
            await self._database.write(lambda tx: throttles.forgive(tx, key))
            return
        await self._database.write(
            lambda tx: audit.record(
                tx,
                action=action,
                now=self._clock(),
                user_id=account.user_id,
                actor_id=account.user_id,
                outcome="wrong password",
                visit=visit,
            )
        )
        raise Unauthenticated(
            "the password is not right",
            reason=Reason.CREDENTIALS_INVALID,
            violations=[(field, "is not right")],
        )

    def _count(self, tx: Transaction, account: Account, key: str) -> None:
        # counted before it is checked, and in turns: a volley of guesses gets no further than one
        now = self._clock()
        accounts.by_id(tx, account.user_id, lock=True)
        blocked = throttles.blocked_until(tx, [key], now).get(key)
        if blocked is not None:
            wait = (blocked - now).total_seconds()
            raise ResourceExhausted("too many wrong passwords; wait before the next one", retry_after=wait)
        failures = throttles.failures(tx, key, now - ACCOUNT.forgotten_after) + 1
        throttles.fail(tx, key, failures, now, now + ACCOUNT.wait(failures))
