"""Passkeys of an account: adding, listing, removing."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, field
from typing import Any

from ulid import ULID
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from cine_identity.domain.account import Account
from cine_identity.domain.devices import describe
from cine_identity.domain.passkeys import LONGEST_NAME, MOST_PASSKEYS, Passkey
from cine_identity.domain.relying_party import (
    CEREMONY_SECONDS,
    CredentialMalformed,
    CredentialRefused,
    RelyingParty,
    read_registration,
)
from cine_identity.domain.session import Visit
from cine_identity.domain.vault import Vault, new_token
from cine_identity.flows.callers import Callers
from cine_identity.flows.second_factor import SecondFactors
from cine_identity.flows.ways_in import WaysIn
from cine_identity.mail.post import Letter, Post
from cine_identity.store import Transaction, accounts, audit, passkeys, tickets
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.db import ConstraintViolated, Database
from cinemesh.errors import AlreadyExists, CineError, FailedPrecondition, InvalidArgument, NotFound, Reason
from cinemesh.plain_text import plain_text

REGISTRATION = "passkey_registration"
CEREMONY_LIFETIME = dt.timedelta(seconds=CEREMONY_SECONDS)


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A dialogue with a browser that has begun.

    Attributes:
        ceremony_id: names it; good once and for 5 minutes.
        options: what to pass to the browser.
    """

    ceremony_id: str = field(repr=False)
    options: dict[str, Any] = field(repr=False)


