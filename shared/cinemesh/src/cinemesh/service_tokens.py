"""Mints the tokens that services show each other: signed with the mesh's key, good for minutes."""

from __future__ import annotations

import functools
import json
import time
from pathlib import Path
from typing import Final

import jwt

from cinemesh.errors import Unavailable
from cinemesh.keys import MESH_KEY_FILE
from cinemesh.settings import ServiceSettings

MESH_ISSUER: Final = "cine-mesh"
SERVICE_ROLE: Final = "service"
SERVICE_TOKEN_SECONDS: Final = 300


class ServiceTokens:
    """Mints the tokens a service shows to its peers: five minutes long, a new one at half time."""

    def __init__(self, key_file: Path, service: str, audience: str) -> None:
        """Takes the mesh's private key file; it is read at the first call."""
        self._key_file = key_file
        self._service = service
        self._audience = audience
        self._key: jwt.PyJWK | None = None
        self._token = ""
        self._renew_at = 0.0

    def token(self) -> str:
        """Returns a token that is good for at least half its life.

        Raises:
            Unavailable: the key file is missing or open to others.
        """
        now = time.time()
        if now >= self._renew_at:
            self._token = self._mint(int(now))
            self._renew_at = now + SERVICE_TOKEN_SECONDS / 2
        return self._token

    def _mint(self, now: int) -> str:
        if self._key is None:
            self._key = _private_key(self._key_file)
        claims = {
            "iss": MESH_ISSUER,
            "aud": self._audience,
            "sub": self._service,
            "roles": [SERVICE_ROLE],
            "iat": now,
            "exp": now + SERVICE_TOKEN_SECONDS,
        }
        headers = {"kid": str(self._key.key_id), "typ": "at+jwt"}
        return jwt.encode(claims, self._key.key, algorithm=self._key.algorithm_name, headers=headers)


def _private_key(path: Path) -> jwt.PyJWK:
    try:
        if path.stat().st_mode & 0o077:
            raise Unavailable(f"the mesh key {path.name} is readable by others; set its mode to 0600")
        return jwt.PyJWK(json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise Unavailable(f"the mesh key {path.name} is missing; `make run` creates it") from None
    except (ValueError, KeyError, jwt.PyJWTError):
        raise Unavailable(f"the mesh key {path.name} cannot be read as a private JWK") from None


def service_tokens_for(settings: ServiceSettings) -> ServiceTokens:
    """Returns the minter a service's settings describe, one a process."""
    return _minter(settings.keys_dir / MESH_KEY_FILE, settings.service, settings.audience)


@functools.lru_cache(maxsize=64)
def _minter(key_file: Path, service: str, audience: str) -> ServiceTokens:
    return ServiceTokens(key_file, service, audience)
