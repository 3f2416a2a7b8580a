"""Development keys under `var/keys/`: the mesh's signing key and the public JWKS, made once and whole."""

from __future__ import annotations

import base64
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MESH_KEY_FILE: Final = "mesh.jwk"
JWKS_FILE: Final = "jwks.json"
PAGE_KEY_FILE: Final = "page-token.key"
MESH_KID_PREFIX: Final = "mesh-"
"""Keys with this prefix sign service tokens and nothing else; no other key may sign one."""


def ensure_mesh_keys(var_dir: Path) -> Path:
    """Makes the development keys unless they are there, and returns their folder.

    Safe against other processes that do the same: each file appears whole under its name (mode 0600, the JWKS 0644),
    and whoever comes second keeps the first one's.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = var_dir / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = folder / MESH_KEY_FILE
    if not private.exists():
        _place(private, json.dumps(new_ed25519_jwk(MESH_KID_PREFIX + secrets.token_hex(4))).encode(), 0o600)
    public = folder / JWKS_FILE
    if not public.exists():
        _place(public, json.dumps({"keys": [public_part(json.loads(private.read_bytes()))]}, indent=1).encode(), 0o644)
    page_key = folder / PAGE_KEY_FILE
    if not page_key.exists():
        _place(page_key, secrets.token_hex(32).encode(), 0o600)
    return folder


def new_ed25519_jwk(kid: str) -> dict[str, str]:
    """Returns a new private Ed25519 key as a JWK."""
    key = Ed25519PrivateKey.generate()
    raw = key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "alg": "EdDSA", "use": "sig", "x": _b64(public), "d": _b64(raw)}


def public_part(jwk: dict[str, Any]) -> dict[str, Any]:
    """Returns a JWK without its private members."""
    return {name: value for name, value in jwk.items() if name in ("kty", "crv", "kid", "alg", "use", "x", "y")}


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _place(target: Path, content: bytes, mode: int) -> None:
    """Puts a file under its name in one step, unless another process was quicker."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(temporary, target)
    finally:
        temporary.unlink()
