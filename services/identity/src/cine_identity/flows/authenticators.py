"""Authenticator apps: turning the second factor on and off, and its recovery codes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from cine_identity.domain import recovery
from cine_identity.domain.account import Account
from cine_identity.domain.session import Visit
from cine_identity.domain.totp import Authenticator, address, matching_step, new_secret
from cine_identity.domain.vault import Vault, new_token
from cine_identity.flows.callers import Caller, Callers
from cine_identity.flows.owner_proof import OwnerProof
from cine_identity.flows.second_factor import SEALED_FOR, SecondFactors, wrong_code
from cine_identity.mail.post import Letter, Post
from cine_identity.store import Transaction, accounts, audit, passkeys, tickets, totp
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.db import Database
from cinemesh.errors import CineError, FailedPrecondition, Reason

ENROLMENT = "totp_enrolment"
ENROLMENT_LIFETIME = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret that waits for its first code.

    Attributes:
        secret: in base32.
        address: the same as an `otpauth://` address.
        expires_in: seconds until it lapses.
    """

    secret: str = field(repr=False)
    address: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Second factors of an account.

    Attributes:
        totp_enabled: whether codes of an app are asked for.
        recovery_codes_left: recovery codes that were not used.
        passkey_count: number of passkeys.
    """

    totp_enabled: bool
    recovery_codes_left: int
    passkey_count: int


class Authenticators:
    """Enrols and removes authenticator apps. Every change is audited and told by mail.

    Args:
        database: the store.
        callers: who calls.
        factors: verifies codes.
        vault: seals secrets.
        post: tells the owner.
        proof: makes sure that it is the owner who enrols.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        callers: Callers,
        factors: SecondFactors,
        vault: Vault,
        post: Post,
        proof: OwnerProof,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._callers = callers
        self._factors = factors
        self._vault = vault
        self._post = post
        self._proof = proof
        self._clock = clock

    async def overview(self, principal: Principal) -> Overview:
        """Returns which second factors the caller has.

        Raises:
            Unauthenticated: the session has ended.
        """

        def look(tx: Transaction) -> Overview:
            user_id = self._callers.require(tx, principal).user_id
            enabled = totp.of(tx, user_id) is not None
            return Overview(enabled, totp.recovery_codes_left(tx, user_id), passkeys.count(tx, user_id))

        return await self._database.read(look)

    async def enrol(self, principal: Principal, password: str, visit: Visit) -> Enrolment:
        """Makes a secret for an authenticator app. Nothing changes until `confirm`; only the session that asked can do that.

        Args:
            principal: who calls.
            password: theirs; empty for an account that has none.
            visit: where from.

        Raises:
            Unauthenticated: the session has ended, or the password is wrong.
            PermissionDenied: the account must have a second factor, has one, and the session was opened without it.
            FailedPrecondition: the second factor is on, or an account without a password signed in too long ago.
            ResourceExhausted: too many wrong passwords; says when to come back.
        """
        caller = await self._database.read(lambda tx: self._callers.require(tx, principal))
        await self._proof.require(caller, password, action="second_factor.enrol", visit=visit)
        secret = new_secret()

        def change(tx: Transaction) -> None:
            now, current = self._clock(), self._callers.require(tx, principal)
            user_id = current.user_id
            if totp.of(tx, user_id) is not None:
                raise _already_on()
            self._factors.require_shown(tx, current)
            tickets.issue(
                tx,
                ENROLMENT,
                # found by its session: the token is needed by nobody
                token_digest=self._vault.digest(new_token(), ENROLMENT),
                now=now,
                lifetime=ENROLMENT_LIFETIME,
                user_id=user_id,
                subject=caller.session.session_id,
                data={"secret": self._vault.seal(secret.encode(), ENROLMENT, user_id)},
                replace=True,
            )
            self._record(tx, "second_factor.enrol", user_id, now, visit)

        await self._database.write(change)
        uri = address(secret, caller.account.username)
        return Enrolment(secret, uri, int(ENROLMENT_LIFETIME.total_seconds()))

    async def confirm(self, principal: Principal, code: str, visit: Visit) -> tuple[str, ...]:
        """Turns the second factor on with the first code of the app, and returns the recovery codes.

        Raises:
            Unauthenticated: the session has ended, or the code is wrong.
            PermissionDenied: the account must have a second factor, has one by now, and the session was opened without it.
            FailedPrecondition: no secret waits, or the second factor is on.
        """
        codes = recovery.new_codes()

        def change(tx: Transaction) -> CineError | None:
            now, caller = self._clock(), self._callers.require(tx, principal)
            user_id = caller.user_id
            accounts.by_id(tx, user_id, lock=True)  # two sessions that confirm at once take turns
            ticket = tickets.latest(tx, ENROLMENT, caller.session.session_id, now)
            if ticket is None or ticket.user_id != user_id:
                return FailedPrecondition(
                    "no secret waits to be confirmed; ask for a new one", reason=Reason.TICKET_INVALID
                )
            if totp.of(tx, user_id) is not None:
                return _already_on()
            self._factors.require_shown(tx, caller)
            secret = self._vault.unseal(ticket.data["secret"], ENROLMENT, user_id).decode()
            step = matching_step(secret, code, now)
            if step is None or not tickets.spend(tx, ticket.ticket_id, now):
                tickets.failed(tx, ticket.ticket_id)
                self._record(tx, "second_factor.on", user_id, now, visit, outcome="wrong code")
                return wrong_code()
            sealed = self._vault.seal(secret.encode(), SEALED_FOR, user_id)
            totp.insert(tx, Authenticator(user_id, sealed, step, now))
            self._keep_codes(tx, user_id, codes)
            tickets.discard(tx, ENROLMENT, user_id=user_id)
            self._tell(tx, "second_factor_on", caller.account)
            self._record(tx, "second_factor.on", user_id, now, visit)
            return None

        await self._do(change)
        return codes

    async def disable(self, principal: Principal, *, code: str, recovery_code: str, visit: Visit) -> None:
        """Turns the second factor off.

        Raises:
            Unauthenticated: the session has ended, or the code is wrong.
            FailedPrecondition: the second factor is not on.
            ResourceExhausted: too many wrong codes.
        """

        def change(tx: Transaction) -> CineError | None:
            now, caller = self._clock(), self._callers.require(tx, principal)
            problem = self._show(tx, caller, "second_factor.off", now, visit, code=code, recovery_code=recovery_code)
            if problem is not None:
                return problem
            totp.remove(tx, caller.user_id)
            self._tell(tx, "second_factor_off", caller.account)
            self._record(tx, "second_factor.off", caller.user_id, now, visit)
            return None

        await self._do(change)

    async def replace_recovery_codes(self, principal: Principal, code: str, visit: Visit) -> tuple[str, ...]:
        """Puts new recovery codes in the place of the old ones, and returns them.

        Raises:
            Unauthenticated: the session has ended, or the code is wrong.
            FailedPrecondition: the second factor is not on.
            ResourceExhausted: too many wrong codes.
        """
        codes = recovery.new_codes()

        def change(tx: Transaction) -> CineError | None:
            now, caller = self._clock(), self._callers.require(tx, principal)
            problem = self._show(tx, caller, "recovery_codes.replace", now, visit, code=code, recovery_code="")
            if problem is not None:
                return problem
            self._keep_codes(tx, caller.user_id, codes)
            self._tell(tx, "recovery_codes_replaced", caller.account)
            self._record(tx, "recovery_codes.replace", caller.user_id, now, visit)
            return None

        await self._do(change)
        return codes

    async def _do(self, change: Callable[[Transaction], CineError | None]) -> None:
        """Makes a change; a refusal is returned by it, so that what it counted is kept, and raised here."""
        problem = await self._database.write(change)
        if problem is not None:
            raise problem

    def _show(
        self,
        tx: Transaction,
        caller: Caller,
        action: str,
        now: dt.datetime,
        visit: Visit,
        *,
        code: str,
        recovery_code: str,
    ) -> CineError | None:
        """Verifies the second factor for an act; returns what to refuse it with."""
        if totp.of(tx, caller.user_id) is None:
            return FailedPrecondition("the second factor is not on")
        if self._factors.verify(tx, caller.user_id, code=code, recovery_code=recovery_code, now=now):
            return None
        self._record(tx, action, caller.user_id, now, visit, outcome="wrong code")
        return wrong_code("recovery_code" if recovery_code else "code")

    def _keep_codes(self, tx: Transaction, user_id: str, codes: tuple[str, ...]) -> None:
        totp.replace_recovery_codes(tx, user_id, [self._factors.recovery_digest(user_id, code) for code in codes])

    def _tell(self, tx: Transaction, template: str, account: Account) -> None:
        self._post.queue(tx, Letter(template, account.email, account.locale, {"username": account.username}))

    def _record(
        self, tx: Transaction, action: str, user_id: str, now: dt.datetime, visit: Visit, *, outcome: str = "ok"
    ) -> None:
        audit.record(tx, action=action, now=now, user_id=user_id, actor_id=user_id, outcome=outcome, visit=visit)


def _already_on() -> FailedPrecondition:
    return FailedPrecondition("the second factor is on; turn it off before setting up another app")
