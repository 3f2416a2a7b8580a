"""Signing in with a passkey: alone, which is two factors in one, or as the second factor of another way."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import AuthenticationCredential

from cine_identity.domain.account import Account, email_key, username_key
from cine_identity.domain.relying_party import (
    Allowed,
    CredentialMalformed,
    CredentialRefused,
    RelyingParty,
    decoys,
    read_assertion,
)
from cine_identity.domain.session import PASSKEY, Visit
from cine_identity.domain.vault import Vault, new_token
from cine_identity.flows.entrance import Entered, Entrance
from cine_identity.flows.issue import SECOND_FACTOR, way_in
from cine_identity.flows.passkeys import CEREMONY_LIFETIME, Ceremony, lapsed, malformed
from cine_identity.store import Transaction, accounts, audit, passkeys, tickets
from cine_identity.store.tickets import Ticket
from cinemesh.clock import Clock, utc_now
from cinemesh.db import Database
from cinemesh.errors import CineError, FailedPrecondition, Reason, Unauthenticated

LOGIN = "passkey_login"
_EVEN_SECONDS = 0.025
"""When the answer about a name is given: later than any name takes, for what a known one takes longer is measurable."""


class PasskeySignIn:
    """Signs people in with passkeys.

    Args:
        database: the store.
        site: what the passkeys are for.
        vault: digests names of attempts and makes up passkeys for names that have none.
        entrance: lets in.
        clock: tells the time.
    """

    def __init__(
        self, database: Database, site: RelyingParty, vault: Vault, entrance: Entrance, clock: Clock = utc_now
    ) -> None:
        self._database = database
        self._site = site
        self._vault = vault
        self._entrance = entrance
        self._clock = clock

    async def begin(self, name: str, second_factor_token: str) -> Ceremony:
        """Starts a sign-in. A name that has no passkeys, or no account, seems to have some, always the same.

        Args:
            name: user name or address; empty to let the browser offer what it has.
            second_factor_token: token of a sign-in that asks for a second factor; empty to sign in by passkey alone.

        Raises:
            FailedPrecondition: the sign-in of the token is unknown or over, or its account has no passkeys.
        """
        loop = asyncio.get_running_loop()
        even = loop.time() + _EVEN_SECONDS
        typed = name.strip().replace("\x00", "\ufffd")  # no store keeps a NUL, so no name holds one
        ceremony_id, challenge = new_token(), secrets.token_bytes(32)
        second = self._vault.digest(second_factor_token, SECOND_FACTOR) if second_factor_token else ""

        def change(tx: Transaction) -> Sequence[Allowed]:
            allowed = self._of_challenge(tx, second) if second else self._of_name(tx, typed)
            tickets.issue(
                tx,
                LOGIN,
                token_digest=self._vault.digest(ceremony_id, LOGIN),
                now=self._clock(),
                lifetime=CEREMONY_LIFETIME,
                # nobody's: a row that names its account, or none, would tell known names by their time
                data={
                    "challenge": bytes_to_base64url(challenge),
                    "allowed": [bytes_to_base64url(one.credential_id) for one in allowed],
                    "second_factor": second,
                },
            )
            return allowed

        allowed = await self._database.write(change)
        options = self._site.request_options(challenge=challenge, allowed=allowed, verify_user=not second)
        if typed and not second:
            await asyncio.sleep(even - loop.time())
        return Ceremony(ceremony_id, options)

    async def finish(self, *, ceremony_id: str, credential: dict[str, Any], visit: Visit) -> Entered:
        """Signs in with what the browser signed; the attempt is used up whatever comes of it.

        Args:
            ceremony_id: the attempt.
            credential: AuthenticationResponseJSON.
            visit: where from.

        Raises:
            InvalidArgument: the credential is none.
            FailedPrecondition: the attempt, or the sign-in it was the second factor of, is unknown, used up or too old.
            Unauthenticated: the passkey is not right, or its account may not sign in: one answer for all of it.
        """
        try:
            response = read_assertion(credential)
        except CredentialMalformed:
            raise malformed() from None

        def change(tx: Transaction) -> Entered | CineError:
            now = self._clock()
            ticket = tickets.use(tx, LOGIN, self._vault.digest(ceremony_id, LOGIN), now)
            if ticket is None:
                return lapsed()
            second = ticket.data["second_factor"]
            pending = tickets.find(tx, SECOND_FACTOR, second, now) if second else None
            if second and pending is None:
                return lapsed()
            try:
                account = self._proven(tx, ticket, pending, response)
            except CredentialRefused as refused:
                return self._refused(tx, pending, response, str(refused), visit)
            method, named, factor = PASSKEY, visit, ""
            if pending is not None:
                tickets.spend(tx, pending.ticket_id, now)
                method, factor = pending.data["method"], PASSKEY
                named = replace(visit, device_name=visit.device_name or pending.data["device_name"])
            return self._entrance.enter(tx, account, method, named, now, factor=factor)

        result = await self._database.write(change)
        if isinstance(result, CineError):
            raise result
        return result

    def _of_challenge(self, tx: Transaction, digest: str) -> Sequence[Allowed]:
        """Returns the passkeys of the account that a second factor is asked of."""
        pending = tickets.find(tx, SECOND_FACTOR, digest, self._clock())
        if pending is None or pending.user_id is None:
            raise FailedPrecondition(
                "this sign-in is over; start again",
                reason=Reason.TICKET_INVALID,
                violations=[("second_factor_token", "is unknown, used up or too old")],
            )
        own = passkeys.of_account(tx, pending.user_id)
        if not own:
            raise FailedPrecondition("this account has no passkeys; use another second factor")
        return [Allowed(one.credential_id, one.transports) for one in own]

    def _of_name(self, tx: Transaction, name: str) -> Sequence[Allowed]:
        """Returns the passkeys of a name, or made-up ones; the same questions to the store and the same work for every name."""
        if not name:
            return ()
        by_address = "@" in name  # which no user name holds
        account = accounts.by_email(tx, name) if by_address else accounts.by_username(tx, name)
        own = passkeys.of_account(tx, account.user_id if account is not None else "")
        made_up = decoys(self._vault, email_key(name) if by_address else username_key(name))
        return [Allowed(one.credential_id, one.transports) for one in own] or made_up

    def _proven(
        self, tx: Transaction, ticket: Ticket, pending: Ticket | None, response: AuthenticationCredential
    ) -> Account:
        """Returns the account that a response opens, and notes the use of its passkey.

        Raises:
            CredentialRefused: it opens none.
        """
        passkey = passkeys.by_credential(tx, response.raw_id)
        if passkey is None:
            raise CredentialRefused("unknown passkey")
        allowed = ticket.data["allowed"]
        if allowed and bytes_to_base64url(passkey.credential_id) not in allowed:
            raise CredentialRefused("passkey of another name")
        if pending is not None and pending.user_id != passkey.user_id:
            raise CredentialRefused("passkey of another account")
        handle = response.response.user_handle
        # who is not named beforehand must be named by the passkey (WebAuthn level 3, 7.2 step 6)
        if (handle is None and not allowed) or (handle and handle != passkey.user_id.encode()):
            raise CredentialRefused("passkey of another account")
        challenge = base64url_to_bytes(ticket.data["challenge"])
        proven = self._site.verify(response, passkey, challenge, verify_user=pending is None)
        account = accounts.by_id(tx, passkey.user_id, lock=True)  # whoever closes it meanwhile comes before or after
        if account is None or not account.may_sign_in:
            raise CredentialRefused(str(account.state) if account is not None else "unknown account")
        now = self._clock()
        if not passkeys.used(tx, passkey, sign_count=proven.sign_count, synced=proven.synced, now=now):
            raise CredentialRefused("used at the same time")
        return account

    def _refused(
        self, tx: Transaction, pending: Ticket | None, response: AuthenticationCredential, outcome: str, visit: Visit
    ) -> CineError:
        """Counts and records a refusal, which the caller returns rather than raises so that both are kept."""
        passkey = passkeys.by_credential(tx, response.raw_id)
        user_id = passkey.user_id if passkey is not None else ""
        way = way_in(pending.data["method"], PASSKEY) if pending is not None else PASSKEY
        audit.record(
            tx, action="login.failed", now=self._clock(), user_id=user_id, outcome=outcome, detail=way, visit=visit
        )
        if pending is not None:
            tickets.failed(tx, pending.ticket_id)
            return Unauthenticated("the passkey is not right", reason=Reason.SECOND_FACTOR_INVALID)
        return Unauthenticated(
            "the passkey is not right, or the account is not open", reason=Reason.CREDENTIALS_INVALID
        )