class Passkeys:
    """Keeps the passkeys of an account. Every change is audited and told by mail.

    Args:
        database: the store.
        callers: who calls.
        site: what the passkeys are for.
        vault: digests the names of ceremonies.
        factors: makes sure that a second factor was shown.
        ways: into accounts.
        post: tells the owner.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        callers: Callers,
        site: RelyingParty,
        vault: Vault,
        factors: SecondFactors,
        ways: WaysIn,
        post: Post,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._callers = callers
        self._site = site
        self._vault = vault
        self._factors = factors
        self._ways = ways
        self._post = post
        self._clock = clock

    async def begin(self, principal: Principal) -> Ceremony:
        """Starts adding a passkey. Whoever holds a session for long must not get a lasting key by it: it asks for a recent sign-in.

        Raises:
            Unauthenticated: the session has ended.
            PermissionDenied: the account must have a second factor, has one, and the session was opened without it.
            FailedPrecondition: the caller signed in more than ten minutes ago, or has as many passkeys as there may be.
        """
        ceremony_id, challenge = new_token(), secrets.token_bytes(32)

        def change(tx: Transaction) -> Ceremony:
            caller = self._callers.require(tx, principal)
            self._callers.require_recent(caller)
            self._factors.require_shown(tx, caller)
            existing = passkeys.of_account(tx, caller.user_id)
            _room(len(existing))
            tickets.issue(
                tx,
                REGISTRATION,
                token_digest=self._vault.digest(ceremony_id, REGISTRATION),
                now=self._clock(),
                lifetime=CEREMONY_LIFETIME,
                user_id=caller.user_id,
                subject=caller.session.session_id,
                data={"challenge": bytes_to_base64url(challenge)},
            )
            options = self._site.creation_options(
                user_id=caller.user_id,
                username=caller.account.username,
                display_name=caller.account.display_name,
                challenge=challenge,
                existing=existing,
            )
            return Ceremony(ceremony_id, options)

        return await self._database.write(change)

    async def finish(
        self, principal: Principal, *, ceremony_id: str, credential: dict[str, Any], name: str, visit: Visit
    ) -> Passkey:
        """Adds the passkey that the browser made; the attempt is used up whatever comes of it.

        Args:
            principal: who calls.
            ceremony_id: the attempt; it must have begun in the same session.
            credential: RegistrationResponseJSON.
            name: name for the list; empty to derive one from the user agent.
            visit: where from.

        Raises:
            Unauthenticated: the session has ended.
            PermissionDenied: the account must have a second factor, has one by now, and the session was opened without it.
            InvalidArgument: the credential is none, or was made for another site or attempt; or the name is no plain text.
            FailedPrecondition: the attempt is unknown, used up or too old, or the caller has as many passkeys as there may be.
            AlreadyExists: the passkey belongs to an account.
        """
        named = plain_text(name, "name")[:LONGEST_NAME]  # one form may be longer than what was sent
        try:
            response = read_registration(credential)
        except CredentialMalformed:
            raise malformed() from None

        def change(tx: Transaction) -> Passkey | CineError:
            now, caller = self._clock(), self._callers.require(tx, principal)
            accounts.by_id(
                tx, caller.user_id, lock=True
            )  # attempts of one account take turns: the number of passkeys holds
            ticket = tickets.use(tx, REGISTRATION, self._vault.digest(ceremony_id, REGISTRATION), now)
            if ticket is None or (ticket.user_id, ticket.subject) != (caller.user_id, caller.session.session_id):
                return lapsed()
            self._factors.require_shown(tx, caller)
            try:
                made = self._site.register(response, base64url_to_bytes(ticket.data["challenge"]))
            except CredentialRefused as refused:
                self._record(tx, "passkey.add", caller.user_id, now, visit, outcome=str(refused))
                problem = "was not made for this attempt at this site"
                return InvalidArgument(f"the passkey {problem}", violations=[("credential", problem)])
            if passkeys.by_credential(tx, made.credential_id) is not None:
                return _taken()
            _room(passkeys.count(tx, caller.user_id))
            passkey = Passkey(
                passkey_id=str(ULID()),
                user_id=caller.user_id,
                credential_id=made.credential_id,
                public_key=made.public_key,
                sign_count=made.sign_count,
                transports=made.transports,
                synced=made.synced,
                name=named or describe(visit.user_agent),
                created_at=now,
            )
            passkeys.insert(tx, passkey)
            self._tell(tx, "passkey_added", caller.account, passkey)
            self._record(tx, "passkey.add", caller.user_id, now, visit, detail=passkey.passkey_id)
            return passkey

        try:
            result = await self._database.write(change)
        except ConstraintViolated:  # the same passkey was added twice at once
            raise _taken() from None
        if isinstance(result, CineError):
            raise result
        return result

    async def list(self, principal: Principal) -> list[Passkey]:
        """Returns the caller's passkeys, first added first.

        Raises:
            Unauthenticated: the session has ended.
        """
        return await self._database.read(
            lambda tx: passkeys.of_account(tx, self._callers.require(tx, principal).user_id)
        )

    async def remove(self, principal: Principal, passkey_id: str, visit: Visit) -> None:
        """Removes a passkey of the caller. It asks for a recent sign-in, so that a stolen session locks nobody out of their account.

        Raises:
            Unauthenticated: the session has ended.
            NotFound: the caller has no such passkey.
            PermissionDenied: the account must have a second factor, has one, and the session was opened without it.
            FailedPrecondition: the caller signed in more than ten minutes ago, or it is the last way to sign in.
        """

        def change(tx: Transaction) -> None:
            now, caller = self._clock(), self._callers.require(tx, principal)
            self._callers.require_recent(caller)
            self._factors.require_shown(tx, caller)
            user_id = caller.user_id
            account = accounts.by_id(tx, user_id, lock=True)  # two that remove the last two ways at once take turns
            removed = passkeys.remove(tx, user_id, passkey_id)
            if account is None or removed is None:
                raise NotFound("there is no such passkey")
            self._ways.require_one(tx, account, "passkey")
            self._tell(tx, "passkey_removed", account, removed)
            self._record(tx, "passkey.remove", user_id, now, visit, detail=removed.passkey_id)

        await self._database.write(change)

    def _tell(self, tx: Transaction, template: str, account: Account, passkey: Passkey) -> None:
        facts = {"username": account.username, "passkey_name": passkey.name}
        self._post.queue(tx, Letter(template, account.email, account.locale, facts))

    def _record(
        self,
        tx: Transaction,
        action: str,
        user_id: str,
        now: dt.datetime,
        visit: Visit,
        *,
        outcome: str = "ok",
        detail: str = "",
    ) -> None:
        audit.record(
            tx, action=action, now=now, user_id=user_id, actor_id=user_id, outcome=outcome, detail=detail, visit=visit
        )


def malformed() -> InvalidArgument:
    """Returns the refusal of a credential that no browser makes."""
    problem = "must be what credential.toJSON() gives"
    return InvalidArgument(f"credential {problem}", violations=[("credential", problem)])


def lapsed() -> FailedPrecondition:
    """Returns the refusal of an attempt that is unknown, used up or too old."""
    return FailedPrecondition(
        "this attempt is used up or too old; start again",
        reason=Reason.TICKET_INVALID,
        violations=[("ceremony_id", "is unknown, used up or too old")],
    )


def _room(held: int) -> None:
    if held >= MOST_PASSKEYS:
        raise FailedPrecondition(f"an account has at most {MOST_PASSKEYS} passkeys; remove one first")


def _taken() -> AlreadyExists:
    problem = "belongs to an account already"
    return AlreadyExists(f"this passkey {problem}", violations=[("credential", problem)])
