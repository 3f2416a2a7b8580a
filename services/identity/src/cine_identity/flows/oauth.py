"""Signing in through another provider, and linking an identity there: out to its page, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from cine_identity.domain.oauth import Upstream
from cine_identity.domain.session import Visit
from cine_identity.flows.callers import Callers
from cine_identity.flows.oauth_attempts import LIFETIME, Attempt, Begun, OAuthAttempts
from cine_identity.flows.oauth_entry import Opened, ProviderEntry
from cine_identity.oauth import Provider, ProviderFault
from cine_identity.store import Transaction, audit
from cinemesh import telemetry
from cinemesh.clock import Clock, utc_now
from cinemesh.context import Principal
from cinemesh.db import ConstraintViolated, Database
from cinemesh.errors import CineError, FailedPrecondition, InvalidArgument, NotFound, Reason, Unavailable

_TRIES = 3
_RETRY_SECONDS = 5.0
_log = telemetry.logger("identity")


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send a browser.

    Attributes:
        page: the provider's, with everything it needs.
        state: in it, which comes back.
        browser: to keep in the browser's cookie.
        expires_in: seconds until the attempt lapses.
    """

    page: str = field(repr=False)
    state: str = field(repr=False)
    browser: str = field(repr=False)
    expires_in: int = int(LIFETIME.total_seconds())


