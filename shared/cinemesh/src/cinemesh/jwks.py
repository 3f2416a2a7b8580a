"""Where the keys that verify tokens come from: files, addresses, and Identity itself over the mesh.

Each source is looked at on its own: one that is away takes no key of another with it, and none of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import grpc
import httpx
import jwt

from cinemesh import client, contracts, telemetry
from cinemesh.keys import MESH_KID_PREFIX
from cinemesh.settings import MESH_SOURCE, ServiceSettings

REFRESH_EVERY_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 1.0
KEYS_LAST_SECONDS: Final = 300.0
_GET_KEYS: Final = "/cine.identity.v1.AuthService/GetJsonWebKeySet"
_MAX_JWKS_BYTES: Final = 256 * 1024

Read: TypeAlias = Callable[[], Awaitable[bytes]]
"""Fetches a JWKS document."""


class KeySource:
    """One document of keys, looked at when there is a reason to.

    Attributes:
        name: as it stands in the settings.
        healthy: whether the last look succeeded.
        never_read: whether no look has succeeded yet.
    """

    def __init__(
        self, name: str, read: Read, *, people_only: bool = False, refresh_every: float = REFRESH_EVERY_SECONDS
    ) -> None:
        """Takes how to read the document; nothing is read yet.

        Args:
            name: for the log.
            read: fetches the document.
            people_only: ignore keys of services: a source that may sign for people must not be able to sign for the mesh.
            refresh_every: seconds between two looks at a healthy source, however many unknown key ids arrive.
        """
        self.name = name
        self.healthy = False
        self.never_read = True
        self._read = read
        self._people_only = people_only
        self._refresh_every = refresh_every
        self._keys: dict[str, jwt.PyJWK] = {}
        self._listed: dict[str, Any] = {}
        self._looked_at = -float("inf")
        self._looking: asyncio.Task[None] | None = None
        self._log = telemetry.logger("auth")

    def get(self, kid: str) -> jwt.PyJWK | None:
        """Returns a key as last read."""
        return self._keys.get(kid)

    def listed(self) -> list[dict[str, Any]]:
        """Returns the keys as last read, as JWKs."""
        return list(self._listed.values())

    def may_have(self, kid: str) -> bool:
        """Whether a key of this id would be taken from this source."""
        return not (self._people_only and kid.startswith(MESH_KID_PREFIX))

    def stale(self) -> bool:
        """Whether its keys are old enough that one of them may have been retired, or a failed look should be made up for."""
        return self._age() >= (KEYS_LAST_SECONDS if self.healthy else self._refresh_every)

    def worth_a_look(self) -> bool:
        """Whether a key id that nobody knows is a reason to look now.

        A healthy source is asked no more often than `refresh_every`: anybody can make up key ids. One that failed is asked
        again soon, for it may have been starting.
        """
        return self._age() >= (self._refresh_every if self.healthy else min(RETRY_SECONDS, self._refresh_every))

    async def look(self) -> None:
        """Reads the document; callers that come meanwhile share the look. Never raises for a source that is away."""
        await asyncio.shield(self.look_in_background())

    def look_in_background(self) -> asyncio.Task[None]:
        """Starts a look unless one is under way."""
        if self._looking is None or self._looking.done():
            # in an empty context: the deadline and the trace of whoever happened to come first are not the look's
            loop = asyncio.get_running_loop()
            self._looking = loop.create_task(self._look(), name=f"keys {self.name}", context=contextvars.Context())
        return self._looking

    async def close(self) -> None:
        """Gives up a look under way."""
        task, self._looking = self._looking, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _age(self) -> float:
        return time.monotonic() - self._looked_at

    async def _look(self) -> None:
        try:
            self._take(await self._read())
        except Exception as error:  # an unreadable source retires nothing
            if self.healthy or self._looked_at < 0:
                text = error.code().name if isinstance(error, grpc.aio.AioRpcError) else str(error)
                fault = telemetry.redact(f"{type(error).__name__}: {text}")
                self._log.warning("token keys cannot be read", source=self.name, error=fault)
            self.healthy = False
        else:
            if not self.healthy and self._looked_at > 0:
                self._log.info("token keys can be read", source=self.name)
            self.healthy, self.never_read = True, False
        self._looked_at = time.monotonic()

    def _take(self, raw: bytes) -> None:
        """Replaces what is known: a key that is no longer listed is retired, one that has not changed stays the same object."""
        if len(raw) > _MAX_JWKS_BYTES:
            raise ValueError("JWKS is too large")
        document: Any = json.loads(raw)
        if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
            raise ValueError("JWKS has no list of keys")
        listed = {
            str(jwk["kid"]): {name: value for name, value in jwk.items() if name != "d"}
            for jwk in document["keys"]
            if "kid" in jwk and jwk.get("use", "sig") == "sig" and self.may_have(str(jwk["kid"]))
        }
        if self._people_only and not listed:
            raise ValueError("JWKS has no key yet")
        known, before = self._keys, self._listed
        self._keys = {kid: known[kid] if before.get(kid) == jwk else jwt.PyJWK(jwk) for kid, jwk in listed.items()}
        self._listed = listed


def file_or_url(source: str, *, refresh_every: float = REFRESH_EVERY_SECONDS) -> KeySource:
    """Returns the source of a document under a path, an https address or an http address on loopback."""
    return KeySource(source, lambda: _fetch(source), refresh_every=refresh_every)


def of_identity(settings: ServiceSettings, own: Read | None = None) -> KeySource:
    """Returns the source that asks Identity over the mesh.

    Args:
        settings: where Identity is.
        own: in Identity itself: its keys, without a detour over the network.
    """
    return KeySource(MESH_SOURCE, own or (lambda: _ask_identity(settings)), people_only=True)


async def _fetch(source: str) -> bytes:
    if source.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]")):
        async with httpx.AsyncClient(timeout=2.0, follow_redirects=False) as http:
            answer = await http.get(source)
            answer.raise_for_status()
            return answer.content
    if "://" in source:
        raise ValueError("a JWKS address must be https, or http on loopback")
    return await asyncio.to_thread(Path(source).read_bytes)


async def _ask_identity(settings: ServiceSettings) -> bytes:
    # no token: Identity must be able to answer before anybody can verify one
    ask = client.channel("identity", settings, credentials="none").unary_unary(_GET_KEYS)
    answer: Any = contracts.message("cine.identity.v1.GetJsonWebKeySetResponse")()
    answer.ParseFromString(await ask(b""))
    return bytes(answer.key_set.data)
