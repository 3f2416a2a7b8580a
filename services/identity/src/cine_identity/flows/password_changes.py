"""New passwords: for a forgotten one by mailed link, for a known one by the one so far."""

from __future__ import annotations

import datetime as dt

from cine.identity.v1 import events_pb2
from cine_identity.domain.account import Account, email_key
from cine_identity.domain.devices import describe
from cine_identity.domain.session import Visit
from cine_identity.domain.vault import Vault, new_token
from cine_identity.flows.appointments import Appointments
from cine_identity.flows.callers import Callers
from cine_identity.flows.endings import Endings
from cine_identity.flows.hindrance import Hindrances
from cine_identity.flows.mail_limit import MailLimit
from cine_identity.flows.owner_proof import OwnerProof
from cine_identity.flows.passwords import Passwords
from cine_identity.mail.post import Letter, Post
from cine_identity.store import Transaction, accounts, audit, devices, tickets
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.db import Database
from cinemesh.errors import CineError, FailedPrecondition, Reason, Unauthenticated
from cinemesh.outbox import Outbox

RESET_PASSWORD = "reset_password"
RESET_LIFETIME = dt.timedelta(hours=1)
_PENDING = (RESET_PASSWORD, "second_factor", "verify_email")
"""What was begun under the old password, or proves no more than the reset did."""


