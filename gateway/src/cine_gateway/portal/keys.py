"""The keys that Envoy verifies people's tokens with, gathered for it: `/keys/jwks.json` on the portal's own port.

Envoy reads one document in plain HTTP; the keys lie with Identity, in gRPC, and in files. The portal reads them all and keeps the
last good document, in memory and on disk, so that neither a restart of Identity nor one of the portal costs anybody a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any, Final

from cine_gateway.settings import GatewaySettings
from cinemesh import jwks, telemetry
from cinemesh.keys import MESH_KID_PREFIX
from cinemesh.settings import MESH_SOURCE

FRESH_SECONDS: Final = 2.0
_WAIT_SECONDS: Final = 1.0
KEPT_FILE: Final = "jwks.json"
_CURVES: Final = {("EC", "P-256"), ("OKP", "Ed25519")}
_PUBLIC: Final = ("kty", "crv", "kid", "alg", "use", "x", "y")


class PublicKeys:
    """The document for Envoy, read anew when somebody asks and it is older than two seconds."""

    def __init__(self, settings: GatewaySettings) -> None:
        """Takes up what was kept last time; no source is read yet."""
        self._sources = [
            jwks.of_identity(settings) if name == MESH_SOURCE else jwks.file_or_url(name)
            for name in settings.jwks_sources
        ]
        self._kept_at = settings.service_dir / KEPT_FILE
        self._kept: dict[str, list[dict[str, Any]]] = {}
        self._looked_at = float("-inf")
        self._lock = asyncio.Lock()
        self._log = telemetry.logger("portal")
        self._take_up()

    async def document(self) -> bytes | None:
        """Returns `{"keys": […]}` with the keys of people's tokens, public halves only; None while not one is known."""
        async with self._lock:
            if time.monotonic() - self._looked_at >= FRESH_SECONDS:
                # one that hangs goes on being read behind the answer, which has what it had last
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_WAIT_SECONDS):
                        await asyncio.gather(*(source.look() for source in self._sources))
                self._looked_at = time.monotonic()
                await self._keep()
        keys: dict[str, dict[str, Any]] = {}
        for source in self._sources:
            for key in self._kept.get(source.name, []):
                keys.setdefault(key["kid"], key)
        return json.dumps({"keys": list(keys.values())}).encode() if keys else None

    async def close(self) -> None:
        """Gives up what is being read."""
        await asyncio.gather(*(source.close() for source in self._sources))

    async def _keep(self) -> None:
        """Takes over what the sources that answered have; of the others, what they had last stays."""
        found = {source.name: _public(source.listed()) for source in self._sources if source.healthy}
        kept = {**self._kept, **found}
        if kept != self._kept:
            self._kept = kept
            await asyncio.to_thread(self._write)

    def _write(self) -> None:
        temporary = self._kept_at.with_name(f".{KEPT_FILE}.{os.getpid()}")
        try:
            self._kept_at.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self._kept))
            temporary.replace(self._kept_at)
        except OSError as error:  # memory still has them
            self._log.warning("the keys cannot be kept on disk", error=str(error.strerror))

    def _take_up(self) -> None:
        names = {source.name for source in self._sources}
        try:
            kept: Any = json.loads(Path(self._kept_at).read_bytes())
            self._kept = {str(name): _public(keys) for name, keys in kept.items() if name in names}
        except FileNotFoundError:
            return
        except (OSError, ValueError, AttributeError, TypeError):
            self._log.warning("what was kept of the keys cannot be read; they are fetched anew")


def _public(keys: Any) -> list[dict[str, Any]]:
    """Returns the keys that may sign for people, without anything private. Envoy must not know the mesh's own at all."""
    return [
        {name: key[name] for name in _PUBLIC if name in key}
        for key in keys
        if isinstance(key.get("kid"), str)
        and not key["kid"].startswith(MESH_KID_PREFIX)
        and (key.get("kty"), key.get("crv")) in _CURVES
    ]
