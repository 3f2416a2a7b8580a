"""Passkeys of accounts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

MOST_PASSKEYS = 20
"""Passkeys an account may have."""
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey (WebAuthn credential).

    Attributes:
        passkey_id: ULID, what the list of passkeys calls it.
        user_id: whose it is.
        credential_id: what the authenticator calls it, up to 1023 bytes; unique.
        public_key: COSE key that its signatures verify with.
        sign_count: how often it was used, as the authenticator counts; 0 when it does not count.
        transports: how browsers reach it, such as `internal` or `usb`.
        synced: whether it is kept in several devices at once.
        name: name for the list, at most 80 characters.
        created_at: when it was added.
        last_used_at: when somebody last signed in with it; None before the first time.
    """

    passkey_id: str
    user_id: str
    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: tuple[str, ...]
    synced: bool
    name: str
    created_at: dt.datetime
    last_used_at: dt.datetime | None = None
