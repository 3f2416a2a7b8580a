"""OAuthAttempts to sign in through a provider: begun by one browser, ended by the same, once and within ten minutes.

The state names an attempt, the cookie proves the browser, and the code verifier, which never leaves the store unsealed, proves us to the
provider. An attempt is used up by the first call that names it, whatever comes of it.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
from dataclasses import dataclass, field

from cine_identity.domain.oauth import Secrets, Upstream
from cine_identity.domain.session import Visit
from cine_identity.domain.vault import SecretUnreadable, Vault, new_token
from cine_identity.store import Transaction, audit, tickets
from cinemesh.errors import CineError, FailedPrecondition, Reason

OAUTH = "oauth"
LIFETIME = dt.timedelta(minutes=10)
_BROWSER = "oauth-browser"
_UNLINKED = "oauth_unlinked"


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that has begun.

    Attributes:
        state: names it, at the provider and back.
        browser: what the cookie of the browser holds.
        secrets: what the provider is told of, and what proves us to it.
    """

    state: str = field(repr=False)
    browser: str = field(repr=False)
    secrets: Secrets = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that comes back.

    Attributes:
        provider: where it went.
        page: of the frontend, where the person set out from.
        use_cookie: whether the refresh token goes into a cookie.
        secrets: of the attempt.
        expires_at: end of its time.
        user_id: account to link to; None to sign in.
        session_id: session that started the link; empty to sign in.
    """

    provider: str
    page: str
    use_cookie: bool
    secrets: Secrets = field(repr=False)
    expires_at: dt.datetime
    user_id: str | None
    session_id: str


class OAuthAttempts:
    """Keeps attempts, always in the caller's transaction.

    Args:
        vault: digests and seals.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def begin(
        self,
        tx: Transaction,
        now: dt.datetime,
        *,
        provider: str,
        page: str,
        use_cookie: bool,
        user_id: str | None = None,
        session_id: str = "",
    ) -> Begun:
        """Starts an attempt; a session has one link under way at a time."""
        begun = Begun(new_token(), new_token(), Secrets(new_token(), new_token()))
        digest = self._vault.digest(begun.state, OAUTH)
        kept = json.dumps([begun.secrets.verifier, begun.secrets.nonce]).encode()
        tickets.issue(
            tx,
            OAUTH,
            token_digest=digest,
            now=now,
            lifetime=LIFETIME,
            user_id=user_id,
            subject=session_id,
            data={
                "provider": provider,
                "page": page,
                "use_cookie": use_cookie,
                "browser": self._vault.digest(begun.browser, _BROWSER),
                "secrets": self._vault.seal(kept, OAUTH, digest),
            },
            replace=bool(session_id),
        )
        return begun

    def take(
        self, tx: Transaction, now: dt.datetime, *, provider: str, state: str, browser: str, visit: Visit
    ) -> Attempt | CineError:
        """Uses an attempt up, and returns it, or why it is none; the refusal says the same for every reason."""
        digest = self._vault.digest(state, OAUTH)
        ticket = tickets.use(tx, OAUTH, digest, now)
        if ticket is None:
            return lapsed()
        outcome = ""
        if not hmac.compare_digest(ticket.data["browser"], self._vault.digest(browser, _BROWSER)):
            outcome = "another browser"
        elif ticket.data["provider"] != provider:
            outcome = "another provider"
        try:
            verifier, nonce = json.loads(self._vault.unseal(ticket.data["secrets"], OAUTH, digest))
        except SecretUnreadable:
            outcome = "another master secret"
        if outcome:
            action = "identity.link" if ticket.user_id else "login.failed"
            user_id = ticket.user_id or ""
            audit.record(tx, action=action, now=now, user_id=user_id, outcome=outcome, detail=provider, visit=visit)
            return lapsed()
        return Attempt(
            provider=provider,
            page=ticket.data["page"],
            use_cookie=ticket.data["use_cookie"],
            secrets=Secrets(verifier, nonce),
            expires_at=ticket.expires_at,
            user_id=ticket.user_id,
            session_id=ticket.subject,
        )

    def unlinked(self, tx: Transaction, issuer: str, subject: str, now: dt.datetime) -> None:
        """Notes that an identity was unlinked: what began before, and may be at the provider just now, is dead."""
        token = self._vault.digest(new_token(), _UNLINKED)
        where = self._subject(issuer, subject)
        tickets.issue(tx, _UNLINKED, token_digest=token, now=now, lifetime=LIFETIME, subject=where, replace=True)

    def dead(self, tx: Transaction, attempt: Attempt, person: Upstream, now: dt.datetime) -> bool:
        """Returns whether the identity that an attempt came to was unlinked since it began."""
        note = tickets.latest(tx, _UNLINKED, self._subject(person.issuer, person.subject), now)
        return note is not None and note.expires_at >= attempt.expires_at

    def _subject(self, issuer: str, subject: str) -> str:
        return self._vault.digest(json.dumps([issuer, subject]), _UNLINKED)


def lapsed() -> FailedPrecondition:
    """Returns the refusal of an attempt that is unknown, used up, too old, or another browser's."""
    return FailedPrecondition(
        "this attempt is used up, too old, or was begun in another browser; start again",
        reason=Reason.TICKET_INVALID,
        violations=[("state", "is unknown, used up, too old, or was given to another browser")],
    )
