"""Page tokens: opaque, signed, and good for the query they were made for only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any, Final, Self

from google.protobuf.message import Message

from cinemesh.errors import InvalidArgument, Reason, Unavailable
from cinemesh.keys import PAGE_KEY_FILE
from cinemesh.settings import ServiceSettings

DEFAULT_PAGE_SIZE: Final = 20
_MAC_BYTES: Final = 16
_NOT_OF_THE_QUERY: Final = ("page_size", "page_token")


class PageTokens:
    """Makes and reads the page tokens of one service."""

    def __init__(self, key: bytes) -> None:
        """Takes the signing key: every replica of a service must hold the same."""
        self._key = key

    @classmethod
    def of(cls, settings: ServiceSettings) -> Self:
        """Returns the page tokens of a service: see `derived_key`.

        Raises:
            Unavailable: there is nothing to derive the key from.
        """
        return cls(derived_key(settings, "page-token"))

    def encode(self, position: Any, query: Message) -> str:
        """Returns the token of the page that starts at a position.

        Args:
            position: anything JSON can hold that says where the page starts: an offset, or the last row's keys. Keep it
                short.
            query: the request; its `page_size` and `page_token` are no part of the query.
        """
        body = json.dumps(position, separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._mac(body, query) + body).rstrip(b"=").decode()

    def decode(self, query: Message, *, field: str = "page_token") -> Any:
        """Returns the position in the request's page token; None when it has none (the first page).

        Raises:
            InvalidArgument: the token is malformed, altered, of another service or of another query.
        """
        token: str = getattr(query, field)
        if not token:
            return None
        try:
            raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            raise _refused(field) from None
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body, query)):
            raise _refused(field)
        return json.loads(body)

    def _mac(self, body: bytes, query: Message) -> bytes:
        return hmac.digest(self._key, fingerprint(query) + body, "sha256")[:_MAC_BYTES]


def derived_key(settings: ServiceSettings, purpose: str) -> bytes:
    """Returns 32 bytes for one purpose of one service, from `CINE_PAGE_TOKEN_KEY` or, in development, from `var/keys/`.

    Raises:
        Unavailable: there is neither.
    """
    if settings.page_token_key is not None:
        secret = settings.page_token_key.get_secret_value().encode()
    else:
        try:
            secret = (settings.keys_dir / PAGE_KEY_FILE).read_bytes()
        except OSError:
            raise Unavailable("there is no key for page tokens: set CINE_PAGE_TOKEN_KEY") from None
    return hmac.digest(secret, f"{purpose}:{settings.service}".encode(), "sha256")


def fingerprint(query: Message) -> bytes:
    """Returns 16 bytes that tell queries apart: the whole request but for its page."""
    bare = type(query)()
    bare.CopyFrom(query)
    for name in _NOT_OF_THE_QUERY:
        if name in bare.DESCRIPTOR.fields_by_name:
            bare.ClearField(name)
    named = bare.DESCRIPTOR.full_name.encode() + b"\0" + bare.SerializeToString(deterministic=True)
    return hashlib.blake2b(named, digest_size=16).digest()


def page_size(wanted: int, default: int = DEFAULT_PAGE_SIZE) -> int:
    """Returns the size of a page: 0 means the default. Bounds are the contract's and checked before."""
    return wanted or default


def _refused(field: str) -> InvalidArgument:
    return InvalidArgument(
        f"{field} is not a token of this list: pass the next_page_token of the same query, unchanged",
        reason=Reason.INVALID_PAGE_TOKEN,
        violations=[(field, "is malformed, or belongs to another query")],
    )
