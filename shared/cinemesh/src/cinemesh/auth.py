"""Tokens: verifies those of callers against a JWKS, mints short-lived ones for calls between services.

Only what a signature proves is believed. A token names neither its key's address nor the key itself (`jku`, `jwk` and
`x5u` are ignored): keys come from the configured sources alone.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import time
from pathlib import Path
from typing import Any, Final

import httpx
import jwt
from cachetools import LRUCache

from cinemesh import telemetry
from cinemesh.context import Principal
from cinemesh.errors import Reason, Unauthenticated, Unavailable
from cinemesh.keys import MESH_KEY_FILE, MESH_KID_PREFIX
from cinemesh.settings import ServiceSettings

ALGORITHMS: Final = ("ES256", "EdDSA")
TYPES: Final = frozenset({"at+jwt", "jwt"})
MESH_ISSUER: Final = "cine-mesh"
SERVICE_ROLE: Final = "service"
SERVICE_TOKEN_SECONDS: Final = 300
LEEWAY_SECONDS: Final = 5
MAX_TOKEN_CHARACTERS: Final = 8192
REFRESH_EVERY_SECONDS: Final = 10.0
KEYS_LAST_SECONDS: Final = 300.0
_MAX_JWKS_BYTES: Final = 256 * 1024
_CACHED_TOKENS: Final = 20_000


class TokenVerifier:
    """Turns a token into the principal it proves.

    People's tokens carry the configured issuer and any key of the sources; service tokens carry the mesh's issuer and a
    key whose id starts with `mesh-`. So a leaked key of one kind does not make tokens of the other.
    """

    def __init__(
        self, sources: list[str], issuer: str, audience: str, *, refresh_every: float = REFRESH_EVERY_SECONDS
    ) -> None:
        """Takes where the keys are (files or https URLs); nothing is read before the first token.

        Args:
            sources: paths or URLs of JWKS documents; a URL must be https, or http on loopback.
            issuer: `iss` of people's tokens.
            audience: `aud` every token must hold.
            refresh_every: seconds between two looks at the sources, however many unknown key ids arrive.
        """
        self._sources = sources
        self._issuer = issuer
        self._audience = audience
        self._refresh_every = refresh_every
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = -float("inf")
        self._reading = asyncio.Lock()
        self._verified: LRUCache[bytes, tuple[float, Principal]] = LRUCache(_CACHED_TOKENS)
        self._log = telemetry.logger("auth")

    def remembered(self, token: str) -> Principal | None:
        """Returns the principal of a token that was verified before and has not expired since."""
        kept = self._verified.get(_fingerprint(token))
        if kept is None or kept[0] <= time.time() or self._stale():
            return None
        return kept[1]

    async def verify(self, token: str) -> Principal:
        """Checks algorithm, type, key, signature, issuer, audience and times.

        Raises:
            Unauthenticated: the token does not verify; the message never says which check failed beyond expiry.
            Unavailable: no keys could be read at all, so nothing can be verified.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise _invalid()
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise _invalid() from None
        kid, algorithm = header.get("kid"), header.get("alg")
        kind = str(header.get("typ", "")).lower()
        if algorithm not in ALGORITHMS or kind not in TYPES or not isinstance(kid, str) or "crit" in header:
            raise _invalid()
        key = await self._key(kid)
        if key is None or key.algorithm_name != algorithm:
            raise _invalid()
        of_mesh = kid.startswith(MESH_KID_PREFIX)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=MESH_ISSUER if of_mesh else self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("the token has expired", reason=Reason.TOKEN_EXPIRED) from None
        except (jwt.PyJWTError, ValueError, OverflowError):
            raise _invalid() from None
        principal = _principal(claims, of_mesh=of_mesh)
        self._verified[_fingerprint(token)] = (float(claims["exp"]), principal)
        return principal

    async def _key(self, kid: str) -> jwt.PyJWK | None:
        if self._due(kid):
            async with self._reading:
                if self._due(kid):  # others may have waited for the same look
                    await self._read_sources()
        if not self._keys:
            raise Unavailable("no key to verify tokens with is known yet", retry_after=self._refresh_every)
        return self._keys.get(kid)

    def _stale(self) -> bool:
        """Whether the keys are old enough that one of them may have been retired."""
        return time.monotonic() - self._read_at >= KEYS_LAST_SECONDS

    def _due(self, kid: str) -> bool:
        unknown = kid not in self._keys and time.monotonic() - self._read_at >= self._refresh_every
        return unknown or self._stale()

    async def _read_sources(self) -> None:
        keys: dict[str, jwt.PyJWK] = {}
        failed = False
        for source in self._sources:
            try:
                document = await _document(source)
                for jwk in document["keys"]:
                    if "kid" in jwk and jwk.get("use", "sig") == "sig":
                        keys[str(jwk["kid"])] = jwt.PyJWK({k: v for k, v in jwk.items() if k != "d"})
            except Exception as error:  # a source that is away must not take the keys of the others with it
                failed = True
                self._log.warning("token keys cannot be read", error=f"{type(error).__name__}: {error}")
        # a key that a healthy source no longer lists is retired; an unreadable source retires nothing
        self._keys = {**self._keys, **keys} if failed else keys
        if not failed:
            self._verified.clear()
        self._read_at = time.monotonic()


async def _document(source: str) -> dict[str, Any]:
    if source.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]")):
        async with httpx.AsyncClient(timeout=2.0, follow_redirects=False) as client:
            answer = await client.get(source)
            answer.raise_for_status()
            raw = answer.content
    elif "://" in source:
        raise ValueError("a JWKS address must be https, or http on loopback")
    else:
        raw = await asyncio.to_thread(Path(source).read_bytes)
    if len(raw) > _MAX_JWKS_BYTES:
        raise ValueError("JWKS is too large")
    document = json.loads(raw)
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("JWKS has no list of keys")
    return document


def _fingerprint(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _invalid() -> Unauthenticated:
    return Unauthenticated("the token is not valid here", reason=Reason.TOKEN_INVALID)


def _principal(claims: dict[str, Any], *, of_mesh: bool) -> Principal:
    roles = claims.get("roles", [])
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject or not isinstance(roles, list):
        raise _invalid()
    held = frozenset(role for role in roles if isinstance(role, str))
    if of_mesh != (SERVICE_ROLE in held):
        raise _invalid()  # a service token by another key, or a person's token by the mesh's
    session = claims.get("sid", "")
    return Principal(
        kind="service" if of_mesh else "user",
        user_id=subject,
        roles=held,
        session_id=session if isinstance(session, str) else "",
    )


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


def verifier_for(settings: ServiceSettings) -> TokenVerifier:
    """Returns the verifier a service's settings describe."""
    return TokenVerifier(settings.jwks_sources, settings.issuer, settings.audience)


def service_tokens_for(settings: ServiceSettings) -> ServiceTokens:
    """Returns the minter a service's settings describe, one a process."""
    return _minter(settings.keys_dir / MESH_KEY_FILE, settings.service, settings.audience)


@functools.lru_cache(maxsize=64)
def _minter(key_file: Path, service: str, audience: str) -> ServiceTokens:
    return ServiceTokens(key_file, service, audience)
