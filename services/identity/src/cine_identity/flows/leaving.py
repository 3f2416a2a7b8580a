"""Leaving: a person deletes their account, and everything of it goes in one transaction."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from cine.identity.v1 import events_pb2
from cine_identity.domain.account import username_key
from cine_identity.domain.session import Visit
from cine_identity.flows.administration import LAST_ADMINISTRATOR
from cine_identity.flows.callers import Callers
from cine_identity.flows.owner_proof import OwnerProof
from cine_identity.flows.profiles import PublicProfiles
from cine_identity.flows.second_factor import SecondFactors, wrong_code
from cine_identity.mail.post import Letter, Post
from cine_identity.store import Transaction, accounts, administration, audit, leaving
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.db import Database
from cinemesh.errors import Aborted, CineError, FailedPrecondition, InvalidArgument, Reason
from cinemesh.outbox import Outbox

ACTION = "account.delete"


class AccountDeletion:
    """Deletes accounts.

    Args:
        database: store of the accounts.
        callers: who calls.
        outbox: tells other services, which drop what is theirs.
        post: says good-bye.
        public: what others see, to be forgotten.
        proof: of the owner.
        second_factors: verifies a code.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        callers: Callers,
        outbox: Outbox,
        post: Post,
        public: PublicProfiles,
        proof: OwnerProof,
        second_factors: SecondFactors,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._callers = callers
        self._outbox = outbox
        self._post = post
        self._public = public
        self._proof = proof
        self._second_factors = second_factors
        self._clock = clock

    async def delete(
        self, principal: Principal, *, confirm_username: str, password: str, code: str, visit: Visit
    ) -> dt.datetime:
        """Deletes the caller's account and returns when.

        Args:
            principal: who calls.
            confirm_username: the person's own name, typed again, in any case.
            password: theirs; empty for an account that has none.
            code: of their authenticator app; empty for an account without one.
            visit: where from.

        Raises:
            InvalidArgument: the name is not the caller's.
            Unauthenticated: the session has ended, or password or code is wrong.
            PermissionDenied: the account must have a second factor, has one, and the session was opened without it.
            FailedPrecondition: an account without a password signed in too long ago, or it is the last administrator's.
            ResourceExhausted: too many wrong passwords or codes; says when to come back.
        """
        caller = await self._database.read(lambda tx: self._callers.require(tx, principal))
        account = caller.account
        if username_key(confirm_username.strip()) != username_key(account.username):
            problem = "must be your own user name"
            raise InvalidArgument(f"confirm_username {problem}", violations=[("confirm_username", problem)])
        await self._proof.require(caller, password, action=ACTION, visit=visit)

        def change(tx: Transaction) -> dt.datetime | CineError:
            return self._delete(tx, principal, account.password_hash, code, visit)

        result = await self._public.changing(account.username, self._database.write(change))
        if isinstance(result, CineError):
            raise result
        return result

    def _delete(
        self, tx: Transaction, principal: Principal, proven_hash: str | None, code: str, visit: Visit
    ) -> dt.datetime | CineError:
        """Deletes, or returns why not, so that what was counted and logged on the way is kept."""
        administrators = administration.lock_administrators(tx)
        caller = self._callers.require(tx, principal)
        self._second_factors.require_shown(tx, caller)
        user_id = caller.user_id
        account = accounts.by_id(tx, user_id, lock=True)
        if account is None or account.password_hash != proven_hash:
            return Aborted("the account changed meanwhile; try again", reason=Reason.ETAG_MISMATCH)
        now = self._clock()
        if administrators == {user_id}:
            self._refused(tx, user_id, "last administrator", visit)
            return FailedPrecondition(LAST_ADMINISTRATOR)
        if self._second_factors.has_app(tx, user_id) and not (
            code and self._second_factors.verify(tx, user_id, code=code, recovery_code="", now=now)
        ):
            self._refused(tx, user_id, "wrong code" if code else "code missing", visit)
            return wrong_code()
        self._post.queue(tx, Letter("account_deleted", account.email, account.locale, {"username": account.username}))
        self._outbox.append(tx, subject=f"users/{user_id}", data=events_pb2.UserDeleted(user_id=user_id), time=now)
        leaving.delete_account(tx, account)
        audit.forget_names(tx, user_id)
        nowhere = replace(visit, ip_address="")  # of the person nothing stays but that they left
        audit.record(tx, action=ACTION, now=now, user_id=user_id, actor_id=user_id, visit=nowhere)
        return now

    def _refused(self, tx: Transaction, user_id: str, outcome: str, visit: Visit) -> None:
        audit.record(
            tx,
            action=ACTION,
            now=self._clock(),
            user_id=user_id,
            actor_id=user_id,
            outcome=outcome,
            visit=visit,
        )
