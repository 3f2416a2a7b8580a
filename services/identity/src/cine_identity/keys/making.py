"""Makes signing keys (RFC 7517, 7518, 8037)."""

from __future__ import annotations

import json
import secrets
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from cinemesh.keys import new_ed25519_jwk

KID_PREFIX: Final = "people-"
"""Ids of keys that sign people's tokens; those of the mesh's own keys begin otherwise, and verifiers tell the two apart."""


def new_signing_key(algorithm: str) -> dict[str, Any]:
    """Returns a new private key as a JWK.

    Args:
        algorithm: `EdDSA` (Ed25519) or `ES256` (P-256).

    Raises:
        ValueError: it is neither.
    """
    kid = KID_PREFIX + secrets.token_hex(8)
    if algorithm == "EdDSA":
        return dict(new_ed25519_jwk(kid))
    if algorithm == "ES256":
        made: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1())))
        return {name: made[name] for name in ("kty", "crv", "x", "y", "d")} | {"kid": kid, "alg": "ES256", "use": "sig"}
    raise ValueError("the algorithm must be EdDSA or ES256")
