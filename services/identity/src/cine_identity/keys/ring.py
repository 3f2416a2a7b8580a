"""The key ring of this process: which key signs now, and what the JWKS says (RFC 7517)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt

from cinemesh.clock import Clock, utc_now
from cinemesh.errors import Unavailable

TOKEN_TYPE = "at+jwt"
"""`typ` of access tokens (RFC 9068)."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key.

    Attributes:
        kid: its id; never with the prefix of the mesh's own keys.
        public: public JWK.
        key: the private key, ready to sign.
        sign_from: from when it signs; until then it is only published.
        retire_at: when it leaves the JWKS; None while it has no successor.
    """

    kid: str
    public: dict[str, Any]
    key: jwt.PyJWK = field(repr=False)
    sign_from: dt.datetime
    retire_at: dt.datetime | None = None


class KeyRing:
    """Signs with the newest key whose time has come. Replaced whole when the store's keys change (`replace`)."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._keys: tuple[SigningKey, ...] = ()

    def replace(self, keys: Sequence[SigningKey]) -> None:
        """Takes over the keys of the store."""
        self._keys = tuple(sorted(keys, key=lambda key: (key.sign_from, key.kid)))

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """Every key that is held, in the order they sign."""
        return self._keys

    def current(self) -> SigningKey:
        """Returns the key that signs now.

        Raises:
            Unavailable: there is none yet.
        """
        now = self._clock()
        signing = [key for key in self._keys if key.sign_from <= now]
        if not signing:
            raise Unavailable("there is no key to sign tokens with yet", retry_after=1.0)
        return signing[-1]

    def sign(self, claims: dict[str, Any], kind: str = TOKEN_TYPE) -> str:
        """Returns a signed token.

        Args:
            claims: what it says.
            kind: its `typ`.

        Raises:
            Unavailable: there is no key yet.
        """
        key = self.current()
        headers = {"kid": key.kid, "typ": kind}
        return jwt.encode(claims, key.key.key, algorithm=key.key.algorithm_name, headers=headers)

    def jwks(self) -> bytes:
        """Returns the public halves of every key that verifies a token now or soon, as JSON."""
        now = self._clock()
        published = [key.public for key in self._keys if key.retire_at is None or key.retire_at > now]
        return json.dumps({"keys": published}, separators=(",", ":")).encode()
