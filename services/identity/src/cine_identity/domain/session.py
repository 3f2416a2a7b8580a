"""Sessions: one place where a person is signed in, and the family of refresh tokens that keeps it going."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

PASSKEY = "passkey"
"""`method` of a session that a passkey alone opened."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a call came from, as the gateway tells it.

    Attributes:
        ip_address: address of the client; empty when it is not known.
        user_agent: what its program calls itself, at most 400 characters.
        device_name: what the person calls the device; empty to derive it from the user agent.
        device_cookie: value of the device cookie; empty without one.
        replaced_token: refresh token in the browser's cookie that a sign-in puts its own in place of; empty without one.
        call_id: id of the call, as in the logs.
    """

    ip_address: str = ""
    user_agent: str = ""
    device_name: str = ""
    device_cookie: str = field(default="", repr=False)
    replaced_token: str = field(default="", repr=False)
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One session.

    Attributes:
        session_id: ULID, the `sid` of tokens.
        user_id: whose it is.
        generation: how often its refresh token was traded; the current token carries this number.
        nonce: random bytes that its refresh tokens are derived from, hex.
        refresh_digest: digest of the current refresh token.
        rotated_at: when the current token replaced the one before.
        method: how the person signed in: `password`, `passkey` or the name of a provider.
        device_name: what the list of sessions calls it.
        ip_address: address it was last used from.
        user_agent: what the program called itself at sign-in.
        created_at: when the person signed in; the `auth_time` of its tokens.
        last_used_at: when it was last used.
        expires_at: when it ends whatever happens.
        revoked_at: when it was ended before that; None while it lives.
        second_factor: what was shown beside `method` to open it: `totp`, `recovery_code` or `passkey`; empty for nothing.
    """

    session_id: str
    user_id: str
    generation: int
    nonce: str = field(repr=False)
    refresh_digest: str = field(repr=False)
    rotated_at: dt.datetime
    method: str
    device_name: str
    ip_address: str
    user_agent: str
    created_at: dt.datetime
    last_used_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None = None
    second_factor: str = ""

    @property
    def multi_factor(self) -> bool:
        """Whether more than one factor opened it. A passkey by itself is two: it signs in only where it has known its owner."""
        return bool(self.second_factor) or self.method == PASSKEY

    def alive(self, now: dt.datetime, idle: dt.timedelta) -> bool:
        """Returns whether it can still be used: neither ended, nor over, nor unused for longer than `idle`."""
        return self.revoked_at is None and now < self.expires_at and now - self.last_used_at < idle


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a sign-in or a refresh gives.

    Attributes:
        access_token: signed JWT.
        refresh_token: opaque.
        expires_in: seconds the access token is good for.
        refresh_expires_in: seconds the refresh token is good for.
        session_id: the session.
        user_id: whose it is.
        lacking: whether the account must have a second factor and the session was opened without one.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    refresh_expires_in: int
    session_id: str
    user_id: str
    lacking: bool = False


@dataclass(frozen=True, slots=True)
class Challenge:
    """A sign-in that waits for its second factor.

    Attributes:
        token: names the attempt.
        methods: factors accepted: `totp`, `recovery_code`, `passkey`.
    """

    token: str = field(repr=False)
    methods: tuple[str, ...]
