"""Certificates between the processes of the mesh: where they lie, what gRPC makes of them, and development ones made once.

Every process has a certificate that names it, and shows it both as server and as client. A client believes a server only under
the name it asked for; a server believes whoever the mesh's authority signed, and the service token says who that is.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import ipaddress
import os
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cinemesh import topology

NAMES: Final = (*topology.SERVICES, "gateway", "portal", "limiter", "cli")
"""Every process that shows a certificate."""
LIFE: Final = dt.timedelta(days=365)
RENEWED_BEFORE: Final = dt.timedelta(days=30)
_AUTHORITY_LIFE: Final = dt.timedelta(days=3650)
_AUTHORITY: Final = "ca"
_Key: TypeAlias = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What one process needs to show who it is and to know the others, in PEM.

    Attributes:
        ca: certificates of the authority that signs every process of the mesh.
        cert: the process' own certificate, with those between it and the authority.
        key: its private key, mode 0600.
    """

    ca: Path
    cert: Path
    key: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> Self:
        """Returns the files of a process by the names they always have."""
        return cls(folder / "ca.pem", folder / f"{name}.pem", folder / f"{name}.key")

    def server_credentials(self) -> grpc.ServerCredentials:
        """Returns credentials of a server that answers only callers with a certificate of the authority.

        Raises:
            FileNotFoundError: a file is missing; the text names it.
            PermissionError: the key is readable by others.
        """
        pair = (self._private(), _read(self.cert))
        return grpc.ssl_server_credentials([pair], _read(self.ca), require_client_auth=True)

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Returns credentials of a client; otherwise as `server_credentials`."""
        return grpc.ssl_channel_credentials(_read(self.ca), self._private(), _read(self.cert))

    def client_context(self) -> ssl.SSLContext:
        """Returns what an HTTP client needs; otherwise as `server_credentials`."""
        context = ssl.create_default_context(cadata=_read(self.ca).decode())
        self._private()
        context.load_cert_chain(self.cert, self.key)
        return context

    def _private(self) -> bytes:
        content = _read(self.key)
        if self.key.stat().st_mode & 0o077:
            raise PermissionError(f"{self.key.name} is readable by others; set its mode to 0600")
        return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise FileNotFoundError(f"CINE_MTLS needs {path.name} in CINE_TLS_DIR") from None


def open_channel(
    address: str, known_as: str, tls: TlsFiles | None, options: Sequence[tuple[str, Any]] = ()
) -> grpc.aio.Channel:
    """Opens a channel to a process, in the clear when there are no certificates.

    Args:
        address: target of gRPC.
        known_as: name in the certificate of the process, wherever it runs.
        tls: what this process shows and knows others by.
        options: of the channel.

    Raises:
        OSError: as of `TlsFiles.channel_credentials`.
    """
    if tls is None:
        return grpc.aio.insecure_channel(address, options=options)
    named = [*options, ("grpc.ssl_target_name_override", known_as)]
    return grpc.aio.secure_channel(address, tls.channel_credentials(), options=named)


def development_folder(var_dir: Path) -> Path:
    """Returns where the certificates for development lie."""
    return var_dir / "keys" / "tls"


def ensure_tls(var_dir: Path, names: Iterable[str] = NAMES) -> Path:
    """Makes a development authority and a certificate for every name, those that are missing or soon run out.

    Safe against other processes that do the same: they take turns, and each file appears whole. A process that runs takes a renewed
    certificate with its next start.

    Args:
        var_dir: state folder; the files are in `keys/tls` of it, mode 0600.
        names: processes, such as "catalog" or "gateway".

    Returns:
        The folder.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = development_folder(var_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _turn(folder):
        authority = _load(folder, _AUTHORITY)
        if authority is None:
            authority = _new_authority()
            _place(folder, _AUTHORITY, *authority)
        for name in names:
            held = _load(folder, name)
            if held is None or not _signed_by(held[1], authority[1]):
                _place(folder, name, *_new_certificate(name, *authority))
    return folder


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _load(folder: Path, name: str) -> tuple[_Key, x509.Certificate] | None:
    """Returns what is there and good for a while; None when it has to be made."""
    try:
        key = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
        cert = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
    except (OSError, ValueError, TypeError):
        return None
    lasts = cert.not_valid_after_utc - dt.datetime.now(dt.UTC) > RENEWED_BEFORE
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != cert.public_key() or not lasts:
        return None
    return key, cert


def _signed_by(cert: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        cert.verify_directly_issued_by(authority)
    except Exception:  # the library raises its own kinds for each way a signature can be wrong
        return False
    return True


def _new_authority() -> tuple[_Key, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("CineAesthete development authority")
    builder = (
        _builder(name, name, key, _AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return key, builder.sign(key, hashes.SHA256())


def _new_certificate(name: str, ca_key: _Key, ca: x509.Certificate) -> tuple[_Key, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    known_as = [x509.DNSName(name), x509.DNSName("localhost"), *addresses]
    builder = (
        _builder(_named(name), ca.subject, key, LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.SubjectAlternativeName(known_as), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    return key, builder.sign(ca_key, hashes.SHA256())


def _builder(subject: x509.Name, issuer: x509.Name, key: _Key, life: dt.timedelta) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))  # clocks differ
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _place(folder: Path, name: str, key: _Key, cert: x509.Certificate) -> None:
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, pkcs8, plain)
    for suffix, content in (("key", private), ("pem", cert.public_bytes(serialization.Encoding.PEM))):
        temporary = folder / f".{name}.{suffix}"
        temporary.unlink(missing_ok=True)  # left by a process that died here
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(folder / f"{name}.{suffix}")
