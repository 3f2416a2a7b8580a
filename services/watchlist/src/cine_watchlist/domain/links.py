"""Links that open something to whoever holds them: made again whenever they are shown, recognised by their digest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


class Links:
    """Makes and recognises the secret part of links.

    A token is derived from the key, the thing and a seed of its own, so the store needs no token to show the link again: it keeps the
    seed and a digest, and a copy of it opens nothing.

    Args:
        key: the same on every replica. With another one links made before still open what they opened, but cannot be shown any more.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, kind: str, thing_id: str, seed: str) -> str:
        """Returns the token of a thing, 43 characters of base64url.

        Args:
            kind: what it opens, such as "film-night".
            thing_id: id of what it opens.
            seed: drawn by `new_seed` for this link; another seed makes another link.
        """
        message = "\x00".join((kind, thing_id, seed)).encode()
        return base64.urlsafe_b64encode(hmac.digest(self._key, message, "sha256")).rstrip(b"=").decode()


def new_seed() -> str:
    """Returns 128 random bits as 32 hex digits."""
    return secrets.token_hex(16)


def digest(token: str) -> str:
    """Returns what is kept of a token, 64 hex digits. A token holds 256 bits, so nobody can guess it from this."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
