"""Back-off of sign-ins: by account, by address, and by known device; in the store, so that a restart forgives nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cine_identity.domain.backoff import ACCOUNT, ADDRESS, DEVICE, BackOff
from cine_identity.domain.devices import device_digests, network_of
from cine_identity.domain.session import Visit
from cine_identity.domain.vault import Vault
from cine_identity.store import Transaction, devices, throttles

_PURPOSE = "throttle"


@dataclass(frozen=True, slots=True)
class Hindrance:
    """How an attempt stands.

    Attributes:
        blocked: whether it is refused whatever the password.
        known_device: whether the account was signed in from there before.
        keys: counters of the attempt.
        until: when each counter that is blocked now is free again.
    """

    blocked: bool
    known_device: bool
    keys: tuple[tuple[str, BackOff], ...]
    until: dict[str, dt.datetime]


class Hindrances:
    """Counts failures and keeps attempts waiting. Does the same for accounts and for names that nobody has.

    A known device is let past the counters of account and address: otherwise anybody could lock an owner out by guessing. It has a
    counter of its own instead.

    Args:
        vault: digests names and addresses.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def account_key(self, who: str) -> str:
        """Returns the counter of an account, or of a name that nobody has."""
        return f"account:{self._vault.digest(who, _PURPOSE)}"

    def look(self, tx: Transaction, who: str, user_id: str, visit: Visit, now: dt.datetime) -> Hindrance:
        """Returns how an attempt stands.

        Args:
            tx: the transaction that decides.
            who: the account's id, or what was typed where there is none.
            user_id: the account's id; empty where there is none.
            visit: where from.
            now: the present moment.
        """
        digests = device_digests(self._vault, visit)
        known = [digest for digest in digests if digest in devices.known_among(tx, user_id, digests)]
        # the counter hangs on what lets past the others: a cookie made up anew for every guess starts no new one
        device = known[0] if known else (digests[-1] if digests else "")
        account = self.account_key(who)
        address = f"address:{self._vault.digest(network_of(visit.ip_address), _PURPOSE)}"
        own = f"device:{self._vault.digest(f'{who}:{device}', _PURPOSE)}"
        keys = ((account, ACCOUNT), (own, DEVICE), *(((address, ADDRESS),) if visit.ip_address else ()))
        until = throttles.blocked_until(tx, [key for key, _ in keys], now)
        blocked = own in until if known else account in until or address in until
        return Hindrance(blocked, bool(known), keys, until)

    def failed(self, tx: Transaction, hindrance: Hindrance, now: dt.datetime) -> None:
        """Counts a failure; not where the attempt was kept waiting anyway, or nobody would ever be let in again."""
        for key, rule in sorted(hindrance.keys, key=lambda pair: pair[0]):  # in one order: transactions never cross
            count = throttles.failures(tx, key, now - rule.forgotten_after)
            until = hindrance.until.get(key)
            if until is None:
                count += 1
                until = now + rule.wait(count)
            throttles.fail(tx, key, count, now, until)

    def succeeded(self, tx: Transaction, hindrance: Hindrance) -> None:
        """Forgives account and device. Not the address, see `domain.backoff`."""
        for key, rule in sorted(hindrance.keys, key=lambda pair: pair[0]):
            if rule is not ADDRESS:
                throttles.forgive(tx, key)

    def forgive(self, tx: Transaction, user_id: str) -> None:
        """Forgives an account, whose owner proved by mail who they are."""
        throttles.forgive(tx, self.account_key(user_id))
