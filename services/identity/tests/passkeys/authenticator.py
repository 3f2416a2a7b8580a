"""A passkey device made of software: what a browser and an authenticator do between two calls (WebAuthn level 3, "none")."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, MAY_SYNC, SYNCED, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Device:
    """One passkey.

    Attributes:
        origin: page it is asked on.
        verifies: whether it asks for a finger or a PIN.
        synced: whether it is kept in several devices; such passkeys count nothing.
        counter: uses so far.
        rp_id: site it signs for; that of the options when empty.
    """

    origin: str = "http://localhost:8000"
    verifies: bool = True
    synced: bool = False
    counter: int = 0
    rp_id: str = ""
    cross_origin: bool = False
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user_handle: bytes | None = None

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any], **overrides: Any) -> dict[str, Any]:
        """Returns RegistrationResponseJSON."""
        self.user_handle = unb64(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + cbor2.dumps(cose)
        data = self._data(options["rp"]["id"], ATTESTED) + attested
        client = self._client("webauthn.create", options["challenge"])
        statement = {"fmt": "none", "attStmt": {}, "authData": data, **overrides}
        return self._credential(
            {
                "clientDataJSON": b64(client),
                "attestationObject": b64(cbor2.dumps(statement)),
                "transports": ["internal", "hybrid", "carrier-pigeon"],
            }
        )

    def get(self, options: dict[str, Any], *, handle: bool = True) -> dict[str, Any]:
        """Returns AuthenticationResponseJSON."""
        if not self.synced:
            self.counter += 1
        data = self._data(options["rpId"], 0)
        client = self._client("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        if handle and self.user_handle is not None:
            response["userHandle"] = b64(self.user_handle)
        return self._credential(response)

    def _data(self, rp_id: str, flags: int) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0) | (MAY_SYNC | SYNCED if self.synced else 0)
        return hashlib.sha256((self.rp_id or rp_id).encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps(
            {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.cross_origin}
        ).encode()

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        name = b64(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
