"""Codes of authenticator apps: time-based one-time passwords (RFC 6238; SHA-1, 6 digits, 30 s, which every app knows)."""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass, field

import pyotp

STEP_SECONDS = 30
LATE_STEPS = 1
"""Steps before the present one whose codes count: people are slow (RFC 6238, 5.2). None after it: a code is good for 60 s at most."""
ISSUER = "CineAesthete"
NO_STEP = -1
"""Below every step: no code was accepted yet."""


@dataclass(frozen=True, slots=True)
class Authenticator:
    """The authenticator app of an account.

    Attributes:
        user_id: whose it is.
        secret: sealed base32 secret.
        last_step: time step of the last code that was accepted; codes of it and of earlier steps are spent.
        confirmed_at: when its owner showed the first code.
    """

    user_id: str
    secret: str = field(repr=False)
    last_step: int
    confirmed_at: dt.datetime


def new_secret() -> str:
    """Returns 160 random bits in base32, the length RFC 4226 recommends."""
    return pyotp.random_base32(32)


def address(secret: str, account_name: str) -> str:
    """Returns the `otpauth://` address of a secret, for a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account_name, issuer_name=ISSUER)


def matching_step(secret: str, code: str, now: dt.datetime, last_step: int = NO_STEP) -> int | None:
    """Returns the time step that a code belongs to; None when it is wrong or spent.

    The present step counts and the one before it. Codes of an app whose clock runs ahead come too early and are wrong until their
    step has come; those of one that is more than a step behind always are. Every step that counts is compared in constant time, so
    the time taken says nothing about the code.

    Args:
        secret: in base32.
        code: 6 digits.
        now: the present moment.
        last_step: steps up to this one are spent.
    """
    app = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP_SECONDS
    found: int | None = None
    for step in range(present - LATE_STEPS, present + 1):
        if hmac.compare_digest(app.generate_otp(step).encode(), code.encode()) and step > last_step:
            found = step
    return found
