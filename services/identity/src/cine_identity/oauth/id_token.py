"""ID tokens (OpenID Connect Core 3.1.3.7): believed only when everything about them is right."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Collection
from typing import Any

import jwt

from cine_identity.oauth.faults import ProviderFault

ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA"})
LEEWAY_SECONDS = 60.0
_OLDEST_SECONDS = 600.0
_FEWEST_RSA_BITS = 2048
_KEPT = ("kty", "crv", "x", "y", "n", "e")
_KINDS: dict[tuple[object, object], str] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}


def usable_keys(document: Any) -> list[dict[str, Any]]:
    """Returns those keys of a JWKS that verify ID tokens, each with the one algorithm it is for; others would spoil the rest."""
    keys = document.get("keys") if isinstance(document, dict) else None
    found = []
    for key in keys if isinstance(keys, list) else ():
        if not isinstance(key, dict) or key.get("use", "sig") != "sig":
            continue
        algorithm = _KINDS.get((key.get("kty"), key.get("crv") if key.get("kty") != "RSA" else None))
        if algorithm is None or key.get("alg", algorithm) != algorithm:
            continue
        parts = {name: key[name] for name in _KEPT if name in key}
        found.append({**parts, "alg": algorithm, "use": "sig", "kid": str(key.get("kid", ""))})
    return found


def header_of(token: object) -> tuple[str, str]:
    """Returns algorithm and key id that a token names; the id is empty where it names none.

    Raises:
        ProviderFault: it is no ID token that we could verify.
    """
    try:
        header = jwt.get_unverified_header(token) if isinstance(token, str) else {}
    except jwt.PyJWTError:
        raise ProviderFault("ID token: malformed") from None
    algorithm, kid = header.get("alg"), header.get("kid", "")
    if algorithm not in ALGORITHMS:
        raise ProviderFault("ID token: algorithm")
    # an access or logout token of the same provider is none of ours to sign in with (RFC 8725, 3.11)
    if str(header.get("typ", "JWT")).lower() != "jwt" or "crit" in header or not isinstance(kid, str):
        raise ProviderFault("ID token: header")
    return algorithm, kid


def verified(
    token: str, key: jwt.PyJWK, *, issuers: Collection[str], client_id: str, nonce: str, access_token: str
) -> dict[str, Any]:
    """Returns the claims of an ID token.

    Args:
        token: as it came from the token endpoint.
        key: the provider's key that it names.
        issuers: what the provider calls itself.
        client_id: what it calls us.
        nonce: of this attempt.
        access_token: that came with it, compared where the token has a digest of it; may be empty.

    Raises:
        ProviderFault: something about it is wrong; says what.
    """
    algorithm, _ = header_of(token)
    if key.algorithm_name != algorithm:
        raise ProviderFault("ID token: algorithm of the key")
    if algorithm == "RS256" and key.key.key_size < _FEWEST_RSA_BITS:
        raise ProviderFault("ID token: key too short")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=[algorithm],
            audience=client_id,
            issuer=list(issuers),
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        old = time.time() - float(claims["iat"]) > _OLDEST_SECONDS + LEEWAY_SECONDS
    except jwt.PyJWTError as error:
        raise ProviderFault(f"ID token: {type(error).__name__}") from None
    except (ValueError, TypeError, OverflowError):
        raise ProviderFault("ID token: claims") from None
    if old:  # it was made for this very attempt
        raise ProviderFault("ID token: iat")
    audience, party = claims["aud"], claims.get("azp")
    if party != client_id and (party is not None or (isinstance(audience, list) and len(audience) > 1)):
        raise ProviderFault("ID token: azp")
    sent = claims.get("nonce")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), nonce.encode()):
        raise ProviderFault("ID token: nonce")
    digest = claims.get("at_hash")
    if digest is not None and digest != half_digest(access_token, algorithm):
        raise ProviderFault("ID token: at_hash")
    return claims


def half_digest(token: str, algorithm: str) -> str:
    """Returns the left half of a token's digest, as `at_hash` has it; of Ed25519 it is SHA-512."""
    whole = hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256
    digest = whole(token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
