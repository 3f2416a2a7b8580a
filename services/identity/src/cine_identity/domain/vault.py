"""Secrets at rest: everything is derived from one master secret, by purpose (HKDF, RFC 5869).

What must be read again (authenticator secrets, private signing keys, queued mail) is sealed with AES-256-GCM; what must only be
recognised (tokens, codes) is kept as an HMAC digest. A copy of the database alone opens nothing.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_FILE = "identity.key"
_NONCE_BYTES = 12
_MASTER_BYTES = 32


class SecretUnreadable(Exception):
    """What was sealed cannot be opened: another master secret, another row, or damage."""


class Vault:
    """Seals, digests and derives. Thread-safe.

    Args:
        master: 32 random bytes; the same on every replica. Losing it closes second factors and ends every session.
    """

    def __init__(self, master: bytes) -> None:
        if len(master) < _MASTER_BYTES:
            raise ValueError("the master secret has at least 32 bytes")
        self._master = master
        self._subkey = functools.lru_cache(maxsize=64)(self._derive)

    def _derive(self, purpose: str) -> bytes:
        return HKDF(hashes.SHA256(), 32, salt=None, info=b"cine-identity:" + purpose.encode()).derive(self._master)

    @property
    def pepper(self) -> bytes:
        """Key mixed into every password before it is hashed; it never lies in the database."""
        return self._subkey("password-pepper")

    def digest(self, token: str, purpose: str) -> str:
        """Returns what is kept of a token or code, 64 hex digits; equal tokens of two purposes have different digests."""
        key = self._subkey(f"digest:{purpose}")
        return hmac.digest(key, token.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()

    def derive(self, purpose: str, *parts: str) -> str:
        """Returns a token that only this vault can make from these parts, 43 characters of base64url."""
        message = "\x00".join(parts).encode()
        return _b64(hmac.digest(self._subkey(f"derive:{purpose}"), message, hashlib.sha256))

    def seal(self, plain: bytes, purpose: str, bound_to: str) -> str:
        """Encrypts; the result opens only for the same purpose and the same owner (`bound_to`, such as a row's id)."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._subkey(f"seal:{purpose}")).encrypt(nonce, plain, bound_to.encode())
        return _b64(nonce + sealed)

    def unseal(self, sealed: str, purpose: str, bound_to: str) -> bytes:
        """Decrypts what `seal` made.

        Raises:
            SecretUnreadable: it was sealed by another secret or for something else, or it is damaged.
        """
        try:
            raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            key = self._subkey(f"seal:{purpose}")
            return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound_to.encode())
        except (InvalidTag, binascii.Error, ValueError):
            raise SecretUnreadable(f"a sealed {purpose} cannot be opened") from None


def new_token() -> str:
    """Returns 256 random bits as 43 characters of base64url."""
    return secrets.token_urlsafe(32)


def new_code(digits: int = 6) -> str:
    """Returns a random code of decimal digits."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"


def parse_master(text: str) -> bytes:
    """Reads a master secret written in base64 (either alphabet) or hex.

    Raises:
        ValueError: it holds fewer than 32 bytes or is neither.
    """
    compact = text.strip()
    for decode in (bytes.fromhex, lambda t: base64.urlsafe_b64decode(t.replace("+", "-").replace("/", "_") + "==")):
        try:
            raw = decode(compact)
        except ValueError:
            continue
        if len(raw) >= _MASTER_BYTES:
            return raw
    raise ValueError("the secret key must be at least 32 bytes in base64 or hex")


def development_master(folder: Path) -> bytes:
    """Returns the master secret of a development machine, made once (mode 0600).

    Raises:
        OSError: the folder cannot be written.
        ValueError: the file does not hold a secret.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / KEY_FILE
    if not path.exists():
        temporary = folder / f".{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(_MASTER_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # whoever comes second keeps the first one's
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return parse_master(path.read_text())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
