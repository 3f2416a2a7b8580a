"""Tokens: verifies those of callers against keys of the configured sources.

Only what a signature proves is believed. A token names neither its key's address nor the key itself (`jku`, `jwk` and
`x5u` are ignored): keys come from the configured sources alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import jwt
from cachetools import LRUCache

from cinemesh.context import Principal
from cinemesh.errors import Reason, Unauthenticated, Unavailable
from cinemesh.jwks import REFRESH_EVERY_SECONDS, RETRY_SECONDS, KeySource, file_or_url, of_identity
from cinemesh.keys import MESH_KID_PREFIX
from cinemesh.service_tokens import MESH_ISSUER, SERVICE_ROLE, ServiceTokens, service_tokens_for
from cinemesh.settings import MESH_SOURCE, ServiceSettings

__all__ = [
    "MAX_TOKEN_SECONDS",
    "MESH_ISSUER",
    "SERVICE_ROLE",
    "SETUP_TYPE",
    "ServiceTokens",
    "TokenVerifier",
    "service_tokens_for",
    "verifier_for",
]

ALGORITHMS: Final = ("ES256", "EdDSA")
SETUP_TYPE: Final = "setup+jwt"
"""`typ` of a token that opens nothing but the calls that set up a second factor: who does not know it takes it for no token at all."""
TYPES: Final = frozenset({"at+jwt", "jwt", SETUP_TYPE})
LEEWAY_SECONDS: Final = 5
MAX_TOKEN_SECONDS: Final = 600
"""Longest life of a token, as signed. Revocations are remembered no longer than this needs, so no token may outlive it."""
MAX_TOKEN_CHARACTERS: Final = 8192
_CACHED_TOKENS: Final = 20_000


class _Verified(NamedTuple):
    """A token that was verified: until when it is good, and with which key."""

    expires_at: float
    kid: str
    key: jwt.PyJWK
    principal: Principal


class TokenVerifier:
    """Turns a token into the principal it proves.

    People's tokens carry the configured issuer and any key of the sources; service tokens carry the mesh's issuer and a
    key whose id starts with `mesh-`. So a leaked key of one kind does not make tokens of the other.
    """

    def __init__(
        self,
        sources: Sequence[str | KeySource],
        issuer: str,
        audience: str,
        *,
        refresh_every: float = REFRESH_EVERY_SECONDS,
    ) -> None:
        """Takes where the keys are; nothing is read before the first token.

        Args:
            sources: paths or URLs of JWKS documents, or sources made from something else; of one key id the first wins. A
                URL must be https, or http on loopback.
            issuer: `iss` of people's tokens.
            audience: `aud` every token must hold.
            refresh_every: seconds between two looks at one of `sources` that is text, however many unknown key ids arrive.
        """
        self._sources = [
            file_or_url(source, refresh_every=refresh_every) if isinstance(source, str) else source
            for source in sources
        ]
        self._issuer = issuer
        self._audience = audience
        self._verified: LRUCache[bytes, _Verified] = LRUCache(_CACHED_TOKENS)

    def remembered(self, token: str) -> Principal | None:
        """Returns the principal of a token that was verified before, if neither it nor its key has ended since."""
        kept = self._verified.get(_fingerprint(token))
        if kept is None or kept.expires_at <= time.time():
            return None
        source, key = self._known(kept.kid)
        if source is None or key is not kept.key or source.stale():
            return None
        return kept.principal

    async def close(self) -> None:
        """Gives up what is being read."""
        await asyncio.gather(*(source.close() for source in self._sources))

    async def verify(self, token: str) -> Principal:
        """Checks algorithm, type, key, signature, issuer, audience and times.

        Raises:
            Unauthenticated: the token does not verify; the message never says which check failed beyond expiry.
            Unavailable: the key is unknown, and a source that may have it could not be read so far.
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
        principal = _principal(claims, of_mesh=of_mesh, setup_only=kind == SETUP_TYPE)
        self._verified[_fingerprint(token)] = _Verified(float(claims["exp"]), kid, key, principal)
        return principal

    def _known(self, kid: str) -> tuple[KeySource, jwt.PyJWK] | tuple[None, None]:
        for source in self._sources:
            key = source.get(kid)
            if key is not None:
                return source, key
        return None, None

    async def _key(self, kid: str) -> jwt.PyJWK | None:
        source, key = self._known(kid)
        if source is not None:
            if not source.stale():
                return key
            if not source.healthy:
                source.look_in_background()  # what is known goes on while the source is away; nobody waits for it
                return key
            await source.look()
            return self._known(kid)[1]
        asked = [source for source in self._sources if source.may_have(kid)]
        await asyncio.gather(*(source.look() for source in asked if source.worth_a_look()))
        _, key = self._known(kid)
        if key is None and any(source.never_read for source in asked):
            raise Unavailable("the key of this token cannot be looked up at present", retry_after=RETRY_SECONDS)
        return key


def _fingerprint(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _invalid() -> Unauthenticated:
    return Unauthenticated("the token is not valid here", reason=Reason.TOKEN_INVALID)


def _principal(claims: dict[str, Any], *, of_mesh: bool, setup_only: bool) -> Principal:
    roles, withheld = claims.get("roles", []), claims.get("withheld", [])
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject or not isinstance(roles, list) or not isinstance(withheld, list):
        raise _invalid()
    held = frozenset(role for role in roles if isinstance(role, str))
    if of_mesh != (SERVICE_ROLE in held):
        raise _invalid()  # a service token by another key, or a person's token by the mesh's
    if setup_only and held:
        raise _invalid()
    issued_at = float(claims["iat"])
    if float(claims["exp"]) - issued_at > MAX_TOKEN_SECONDS:
        raise _invalid()
    session, token_id, signed_in_at = claims.get("sid"), claims.get("jti"), claims.get("auth_time")
    return Principal(
        kind="service" if of_mesh else "user",
        user_id=subject,
        roles=held,
        session_id=session if isinstance(session, str) else "",
        withheld=frozenset(role for role in withheld if isinstance(role, str)),
        setup_only=setup_only,
        issued_at=issued_at,
        auth_time=float(signed_in_at) if isinstance(signed_in_at, int | float) else 0.0,
        token_id=token_id if isinstance(token_id, str) else "",
    )


def verifier_for(settings: ServiceSettings, own_keys: Callable[[], Awaitable[bytes]] | None = None) -> TokenVerifier:
    """Returns the verifier a service's settings describe.

    Args:
        settings: of the service.
        own_keys: in Identity itself: its JWKS document, for the source `mesh:identity`.
    """
    sources = [of_identity(settings, own_keys) if name == MESH_SOURCE else name for name in settings.jwks_sources]
    return TokenVerifier(sources, settings.issuer, settings.audience)
