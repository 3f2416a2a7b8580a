"""Identities of an account at other providers: listing and unlinking."""

from __future__ import annotations

from collections.abc import Mapping

from cine_identity.domain.oauth import Identity
from cine_identity.domain.session import Visit
from cine_identity.flows.callers import Callers
from cine_identity.flows.issue import SECOND_FACTOR
from cine_identity.flows.oauth_attempts import OAuthAttempts
from cine_identity.flows.ways_in import WaysIn
from cine_identity.mail.post import Letter, Post
from cine_identity.oauth import Provider
from cine_identity.store import Transaction, accounts, audit, identities, tickets
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.db import Database
from cinemesh.errors import NotFound


class Identities:
    """Keeps the identities of an account.

    Args:
        database: the store.
        callers: who calls.
        providers: those that are set up.
        ways: into accounts.
        attempts: what is under way.
        post: tells the owner.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        callers: Callers,
        providers: Mapping[str, Provider],
        ways: WaysIn,
        attempts: OAuthAttempts,
        post: Post,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._callers = callers
        self._providers = providers
        self._ways = ways
        self._attempts = attempts
        self._post = post
        self._clock = clock

    async def list(self, principal: Principal) -> list[Identity]:
        """Returns the caller's identities, first linked first.

        Raises:
            Unauthenticated: the session has ended.
        """
        return await self._database.read(
            lambda tx: identities.of_account(tx, self._callers.require(tx, principal).user_id)
        )

    async def unlink(self, principal: Principal, identity_id: str, visit: Visit) -> None:
        """Unlinks an identity of the caller, who signed in not long ago; attempts under way through it are dead.

        Raises:
            Unauthenticated: the session has ended.
            NotFound: the caller has no such identity.
            FailedPrecondition: the caller signed in more than ten minutes ago, or it is the last way to sign in.
        """

        def change(tx: Transaction) -> None:
            now, caller = self._clock(), self._callers.require(tx, principal)
            self._callers.require_recent(caller)
            user_id = caller.user_id
            account = accounts.by_id(tx, user_id, lock=True)  # two that remove the last two ways at once take turns
            removed = identities.remove(tx, user_id, identity_id) if "\x00" not in identity_id else None
            if account is None or removed is None:
                raise NotFound("there is no such identity")
            self._ways.require_one(tx, account, "identity")
            self._attempts.unlinked(tx, removed.issuer, removed.subject, now)
            tickets.discard(tx, SECOND_FACTOR, user_id=user_id)  # a sign-in through it may wait for its second factor
            facts = {"username": account.username, "provider": self._display(removed.provider)}
            self._post.queue(tx, Letter("identity_unlinked", account.email, account.locale, facts))
            audit.record(
                tx,
                action="identity.unlink",
                now=now,
                user_id=user_id,
                actor_id=user_id,
                detail=removed.provider,
                visit=visit,
            )

        await self._database.write(change)

    def _display(self, provider: str) -> str:
        return self._providers[provider].display_name if provider in self._providers else provider