class PasswordChanges:
    """Sets new passwords. Every change is audited and told by letter.

    Args:
        database: the store.
        vault: digests tokens.
        passwords: verifies and hashes.
        callers: who calls.
        proof: of the owner.
        hindrances: back-off of sign-ins, which a reset ends.
        limit: letters on the word of strangers.
        endings: ends sessions.
        outbox: tells other services.
        post: writes to the owner.
        appointments: administrators whom the settings name.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        passwords: Passwords,
        callers: Callers,
        proof: OwnerProof,
        hindrances: Hindrances,
        limit: MailLimit,
        endings: Endings,
        outbox: Outbox,
        post: Post,
        appointments: Appointments,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._vault = vault
        self._passwords = passwords
        self._callers = callers
        self._proof = proof
        self._hindrances = hindrances
        self._limit = limit
        self._endings = endings
        self._outbox = outbox
        self._post = post
        self._appointments = appointments
        self._clock = clock

    def send_link(self, tx: Transaction, email: str, now: dt.datetime) -> None:
        """Mails a link to choose a new password, if the address has an open account; links of before die."""
        account = accounts.by_email(tx, email)
        if account is None or account.disabled or not self._limit.allows(tx, RESET_PASSWORD, email, now):
            return
        token = new_token()
        tickets.issue(
            tx,
            RESET_PASSWORD,
            token_digest=self._vault.digest(token, RESET_PASSWORD),
            now=now,
            lifetime=RESET_LIFETIME,
            user_id=account.user_id,
            subject=email_key(account.email),
            replace=True,
        )
        facts = {"username": account.username, "token": token}
        self._post.queue(tx, Letter(RESET_PASSWORD, account.email, account.locale, facts))
        audit.record(tx, action="password.forgot", now=now, user_id=account.user_id)

    async def reset(self, token: str, password: str, visit: Visit) -> int:
        """Sets a new password by the token of a link, and ends every session. Returns how many ended.

        Reading the mail also proves the address, where that was not done yet.

        Raises:
            FailedPrecondition: the token is unknown, used up or too old.
            InvalidArgument: the password is weak; the token stays good.
            ResourceExhausted: too much is hashed at this moment.
        """
        digest = self._vault.digest(token, RESET_PASSWORD)
        async with self._passwords.work() as work:
            account = await self._database.read(lambda tx: self._owner(tx, digest))
            if account is None:
                raise _link_lapsed()
            hashed = await work.fresh(
                password,
                "password",
                username=account.username,
                email=account.email,
                display_name=account.display_name,
            )
            result = await self._database.write(lambda tx: self._reset(tx, digest, hashed, visit))
        if result is None:
            raise _link_lapsed()
        return result

    def _owner(self, tx: Transaction, digest: str) -> Account | None:
        ticket = tickets.find(tx, RESET_PASSWORD, digest, self._clock())
        account = accounts.by_id(tx, ticket.user_id) if ticket and ticket.user_id else None
        if ticket is None or account is None or account.disabled or email_key(account.email) != ticket.subject:
            return None
        return account

    def _reset(self, tx: Transaction, digest: str, hashed: str, visit: Visit) -> int | None:
        now = self._clock()
        account = self._owner(tx, digest)
        if account is None or accounts.by_id(tx, account.user_id, lock=True) is None:
            return None
        if tickets.use(tx, RESET_PASSWORD, digest, now) is None:
            return None
        user_id = account.user_id
        accounts.update(tx, user_id, password_hash=hashed, password_changed_at=now, email_verified=True)
        ended = self._endings.all(tx, user_id, now)
        for kind in _PENDING:
            tickets.discard(tx, kind, user_id=user_id)
        devices.forget(tx, user_id)  # whoever knew the old password may have signed in from one
        self._hindrances.forgive(tx, user_id)
        if not account.email_verified:
            event = events_pb2.EmailVerified(user_id=user_id)
            self._outbox.append(tx, subject=f"users/{user_id}", data=event, time=now)
        self._told(tx, account, "password.reset", f"{ended} sessions ended", now, visit)
        proven = accounts.by_id(tx, user_id)
        if proven is not None:
            self._appointments.appoint(tx, proven, visit)
        return ended

    async def change(self, principal: Principal, current: str, new: str, visit: Visit) -> int:
        """Sets a new password knowing the old one, and ends every other session. Returns how many ended.

        An account without a password needs a sign-in within the last ten minutes instead.

        Raises:
            Unauthenticated: the session has ended, or the password so far is wrong.
            FailedPrecondition: the account has no password, and its sign-in was too long ago.
            InvalidArgument: the new password is weak.
            ResourceExhausted: too many wrong passwords, or too much is hashed at this moment.
        """
        async with self._passwords.work() as work:
            caller = await self._database.read(lambda tx: self._callers.require(tx, principal))
            account = caller.account

            async def check(account: Account, password: str) -> bool:
                return (await work.verify(password, account.password_hash)).right

            field = "current_password"
            await self._proof.require(caller, current, action="password.change", visit=visit, field=field, check=check)
            hashed = await work.fresh(
                new,
                "new_password",
                username=account.username,
                email=account.email,
                display_name=account.display_name,
            )

            def change(tx: Transaction) -> int | CineError:
                return self._change(tx, principal, account.password_hash, hashed, visit)

            result = await self._database.write(change)
        if isinstance(result, CineError):
            raise result
        return result

    def _change(
        self, tx: Transaction, principal: Principal, proven: str | None, hashed: str, visit: Visit
    ) -> int | CineError:
        caller = self._callers.require(tx, principal)
        now = self._clock()
        account = accounts.by_id(tx, caller.user_id, lock=True)
        if account is None or account.password_hash != proven:
            return Unauthenticated(
                "the password changed meanwhile; sign in again",
                reason=Reason.CREDENTIALS_INVALID,
                violations=[("current_password", "is not right any more")],
            )
        user_id = account.user_id
        accounts.update(tx, user_id, password_hash=hashed, password_changed_at=now)
        ended = self._endings.all(tx, user_id, now, keep=caller.session.session_id)
        for kind in _PENDING:
            tickets.discard(tx, kind, user_id=user_id)
        self._told(tx, account, "password.change", f"{ended} other sessions ended", now, visit)
        return ended

    def _told(
        self, tx: Transaction, account: Account, action: str, detail: str, now: dt.datetime, visit: Visit
    ) -> None:
        self._record(tx, action, account, detail, now, visit)
        facts = {
            "username": account.username,
            "device_name": describe(visit.user_agent),
            "ip_address": visit.ip_address,
            "at": now.isoformat(),
        }
        self._post.queue(tx, Letter("password_changed", account.email, account.locale, facts))

    @staticmethod
    def _record(
        tx: Transaction,
        action: str,
        account: Account,
        detail: str,
        now: dt.datetime,
        visit: Visit,
        *,
        outcome: str = "ok",
    ) -> None:
        audit.record(
            tx,
            action=action,
            now=now,
            user_id=account.user_id,
            actor_id=account.user_id,
            outcome=outcome,
            detail=detail,
            visit=visit,
        )


def _link_lapsed() -> FailedPrecondition:
    return FailedPrecondition(
        "this link is unknown, used up or too old; ask for a new one",
        reason=Reason.TICKET_INVALID,
        violations=[("token", "is unknown, used up or too old")],
    )
