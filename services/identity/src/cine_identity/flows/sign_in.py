"""Signing in by password, and completing it with a second factor.

Unknown name, wrong password, kept waiting, disabled, not verified: one answer, one verification of a hash and the same writes in
each, so that neither status nor time tells them apart. The facts are gathered first, the hash is verified second, and one
transaction decides and writes, on facts it reads again.
"""

from __future__ import annotations

from dataclasses import replace

from cine_identity.domain.account import Account
from cine_identity.domain.session import Challenge, Visit
from cine_identity.domain.vault import Vault
from cine_identity.flows.entrance import Entered, Entrance
from cine_identity.flows.hindrance import Hindrances
from cine_identity.flows.issue import SECOND_FACTOR, Issuer, way_in
from cine_identity.flows.passwords import Passwords, Verdict
from cine_identity.flows.second_factor import RECOVERY_CODE, TOTP, SecondFactors, wrong_code
from cine_identity.store import Transaction, accounts, audit, tickets
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import CineError, FailedPrecondition, Reason, Unauthenticated

_METHOD = "password"
_NOBODY = ""


class SignIn:
    """Signs people in.

    Args:
        database: the store.
        vault: digests what is kept of tokens.
        passwords: verifies.
        hindrances: back-off.
        second_factors: asks for more where the account wants it.
        issuer: asks for a second factor.
        entrance: lets in.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        passwords: Passwords,
        hindrances: Hindrances,
        second_factors: SecondFactors,
        issuer: Issuer,
        entrance: Entrance,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._vault = vault
        self._passwords = passwords
        self._hindrances = hindrances
        self._second_factors = second_factors
        self._issuer = issuer
        self._entrance = entrance
        self._clock = clock

    async def login(self, name: str, password: str, visit: Visit, *, by_address: bool = False) -> Entered | Challenge:
        """Signs in by name or address, and password.

        Args:
            name: user name, or address.
            password: as typed.
            visit: where from.
            by_address: whether `name` must be an address; otherwise an `@` decides, which no user name holds.

        Returns:
            The tokens; a challenge instead where a second factor is on.

        Raises:
            Unauthenticated: one answer for everything that is not right.
            ResourceExhausted: too many sign-ins at this moment; before anything was done.
        """
        by_address = by_address or "@" in name
        typed = name.strip().replace("\x00", "\ufffd")  # no store keeps a NUL, so no name holds one
        async with self._passwords.work() as work:
            found = await self._database.read(lambda tx: self._find(tx, typed, by_address))
            renew = found is not None and found.may_sign_in
            checked = found.password_hash if found is not None else None
            verdict = await work.verify(password, checked, renew=renew)
            who = found.user_id if found is not None else typed.casefold()
            user_id = found.user_id if found is not None else _NOBODY

            def decide(tx: Transaction) -> Entered | Challenge | None:
                return self._decide(tx, who, user_id, checked, verdict, visit)

            result = await self._database.write(decide)
        if result is None:
            raise refused()
        return result

    @staticmethod
    def _find(tx: Transaction, typed: str, by_address: bool) -> Account | None:
        return accounts.by_email(tx, typed) if by_address else accounts.by_username(tx, typed)

    def _decide(
        self, tx: Transaction, who: str, user_id: str, checked: str | None, verdict: Verdict, visit: Visit
    ) -> Entered | Challenge | None:
        now = self._clock()
        account = accounts.by_id(
            tx, user_id, lock=True
        )  # attempts at one account take turns, so that none escapes the count
        hindrance = self._hindrances.look(tx, who, user_id, visit, now)
        outcome = _outcome(account, checked, verdict, hindrance.blocked)
        if account is None or outcome:
            self._hindrances.failed(tx, hindrance, now)
            audit.record(
                tx, action="login.failed", now=now, user_id=user_id, outcome=outcome, detail=_METHOD, visit=visit
            )
            return None
        self._hindrances.succeeded(tx, hindrance)
        if verdict.renewed is not None:
            accounts.update(tx, user_id, password_hash=verdict.renewed)
        methods = self._second_factors.methods(tx, account)
        if methods:
            return self._issuer.challenge(tx, account, _METHOD, methods, visit)
        return self._entrance.enter(tx, account, _METHOD, visit, now)

    async def second_factor(self, token: str, *, code: str, recovery_code: str, visit: Visit) -> Entered:
        """Completes a sign-in that asked for a second factor.

        Args:
            token: of the challenge.
            code: of the authenticator app; empty when `recovery_code` is given.
            recovery_code: one of the account's; empty when `code` is given.
            visit: where from.

        Raises:
            FailedPrecondition: the attempt is unknown, over, or had too many wrong codes.
            Unauthenticated: the code is wrong, or was used before.
            ResourceExhausted: too many wrong codes for this account; says when to come back.
        """

        def change(tx: Transaction) -> Entered | CineError:
            now = self._clock()
            ticket = tickets.find(tx, SECOND_FACTOR, self._vault.digest(token, SECOND_FACTOR), now)
            if ticket is None or ticket.user_id is None:
                return _attempt_over()
            account = accounts.by_id(tx, ticket.user_id, lock=True)
            if account is None or not account.may_sign_in:
                return _attempt_over()
            factor = RECOVERY_CODE if recovery_code else TOTP
            if not self._second_factors.verify(tx, account.user_id, code=code, recovery_code=recovery_code, now=now):
                tickets.failed(tx, ticket.ticket_id)
                audit.record(
                    tx,
                    action="login.failed",
                    now=now,
                    user_id=account.user_id,
                    outcome="wrong code",
                    detail=way_in(ticket.data["method"], factor),
                    visit=visit,
                )
                return wrong_code("recovery_code" if recovery_code else "code")
            if not tickets.spend(tx, ticket.ticket_id, now):
                return _attempt_over()
            named = replace(visit, device_name=visit.device_name or ticket.data["device_name"])
            return self._entrance.enter(tx, account, ticket.data["method"], named, now, factor=factor)

        result = await self._database.write(change)
        if isinstance(result, CineError):
            raise result
        return result


def _outcome(account: Account | None, checked: str | None, verdict: Verdict, blocked: bool) -> str:
    """Returns why an attempt is refused, for the audit log; empty when it is not."""
    if account is None:
        return "unknown account"
    if not verdict.right or account.password_hash != checked:  # changed while it was verified: the old one is wrong now
        return "wrong password"
    if blocked:
        return "kept waiting"
    return "" if account.may_sign_in else str(account.state)


def refused() -> Unauthenticated:
    """Returns the one answer for everything that is not right."""
    return Unauthenticated(
        "the name, address or password is not right, or the account is not open yet", reason=Reason.CREDENTIALS_INVALID
    )


def _attempt_over() -> FailedPrecondition:
    return FailedPrecondition(
        "this sign-in is over; start again",
        reason=Reason.TICKET_INVALID,
        violations=[("second_factor_token", "is unknown, used up or too old")],
    )
