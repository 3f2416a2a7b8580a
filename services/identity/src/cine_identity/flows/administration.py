"""What administrators do with accounts. Every act is in the audit log, also one that was refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf.message import Message

from cine.identity.v1 import events_pb2
from cine_identity.domain.account import ADMIN, Account, ordered_roles
from cine_identity.domain.session import Visit
from cine_identity.domain.validity import tokens_valid_from
from cine_identity.flows.appointments import Appointments
from cine_identity.flows.callers import Caller, Callers
from cine_identity.flows.endings import Endings
from cine_identity.flows.issue import SECOND_FACTOR
from cine_identity.flows.profiles import PublicProfiles
from cine_identity.flows.second_factor import SecondFactors
from cine_identity.flows.stamps import stamp
from cine_identity.mail.post import Letter, Post
from cine_identity.store import Transaction, accounts, administration, audit, sessions, tickets
from cine_identity.store.administration import AccountFilter, AuditEntry, AuditFilter, ManagedAccount, Position
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.db import Database
from cinemesh.errors import Aborted, CineError, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from cinemesh.etags import check_etag
from cinemesh.outbox import Outbox
from cinemesh.plain_text import plain_text

Act = Callable[[Transaction, Account], str]
"""Changes an account and returns the detail for the audit log; raises `Refused` where it must not."""
LAST_ADMINISTRATOR = "the last administrator keeps their account and role: make somebody else one first"
_OPENED_BY_TICKETS = ("reset_password", SECOND_FACTOR)


class Refused(Exception):
    """An act that must not be done: kept in the audit log before the caller is told.

    Attributes:
        error: what the caller is told.
        outcome: what the log says, a few words.
    """

    def __init__(self, error: CineError, outcome: str) -> None:
        super().__init__(outcome)
        self.error = error
        self.outcome = outcome


class Administration:
    """Finds accounts, changes roles, closes and opens accounts, ends their sessions, reads the audit log.

    Args:
        database: store of the accounts.
        callers: who calls.
        outbox: tells other services.
        post: tells the person concerned.
        public: what others see, to be forgotten after a change.
        appointments: administrators whom the settings name.
        endings: ends sessions.
        factors: who has a second factor, and who must.
        idle: life of a session that is not used.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        callers: Callers,
        outbox: Outbox,
        post: Post,
        public: PublicProfiles,
        appointments: Appointments,
        endings: Endings,
        factors: SecondFactors,
        idle: dt.timedelta,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._callers = callers
        self._outbox = outbox
        self._post = post
        self._public = public
        self._appointments = appointments
        self._endings = endings
        self._factors = factors
        self._idle = idle
        self._clock = clock

    async def find(
        self, principal: Principal, wanted: AccountFilter, limit: int, after: Position | None
    ) -> tuple[list[ManagedAccount], Position | None, int]:
        """Returns a page of accounts, where the next one starts (None after the last), and how many match.

        Raises:
            Unauthenticated: the session has ended.
            PermissionDenied: the caller is no administrator any more.
        """

        def read(tx: Transaction) -> tuple[list[ManagedAccount], Position | None, int]:
            self._administrator(tx, principal)
            found = administration.find(tx, wanted, limit + 1, after)
            page = found[:limit]
            following = administration.position(page[-1], wanted.order) if len(found) > limit else None
            return self._managed(tx, page), following, administration.count(tx, wanted)

        return await self._database.read(read)

    async def get(self, principal: Principal, user_id: str) -> ManagedAccount:
        """Returns one account.

        Raises:
            Unauthenticated: the session has ended.
            PermissionDenied: the caller is no administrator any more.
            NotFound: there is no such account.
        """

        def read(tx: Transaction) -> ManagedAccount:
            self._administrator(tx, principal)
            return self._shown(tx, _known(accounts.by_id(tx, _searched(user_id))))

        return await self._database.read(read)

    async def log(
        self, principal: Principal, wanted: AuditFilter, limit: int, after: Position | None
    ) -> tuple[list[AuditEntry], Position | None]:
        """Returns a page of the audit log, latest first, and where the next one starts (None after the last).

        Raises:
            Unauthenticated: the session has ended.
            PermissionDenied: the caller is no administrator any more.
        """

        def read(tx: Transaction) -> list[AuditEntry]:
            self._administrator(tx, principal)
            return administration.entries(tx, wanted, limit + 1, after)

        found = await self._database.read(read)
        return found[:limit], found[limit - 1].position if len(found) > limit else None

    async def set_roles(
        self, principal: Principal, user_id: str, roles: tuple[str, ...], *, reason: str, etag: str, visit: Visit
    ) -> ManagedAccount:
        """Sets the roles of an account; tokens that name the old ones die.

        Raises:
            Unauthenticated: the session has ended.
            PermissionDenied: the caller is no administrator any more.
            NotFound: there is no such account.
            Aborted: the account changed since the etag was read.
            FailedPrecondition: nobody would be left to administer, or the settings name the account an administrator.
        """
        wanted, reason = ordered_roles(roles), plain_text(reason, "reason", lines=True)

        def act(tx: Transaction, account: Account) -> str:
            try:
                check_etag(etag, account.version, account.user_id, thing="the account")
            except Aborted as refusal:
                raise Refused(refusal, "changed meanwhile") from None
            if wanted == account.roles:
                return f"{', '.join(wanted)} as before{_because(reason)}"
            if ADMIN not in wanted:
                self._may_stop_administering(tx, account)
            now = self._clock()
            valid_from = tokens_valid_from(now)
            accounts.update(tx, account.user_id, roles=wanted, tokens_valid_from=valid_from)
            event = events_pb2.RolesChanged(user_id=account.user_id, roles=wanted, tokens_valid_from=stamp(valid_from))
            self._tell(tx, account.user_id, event)
            self._write(tx, "roles_changed", account, roles=list(wanted))
            return f"{', '.join(account.roles)} to {', '.join(wanted)}{_because(reason)}"

        return await self._do(principal, "roles.set", user_id, visit, act)

    async def disable(self, principal: Principal, user_id: str, *, reason: str, visit: Visit) -> ManagedAccount:
        """Closes an account to its owner and ends its sessions; one that is closed already gets the new reason.

        Raises:
            Unauthenticated: the session has ended.
            PermissionDenied: the caller is no administrator any more.
            NotFound: there is no such account.
            FailedPrecondition: nobody would be left to administer.
            InvalidArgument: the reason is blank.
        """
        reason = _required(reason, "the account is disabled")

        def act(tx: Transaction, account: Account) -> str:
            if account.disabled:
                accounts.update(tx, account.user_id, disabled_reason=reason)
                return f"closed before, now{_because(reason)}"
            if self._is_last(tx, account):
                raise _last_administrator()
            now = self._clock()
            valid_from = tokens_valid_from(now)
            accounts.update(tx, account.user_id, disabled=True, disabled_reason=reason, tokens_valid_from=valid_from)
            ended = sessions.revoke_all(tx, account.user_id, now)
            for kind in _OPENED_BY_TICKETS:
                tickets.discard(tx, kind, user_id=account.user_id)
            self._tell(tx, account.user_id, events_pb2.UserDisabled(user_id=account.user_id))
            # opening the account again must not bring tokens of before back to life
            self._tell(
                tx,
                account.user_id,
                events_pb2.SessionsRevoked(user_id=account.user_id, tokens_valid_from=stamp(valid_from)),
            )
            self._write(tx, "account_disabled", account)
            return f"{ended} sessions ended{_because(reason)}"

        return await self._do(principal, "user.disable", user_id, visit, act)

    async def enable(self, principal: Principal, user_id: str, *, reason: str, visit: Visit) -> ManagedAccount:
        """Opens a disabled account again; an open one stays as it is.

        Raises:
            Unauthenticated: the session has ended.
            PermissionDenied: the caller is no administrator any more.
            NotFound: there is no such account.
        """
        reason = plain_text(reason, "reason", lines=True)

        def act(tx: Transaction, account: Account) -> str:
            if not account.disabled:
                return f"open before{_because(reason)}"
            accounts.update(tx, account.user_id, disabled=False, disabled_reason="")
            self._tell(tx, account.user_id, events_pb2.UserEnabled(user_id=account.user_id))
            self._write(tx, "account_enabled", account)
            return f"opened{_because(reason)}"

        return await self._do(principal, "user.enable", user_id, visit, act)

    async def reset_second_factor(
        self, principal: Principal, user_id: str, *, reason: str, visit: Visit
    ) -> ManagedAccount:
        """Takes the second factor off an account whose owner has lost app and recovery codes, and ends its sessions.

        Where the account must have one its passkeys go, too: its owner could not sign in without them.

        Raises:
            Unauthenticated: the session has ended.
            PermissionDenied: the caller is no administrator any more.
            NotFound: there is no such account.
            FailedPrecondition: it has no second factor, or it is the caller's own.
            InvalidArgument: the reason is blank.
        """
        reason = _required(reason, "the second factor is reset")

        def act(tx: Transaction, account: Account) -> str:
            if account.user_id == principal.user_id:  # or a stolen session would do without the factor
                raise FailedPrecondition("turn your own second factor off with one of its codes")
            if not self._factors.remove(tx, account):
                raise FailedPrecondition("this account has no second factor")
            ended = self._endings.all(tx, account.user_id, self._clock())
            tickets.discard(tx, SECOND_FACTOR, user_id=account.user_id)
            self._write(tx, "second_factor_reset", account)
            return f"{ended} sessions ended{_because(reason)}"

        return await self._do(principal, "second_factor.reset", user_id, visit, act)

    async def end_sessions(self, principal: Principal, user_id: str, *, reason: str, visit: Visit) -> ManagedAccount:
        """Ends every session of an account, and sign-ins that wait for their second factor; the account stays open.

        Raises:
            Unauthenticated: the session has ended.
            PermissionDenied: the caller is no administrator any more.
            NotFound: there is no such account.
            InvalidArgument: the reason is blank.
        """
        reason = _required(reason, "the sessions are ended")

        def act(tx: Transaction, account: Account) -> str:
            ended = self._endings.all(tx, account.user_id, self._clock())
            tickets.discard(tx, SECOND_FACTOR, user_id=account.user_id)
            if ended:
                self._write(tx, "sessions_ended", account)
            return f"{ended} sessions ended{_because(reason)}"

        return await self._do(principal, "sessions.end", user_id, visit, act)

    async def _do(self, principal: Principal, action: str, user_id: str, visit: Visit, act: Act) -> ManagedAccount:
        """Runs an act and its entry in the audit log in one transaction."""

        def change(tx: Transaction) -> ManagedAccount | CineError:
            # first of all locks, so that of two administrators who demote each other the second one is none any more
            administration.lock_administrators(tx)
            caller = self._administrator(tx, principal)
            account = accounts.by_id(tx, _searched(user_id), lock=True)
            error: CineError | None = None
            if account is None:
                error, outcome, detail = _unknown(), "no such account", ""
            else:
                try:
                    outcome, detail = "ok", act(tx, account)
                except Refused as refused:
                    error, outcome, detail = refused.error, refused.outcome, ""
            audit.record(
                tx,
                action=action,
                now=self._clock(),
                user_id=account.user_id if account is not None else "",
                actor_id=caller.user_id,
                outcome=outcome,
                detail=detail,
                visit=visit,
            )
            return error or self._shown(tx, _known(accounts.by_id(tx, user_id)))

        account = await self._database.read(lambda tx: accounts.by_id(tx, _searched(user_id)))
        writing = self._database.write(change)
        result = await (self._public.changing(account.username, writing) if account is not None else writing)
        if isinstance(result, CineError):
            raise result
        return result

    def _administrator(self, tx: Transaction, principal: Principal) -> Caller:
        caller = self._callers.require(tx, principal)
        if ADMIN not in caller.granted.roles:
            raise PermissionDenied("this call is open to administrators only")
        return caller

    def _may_stop_administering(self, tx: Transaction, account: Account) -> None:
        if self._is_last(tx, account):
            raise _last_administrator()
        if ADMIN in account.roles and self._appointments.names(account):
            message = "the settings name this account an administrator (CINE_IDENTITY_ADMINS): take it off there first"
            raise Refused(FailedPrecondition(message), "named by the settings")

    def _is_last(self, tx: Transaction, account: Account) -> bool:
        return administration.lock_administrators(tx) == {account.user_id}

    def _shown(self, tx: Transaction, account: Account) -> ManagedAccount:
        return self._managed(tx, [account])[0]

    def _managed(self, tx: Transaction, found: Sequence[Account]) -> list[ManagedAccount]:
        return administration.managed(tx, found, self._clock(), self._idle, self._factors.wanted)

    def _tell(self, tx: Transaction, user_id: str, event: Message) -> None:
        self._outbox.append(tx, subject=f"users/{user_id}", data=event, time=self._clock())

    def _write(self, tx: Transaction, template: str, account: Account, **facts: Any) -> None:
        facts = {"username": account.username, **facts}
        self._post.queue(tx, Letter(template, account.email, account.locale, facts))


def _searched(user_id: str) -> str:
    return user_id if "\x00" not in user_id else ""


def _unknown() -> NotFound:
    return NotFound("there is no account of this id", violations=[("user_id", "is not known")])


def _known(account: Account | None) -> Account:
    if account is None:
        raise _unknown()
    return account


def _last_administrator() -> Refused:
    return Refused(FailedPrecondition(LAST_ADMINISTRATOR), "last administrator")


def _required(reason: str, what: str) -> str:
    reason = plain_text(reason, "reason", lines=True)
    if not reason:
        raise InvalidArgument(f"say why {what}", violations=[("reason", "must not be blank")])
    return reason


def _because(reason: str) -> str:
    return f": {' '.join(reason.split())}" if reason else ""
