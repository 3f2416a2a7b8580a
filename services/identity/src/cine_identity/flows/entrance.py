"""What happens when somebody is let in, whichever way they proved who they are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from cine_identity.domain import refresh
from cine_identity.domain.account import Account
from cine_identity.domain.devices import describe, device_digests
from cine_identity.domain.session import SignedIn, Visit
from cine_identity.domain.vault import Vault, new_token
from cine_identity.flows.endings import Endings
from cine_identity.flows.issue import Issuer
from cine_identity.mail.post import Letter, Post
from cine_identity.store import Transaction, audit, devices, sessions, totp


@dataclass(frozen=True, slots=True)
class Entered:
    """A completed sign-in.

    Attributes:
        tokens: of the new session.
        device_cookie: to keep on the device, so that it is known the next time.
        recovery_codes_left: of the account.
    """

    tokens: SignedIn
    device_cookie: str = field(repr=False)
    recovery_codes_left: int = 0


class Entrance:
    """Lets people in: opens the session, ends the one whose place it takes, and tells the owner by mail when the device is a new one.

    Args:
        vault: digests what is kept of devices.
        issuer: opens sessions.
        endings: ends sessions.
        post: tells of new devices.
    """

    def __init__(self, vault: Vault, issuer: Issuer, endings: Endings, post: Post) -> None:
        self._vault = vault
        self._issuer = issuer
        self._endings = endings
        self._post = post

    def enter(
        self, tx: Transaction, account: Account, method: str, visit: Visit, now: dt.datetime, *, factor: str = ""
    ) -> Entered:
        """Opens a session in the transaction that used up the proof.

        Args:
            tx: that transaction.
            account: who was proven; the caller made sure that it may sign in.
            method: `password`, `passkey` or the name of a provider.
            visit: where from.
            now: the present moment.
            factor: the second factor that was shown, for the audit log; empty for none.
        """
        known = devices.known_among(tx, account.user_id, device_digests(self._vault, visit))
        by_cookie = device_digests(self._vault, Visit(device_cookie=visit.device_cookie))
        # a cookie that this account never got may have been put there by somebody else: it is replaced
        cookie = visit.device_cookie if known.intersection(by_cookie) else new_token()
        tokens = self._issuer.sign_in(tx, account, method, replace(visit, device_cookie=cookie), factor)
        self._replace(tx, visit, now)
        if not known and account.last_login_at is not None:
            facts = {
                "username": account.username,
                "device_name": visit.device_name or describe(visit.user_agent),
                "ip_address": visit.ip_address,
                "at": now.isoformat(),
            }
            self._post.queue(tx, Letter("new_sign_in", account.email, account.locale, facts))
        left = totp.recovery_codes_left(tx, account.user_id)
        return Entered(tokens, cookie, left)

    def _replace(self, tx: Transaction, visit: Visit, now: dt.datetime) -> None:
        """Ends the session whose cookie the new one takes, whosever it is: nobody could sign out of it there any more.

        Whoever sends the cookie may end its session anyway, and the answer is the same whatever was found.
        """
        presented = refresh.parse(visit.replaced_token)
        session = sessions.by_id(tx, presented.session_id) if presented is not None else None
        if presented is None or session is None or not refresh.genuine(self._vault, presented, session):
            return
        if self._endings.one(tx, session, now):
            owner = session.user_id
            detail = "replaced by a sign-in"
            audit.record(tx, action="logout", now=now, user_id=owner, actor_id=owner, detail=detail, visit=visit)
