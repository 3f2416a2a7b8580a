"""Mints tokens for tests: good ones of every kind of caller, and bad ones of every kind of fault."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import jwt

from cinemesh.auth import MESH_ISSUER, SERVICE_ROLE, SETUP_TYPE
from cinemesh.keys import JWKS_FILE, MESH_KEY_FILE, ensure_mesh_keys, new_ed25519_jwk, public_part
from cinemesh.settings import ServiceSettings

USER_KID = "test-user-key"


class TokenFactory:
    """Tokens that a server with the same `var_dir`, issuer and audience verifies, or refuses, as their names say."""

    def __init__(self, settings: ServiceSettings) -> None:
        """Adds a key for people's tokens to the JWKS of the settings' `var_dir`."""
        self._issuer = settings.issuer
        self._audience = settings.audience
        folder = ensure_mesh_keys(settings.var_dir)
        self._mesh: dict[str, Any] = json.loads((folder / MESH_KEY_FILE).read_bytes())
        self._user = _user_key(folder)
        self._stranger = new_ed25519_jwk(USER_KID)

    def user(
        self,
        user_id: str = "42",
        roles: tuple[str, ...] = ("user",),
        *,
        sid: str = "",
        iat: int | None = None,
        auth_time: int | None = None,
        jti: str = "",
        **claims: Any,
    ) -> str:
        """Returns the token of a person.

        Args:
            user_id: id of the account.
            roles: roles held.
            sid: id of the session; left out when empty.
            iat: when it is made, in Unix seconds; now when None. It lives 300 s unless `exp` says otherwise.
            auth_time: when the person signed in, in Unix seconds; left out when None.
            jti: id of the token; left out when empty.
            claims: further claims, or others in place of the usual ones.
        """
        named = {"sid": sid or None, "jti": jti or None, "auth_time": auth_time}
        more = {name: value for name, value in named.items() if value is not None}
        if iat is not None:
            more = {"iat": iat, "exp": iat + 300, **more}
        return self._sign(self._user, self._claims(user_id, roles, **{**more, **claims}))

    def admin(self, user_id: str = "1", **claims: Any) -> str:
        """Returns the token of an admin; see `user` for the claims."""
        return self.user(user_id, ("user", "admin"), **claims)

    def setting_up(self, user_id: str = "42", roles: tuple[str, ...] = ("user",), **claims: Any) -> str:
        """Returns the token of a person who must set up a second factor before anything else; `roles` are withheld."""
        body = self._claims(user_id, (), withheld=list(roles), **claims)
        return self._sign(self._user, body, {"typ": SETUP_TYPE})

    def service(self, name: str = "recommender") -> str:
        """Returns the token of a service of the mesh."""
        return self._sign(self._mesh, self._claims(name, (SERVICE_ROLE,), iss=MESH_ISSUER))

    def expired(self) -> str:
        """Returns a person's token that ran out a minute ago."""
        now = int(time.time())
        return self.user(iat=now - 660, exp=now - 60)

    def foreign(self) -> str:
        """Returns a token whose key id is known and whose signature is not ours."""
        return self._sign(self._stranger, self._claims("42", ("user",)))

    def alg_none(self) -> str:
        """Returns a token without a signature that says so."""
        return self._join({"alg": "none", "typ": "JWT", "kid": USER_KID}, self._claims("42", ("user", "admin")), b"")

    def signed_with_public_key(self) -> str:
        """Returns a token signed by HMAC with the public key as the secret (algorithm confusion)."""
        import hashlib
        import hmac

        header = {"alg": "HS256", "typ": "JWT", "kid": USER_KID}
        unsigned = self._join(header, self._claims("42", ("user", "admin")), b"").rstrip(".")
        secret = base64.urlsafe_b64decode(self._user["x"] + "==")
        return f"{unsigned}.{_b64(hmac.digest(secret, unsigned.encode(), hashlib.sha256))}"

    def custom(self, *, headers: dict[str, Any] | None = None, mesh_key: bool = False, **claims: Any) -> str:
        """Returns a well-signed token with any header or claim replaced; a claim of None is left out."""
        merged = {**self._claims("42", ("user",)), **claims}
        body = {name: value for name, value in merged.items() if value is not None}
        return self._sign(self._mesh if mesh_key else self._user, body, headers)

    def metadata(self, token: str) -> tuple[tuple[str, str], ...]:
        """Returns a token as call metadata."""
        return (("authorization", f"Bearer {token}"),)

    def _claims(self, subject: str, roles: tuple[str, ...], **more: Any) -> dict[str, Any]:
        now = int(time.time())
        base = {"iss": self._issuer, "aud": self._audience, "sub": subject, "iat": now, "exp": now + 300}
        return {**base, "roles": list(roles), **more}

    @staticmethod
    def _sign(jwk: dict[str, Any], claims: dict[str, Any], headers: dict[str, Any] | None = None) -> str:
        key = jwt.PyJWK(jwk).key
        merged = {"kid": jwk["kid"], "typ": "at+jwt", **(headers or {})}
        return jwt.encode(claims, key, algorithm="EdDSA", headers=merged)

    @staticmethod
    def _join(header: dict[str, Any], claims: dict[str, Any], signature: bytes) -> str:
        parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
        return ".".join(_b64(part) for part in parts)


def _user_key(folder: Path) -> dict[str, Any]:
    private = folder / "test-user.jwk"
    if private.exists():
        key: dict[str, Any] = json.loads(private.read_bytes())
        return key
    key = dict(new_ed25519_jwk(USER_KID))
    private.write_text(json.dumps(key))
    jwks_file = folder / JWKS_FILE
    jwks = json.loads(jwks_file.read_bytes())
    jwks["keys"].append(public_part(key))
    jwks_file.write_text(json.dumps(jwks))
    return key


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