@dataclass(frozen=True, slots=True)
class Return:
    """What a browser brings back.

    Attributes:
        provider: name of the provider.
        state: names the attempt.
        browser: what its cookie holds; empty without one.
        code: to trade; empty when `error` is not.
        error: of the provider.
        issuer: as the provider names itself; empty when it does not.
    """

    provider: str
    state: str = field(repr=False)
    browser: str = field(repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    issuer: str = ""


class OAuth:
    """Sends people to providers and takes them back.

    Args:
        database: the store.
        providers: by name, in the order to show them.
        callers: who calls.
        attempts: keeps attempts.
        entry: what an identity opens.
        public_url: address of the pages; the providers know `{public_url}/oauth/callback/{name}`.
        pages: of the frontend that a person may come back to.
        clock: tells the time.
    """

    def __init__(
        self,
        database: Database,
        providers: Mapping[str, Provider],
        callers: Callers,
        attempts: OAuthAttempts,
        entry: ProviderEntry,
        *,
        public_url: str,
        pages: Sequence[str],
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._providers = providers
        self._callers = callers
        self._attempts = attempts
        self._entry = entry
        self._public_url = public_url
        self._pages = tuple(pages)
        self._clock = clock

    def providers(self) -> list[Provider]:
        """Returns the providers, in the order to show them."""
        return list(self._providers.values())

    async def depart(self, name: str, page: str, *, use_cookie: bool) -> Departure:
        """Starts a sign-in.

        Args:
            name: of the provider.
            page: of the frontend to come back to; empty for the first of those in the settings.
            use_cookie: whether the refresh token is to go into a cookie.

        Raises:
            NotFound: there is no such provider.
            InvalidArgument: the page is none of those in the settings.
            Unavailable: the provider does not say where its page is.
        """
        provider, back = self._provider(name), self._page(page)

        def begin(tx: Transaction) -> Begun:
            return self._attempts.begin(tx, self._clock(), provider=name, page=back, use_cookie=use_cookie)

        return await self._lead(provider, await self._database.write(begin))

    async def depart_to_link(self, principal: Principal, name: str, page: str) -> Departure:
        """Starts linking an identity to the caller's account; it outlasts a stolen token, so it wants a recent sign-in.

        Raises:
            Unauthenticated: the session has ended.
            FailedPrecondition: the caller signed in more than ten minutes ago.
            NotFound: there is no such provider.
            InvalidArgument: the page is none of those in the settings.
            Unavailable: the provider does not say where its page is.
        """
        provider, back = self._provider(name), self._page(page)

        def begin(tx: Transaction) -> Begun:
            caller = self._callers.require(tx, principal)
            self._callers.require_recent(caller)
            return self._attempts.begin(
                tx,
                self._clock(),
                provider=name,
                page=back,
                use_cookie=False,
                user_id=caller.user_id,
                session_id=caller.session.session_id,
            )

        return await self._lead(provider, await self._database.write(begin))

    async def arrive(self, back: Return, principal: Principal, visit: Visit) -> tuple[Attempt, Opened]:
        """Ends an attempt with what the browser brings back. Returns the attempt and what it opened.

        Args:
            back: what the provider sent along.
            principal: who calls; a link may be ended without a token, by the browser that began it.
            visit: where from.

        Raises:
            NotFound: there is no such provider.
            FailedPrecondition: the attempt is none of this browser, used up or too old; or the provider refused; or the identity has no
                account yet and cannot open one.
            AlreadyExists: the identity to link opens another account.
            Unauthenticated: the account is not open.
            Unavailable: the provider does not answer.
        """
        provider = self._provider(back.provider)

        def take(tx: Transaction) -> Attempt | CineError:
            return self._attempts.take(
                tx, self._clock(), provider=provider.name, state=back.state, browser=back.browser, visit=visit
            )

        attempt = await self._database.write(take)
        if isinstance(attempt, CineError):
            raise attempt
        person = await self._ask(provider, back, attempt, visit)
        decide = partial(
            self._decide, provider=provider, attempt=attempt, person=person, principal=principal, visit=visit
        )
        for trial in range(1, _TRIES + 1):
            try:
                opened = await self._database.write(decide)
                break
            except ConstraintViolated:  # the same identity, name or address came in at the same moment: now it shows
                if trial == _TRIES:
                    raise
        if isinstance(opened, CineError):
            raise opened
        return attempt, opened

    def _decide(
        self,
        tx: Transaction,
        *,
        provider: Provider,
        attempt: Attempt,
        person: Upstream,
        principal: Principal,
        visit: Visit,
    ) -> Opened | CineError:
        if attempt.user_id is None:
            if not attempt.use_cookie:
                visit = replace(visit, replaced_token="")
            return self._entry.sign_in(tx, provider, attempt, person, visit)
        return self._entry.link(tx, provider, attempt, person, principal, visit)

    async def _ask(self, provider: Provider, back: Return, attempt: Attempt, visit: Visit) -> Upstream:
        try:
            await provider.check_issuer(back.issuer)
            if back.error:
                raise ProviderFault("said no")
            return await provider.person(back.code, secrets=attempt.secrets, redirect_uri=self._registered(provider))
        except ProviderFault as fault:
            outcome = fault.outcome
            _log.info("a provider gave nobody", provider=provider.name, outcome=outcome)

            def note(tx: Transaction) -> None:
                audit.record(
                    tx,
                    action="identity.link" if attempt.user_id else "login.failed",
                    now=self._clock(),
                    user_id=attempt.user_id or "",
                    outcome=outcome,
                    detail=provider.name,
                    visit=visit,
                )

            await self._database.write(note)
            raise _told(provider, fault, said_no=bool(back.error)) from None

    async def _lead(self, provider: Provider, begun: Begun) -> Departure:
        try:
            page = await provider.page(
                state=begun.state, secrets=begun.secrets, redirect_uri=self._registered(provider)
            )
        except ProviderFault as fault:
            _log.warning("a provider cannot be used", provider=provider.name, outcome=fault.outcome)
            raise _told(provider, fault) from None
        return Departure(page, begun.state, begun.browser)

    def _registered(self, provider: Provider) -> str:
        """Returns where a provider sends browsers back to, exactly as it is registered there."""
        return f"{self._public_url}/oauth/callback/{provider.name}"

    def _provider(self, name: str) -> Provider:
        if name not in self._providers:
            raise NotFound("there is no such provider", violations=[("provider", "is not set up")])
        return self._providers[name]

    def _page(self, wanted: str) -> str:
        if wanted and wanted not in self._pages:
            problem = "must be exactly one of the pages in the configuration"
            raise InvalidArgument(f"redirect_uri {problem}", violations=[("redirect_uri", problem)])
        return wanted or self._pages[0]


def _told(provider: Provider, fault: ProviderFault, *, said_no: bool = False) -> CineError:
    """Returns what the caller is told: who failed, and nothing of how, which is for the log."""
    named = provider.display_name
    if fault.away:
        return Unavailable(
            f"{named} does not answer; try again in a moment",
            reason=Reason.PROVIDER_FAILED,
            retry_after=_RETRY_SECONDS,
        )
    problem = (
        "refused the sign-in, or it was cancelled there" if said_no else "did not confirm who you are; start again"
    )
    return FailedPrecondition(f"{named} {problem}", reason=Reason.PROVIDER_FAILED)
