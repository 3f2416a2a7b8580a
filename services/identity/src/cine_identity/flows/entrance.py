"""What happens when somebody is let in, whichever way they proved who they are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from cine_identity.domain.account import Account
from cine_identity.domain.devices import describe, device_digests
from cine_identity.domain.session import SignedIn, Visit
from cine_identity.domain.vault import Vault, new_token
from cine_identity.flows.issue import Issuer
from cine_identity.mail.post import Letter, Post
from cine_identity.store import Transaction, devices, totp


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
    """Lets people in: opens the session, and tells the owner by mail when the device is a new one.

    Args:
        vault: digests what is kept of devices.
        issuer: opens sessions.
        post: tells of new devices.
    """

    def __init__(self, vault: Vault, issuer: Issuer, post: Post) -> None:
        self._vault = vault
        self._issuer = issuer
        self._post = post

    def enter(self, tx: Transaction, account: Account, method: str, visit: Visit, now: dt.datetime) -> Entered:
        """Opens a session in the transaction that used up the proof.

        Args:
            tx: that transaction.
            account: who was proven; the caller made sure that it may sign in.
            method: `password`, `passkey` or the name of a provider.
            visit: where from.
            now: the present moment.
        """
        known = devices.known_among(tx, account.user_id, device_digests(self._vault, visit))
        by_cookie = device_digests(self._vault, Visit(device_cookie=visit.device_cookie))
        # a cookie that this account never got may have been put there by somebody else: it is replaced
        cookie = visit.device_cookie if known.intersection(by_cookie) else new_token()
        tokens = self._issuer.sign_in(tx, account, method, replace(visit, device_cookie=cookie))
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
