"""The certificate of the HTTPS port: the one given, checked before Envoy starts, or one made for development."""

from __future__ import annotations

import datetime
import ipaddress
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cine_gateway.settings import GatewaySettings

CERT_FILE: Final = "https.pem"
KEY_FILE: Final = "https.key"
_LIFE: Final = datetime.timedelta(days=365)
_RENEWED_BEFORE: Final = datetime.timedelta(days=30)


class CertificateError(RuntimeError):
    """The certificate or its key cannot be used; the text says which file and why."""


@dataclass(frozen=True)
class Certificate:
    """Where the certificate of a port and its private key lie, in PEM."""

    cert: Path
    key: Path


def ensure(settings: GatewaySettings) -> Certificate | None:
    """Returns the certificate of the HTTPS port; in development one is made under `var/keys/` when none is given.

    Returns:
        Absolute paths; None when there is no HTTPS port.

    Raises:
        CertificateError: a given file is missing, unreadable, past its time, or the two do not belong together; or none is
            given in production.
    """
    if settings.https_port is None:
        return None
    if settings.tls_cert is None and settings.tls_key is None:
        if settings.environment == "production":
            raise CertificateError(
                "CINE_GATEWAY_HTTPS_PORT needs CINE_GATEWAY_TLS_CERT and CINE_GATEWAY_TLS_KEY in production"
            )
        return _self_signed(settings.keys_dir.resolve())
    if settings.tls_cert is None or settings.tls_key is None:
        missing = "CINE_GATEWAY_TLS_CERT" if settings.tls_cert is None else "CINE_GATEWAY_TLS_KEY"
        raise CertificateError(f"{missing} is not set: a certificate and its key go together")
    given = Certificate(settings.tls_cert.resolve(), settings.tls_key.resolve())
    _check(given)
    return given


def _check(given: Certificate) -> None:
    certificate = _certificate(given.cert)
    try:
        key = serialization.load_pem_private_key(_read(given.key), password=None)
    except (ValueError, TypeError):
        raise CertificateError(f"{given.key.name} is not a private key in PEM without a password") from None
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(encoding, form) != certificate.public_key().public_bytes(encoding, form):
        raise CertificateError(f"{given.key.name} is not the key of {given.cert.name}")
    now = datetime.datetime.now(datetime.UTC)
    if certificate.not_valid_after_utc <= now:
        raise CertificateError(f"{given.cert.name} ended on {certificate.not_valid_after_utc:%Y-%m-%d}")
    if certificate.not_valid_before_utc > now:
        raise CertificateError(f"{given.cert.name} begins on {certificate.not_valid_before_utc:%Y-%m-%d} only")


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(_read(path))[0]
    except ValueError:
        raise CertificateError(f"{path.name} is not a certificate in PEM") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"{path.name} cannot be read: {os.strerror(error.errno or 0)}") from None


def _self_signed(folder: Path) -> Certificate:
    made = Certificate(folder / CERT_FILE, folder / KEY_FILE)
    now = datetime.datetime.now(datetime.UTC)
    if made.cert.exists() and made.key.exists() and _certificate(made.cert).not_valid_after_utc > now + _RENEWED_BEFORE:
        return made
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CineAesthete development")])
    hosts = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _place(made.key, private, 0o600)
    _place(made.cert, certificate.public_bytes(pem), 0o644)
    return made


def _place(target: Path, content: bytes, mode: int) -> None:
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    temporary.replace(target)
