"""How many letters of one kind an address gets on the word of strangers."""

from __future__ import annotations

import datetime as dt

from cine_identity.domain.account import email_key
from cine_identity.domain.vault import Vault
from cine_identity.store import Transaction, throttles

MOST = 5
WITHIN = dt.timedelta(hours=1)


class MailLimit:
    """Counts letters that anybody can have sent to an address: five, until an hour has passed without one.

    Args:
        vault: digests addresses.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def allows(self, tx: Transaction, template: str, email: str, now: dt.datetime) -> bool:
        """Returns whether one more letter may be sent, and counts it."""
        key = f"mail:{self._vault.digest(f'{template}:{email_key(email)}', 'throttle')}"
        sent = throttles.failures(tx, key, now - WITHIN)
        if sent >= MOST:
            return False
        throttles.fail(tx, key, sent + 1, now, now)
        return True
