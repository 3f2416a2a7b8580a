"""Asking providers over HTTP: in little time, no further than the address given, and never more than a little text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from cine_identity.oauth.faults import ProviderFault

MOST_BYTES = 256 * 1024
_SECONDS = 5.0
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in JSON.

    Attributes:
        status: of HTTP.
        body: as read.
    """

    status: int
    body: Any = field(repr=False)

    @property
    def document(self) -> dict[str, Any]:
        """The body, where it is an object; otherwise an empty one."""
        return self.body if isinstance(self.body, dict) else {}


def safe_address(url: object, *, loopback: bool) -> bool:
    """Returns whether secrets may be sent to an address: https, or, with `loopback`, http on this machine."""
    if not isinstance(url, str) or not url.isascii():
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (loopback and parts.scheme == "http" and host in _LOOPBACK)


class Fetcher:
    """Asks providers. Open connections are kept; `close` ends them.

    Args:
        loopback: whether http on this machine will do.
    """

    def __init__(self, *, loopback: bool) -> None:
        self.loopback = loopback
        self._http = httpx.AsyncClient(
            timeout=_SECONDS,
            follow_redirects=False,  # a redirect would carry codes and secrets elsewhere
            headers={"accept": "application/json", "user-agent": "CineAesthete"},
        )

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Asks for a document.

        Raises:
            ProviderFault: the provider does not answer, redirects, or answers with anything but a little JSON.
        """
        return await self._ask("GET", url, headers or {}, None)

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """Sends a form.

        Raises:
            ProviderFault: as in `get`.
        """
        return await self._ask("POST", url, headers or {}, form)

    async def close(self) -> None:
        """Ends connections."""
        await self._http.aclose()

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Answer:
        if not safe_address(url, loopback=self.loopback):
            raise ProviderFault("address is not https")
        try:
            async with asyncio.timeout(_SECONDS):  # of the whole: a body that drips has no end of its own
                return await self._read(method, url, headers, form)
        except (httpx.HTTPError, TimeoutError):
            raise ProviderFault("does not answer", away=True) from None

    async def _read(self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Answer:
        body = bytearray()
        async with self._http.stream(method, url, headers=dict(headers), data=form) as response:
            if response.status_code >= 500 or response.status_code == 429:
                raise ProviderFault(f"answers with {response.status_code}", away=True)
            if response.has_redirect_location:
                raise ProviderFault("redirects")
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MOST_BYTES:
                    raise ProviderFault("answers too much")
        try:
            return Answer(response.status_code, json.loads(body))
        except (ValueError, RecursionError):
            raise ProviderFault("answers no JSON") from None
