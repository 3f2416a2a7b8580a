"""Hashes of passwords, tagged with how they were made: `$cine-b1$…` is bcrypt, `$cine-a1$…` argon2id.

bcrypt reads 72 bytes and stops at a NUL, so it never sees a password itself but 64 characters made of it (HMAC-SHA-384 under the
pepper, in base64): every byte counts, and a copy of the database alone cannot be guessed at. argon2id gets the same.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from typing import Literal

import argon2
import bcrypt
from argon2 import low_level

Scheme = Literal["bcrypt", "argon2id"]
BCRYPT_TAG, ARGON2_TAG = "$cine-b1$", "$cine-a1$"
ARGON2_MEMORY_KIB = 19 * 1024
ARGON2_PASSES = 2
_ARGON2_LANES = 1
_SALT_BYTES, _HASH_BYTES = 16, 32
_BCRYPT_DIGITS = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def one_form(password: str) -> str:
    """Returns a password in NFC, as the OpaqueString profile has it (RFC 8265).

    The same letter typed on two keyboards may arrive composed or not. NFKC would go further and make `①` a `1`: passwords that look
    different would open the same account, for which nobody asked.
    """
    return unicodedata.normalize("NFC", password)


class Hasher:
    """Hashes and verifies. Everything but `decoy` takes long: never call it on the event loop.

    Args:
        pepper: key mixed into every password, kept outside the database.
        scheme: of new hashes; the other one still verifies.
        bcrypt_cost: 4 to 16; doubles the work with each step.
    """

    def __init__(self, pepper: bytes, scheme: Scheme = "bcrypt", bcrypt_cost: int = 12) -> None:
        self._pepper = pepper
        self._scheme = scheme
        self._cost = bcrypt_cost
        self.decoy = self._decoy()
        """A hash that no password has; verifying it takes as long as any other made now."""

    def hash(self, password: str) -> str:
        """Returns the tagged hash of a password."""
        secret = self._prepare(password)
        if self._scheme == "bcrypt":
            return BCRYPT_TAG + bcrypt.hashpw(secret, bcrypt.gensalt(self._cost)).decode()
        encoded = low_level.hash_secret(
            secret,
            secrets.token_bytes(_SALT_BYTES),
            time_cost=ARGON2_PASSES,
            memory_cost=ARGON2_MEMORY_KIB,
            parallelism=_ARGON2_LANES,
            hash_len=_HASH_BYTES,
            type=low_level.Type.ID,
        )
        return ARGON2_TAG + encoded.decode()

    def verify(self, password: str, tagged: str | None) -> bool:
        """Returns whether a password has this hash; without one, the same work is done and the answer is no."""
        if tagged is None:
            self.verify(password, self.decoy)
            return False
        secret = self._prepare(password)
        try:
            if tagged.startswith(BCRYPT_TAG):
                return bcrypt.checkpw(secret, tagged.removeprefix(BCRYPT_TAG).encode())
            if tagged.startswith(ARGON2_TAG):
                return low_level.verify_secret(tagged.removeprefix(ARGON2_TAG).encode(), secret, low_level.Type.ID)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError, ValueError):
            return False
        return False

    def outdated(self, tagged: str) -> bool:
        """Returns whether a hash was made in another way than new ones are, so that it should be made again at the next sign-in."""
        try:
            if tagged.startswith(BCRYPT_TAG) and self._scheme == "bcrypt":
                return int(tagged.removeprefix(BCRYPT_TAG).split("$")[2]) != self._cost
            if tagged.startswith(ARGON2_TAG) and self._scheme == "argon2id":
                found = argon2.extract_parameters(tagged.removeprefix(ARGON2_TAG))
                wanted = (ARGON2_PASSES, ARGON2_MEMORY_KIB, _ARGON2_LANES)
                return (found.time_cost, found.memory_cost, found.parallelism) != wanted
        except (argon2.exceptions.InvalidHashError, ValueError, IndexError):
            pass
        return True

    def _prepare(self, password: str) -> bytes:
        text = one_form(password).encode("utf-8", "surrogatepass")
        return base64.b64encode(hmac.digest(self._pepper, text, hashlib.sha384))

    def _decoy(self) -> str:
        if self._scheme == "bcrypt":
            # made up instead of computed: a start need not wait for it
            digits = "".join(secrets.choice(_BCRYPT_DIGITS) for _ in range(31))
            return BCRYPT_TAG + bcrypt.gensalt(self._cost).decode() + digits
        salt, made_up = (
            base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (_SALT_BYTES, _HASH_BYTES)
        )
        return f"{ARGON2_TAG}$argon2id$v=19$m={ARGON2_MEMORY_KIB},t={ARGON2_PASSES},p={_ARGON2_LANES}${salt}${made_up}"
