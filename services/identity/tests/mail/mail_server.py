"""A real SMTP server in the test's own event loop, which refuses what it is told to."""

from __future__ import annotations

import asyncio
import datetime as dt
import email
import email.policy
import ipaddress
import ssl
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER, PASSWORD = "mailer", "a password with spaces & more"


class MailServer:
    """Takes mail on a port of its own.

    Attributes:
        taken: messages it took, with the envelope's recipient.
        refusals: by recipient, answers it gives one after the other before it takes mail for them.
        answers: by recipient, answers to their content, likewise.
        encrypted: by message, whether it came encrypted.
        signed_in: by message, whether its sender had signed in.
        connections: number of connections so far.
    """

    def __init__(self, security: str = "none", folder: Path | None = None, *, sign_in: bool = False) -> None:
        self.taken: list[tuple[str, EmailMessage]] = []
        self.refusals: dict[str, list[str]] = {}
        self.answers: dict[str, list[str]] = {}
        self.encrypted: list[bool] = []
        self.signed_in: list[bool] = []
        self.connections = 0
        self.port = 0
        self._security = security
        self._sign_in = sign_in
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.BaseTransport] = set()
        if security != "none":
            assert folder is not None
            self._served, self.trusting = certificate(folder)

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            self._protocol, "127.0.0.1", self.port, ssl=self._served if self._security == "tls" else None
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for transport in list(self._open):
                transport.abort()  # type: ignore[attr-defined]
            await self._server.wait_closed()
            self._server = None
            await asyncio.sleep(0)

    async def __aenter__(self) -> MailServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def of(self, recipient: str) -> list[EmailMessage]:
        return [message for to, message in self.taken if to == recipient]

    async def has(self, count: int) -> None:
        """Waits until it took so many messages."""
        async with asyncio.timeout(10):
            while len(self.taken) < count:  # noqa: ASYNC110 - what arrives comes over a socket
                await asyncio.sleep(0.005)

    def _protocol(self) -> SMTP:
        outer = self
        self.connections += 1
        starttls = self._security == "starttls"

        class Conversation(SMTP):
            def connection_made(self, transport: Any) -> None:
                outer._open.add(transport)
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                outer._open.discard(self.transport)
                with suppress(Exception):
                    super().connection_lost(error)

        return Conversation(
            self,
            tls_context=self._served if starttls else None,
            require_starttls=starttls,
            auth_required=self._sign_in,
            auth_require_tls=starttls,
            authenticator=_authenticate,
            hostname="mail.test",
        )

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.refusals.get(address):
            return self.refusals[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        (recipient,) = envelope.rcpt_tos
        if self.answers.get(recipient):
            return self.answers[recipient].pop(0)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append((recipient, message))
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.signed_in.append(bool(session.authenticated))
        return "250 OK"


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = data.login == USER.encode() and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Makes a certificate for 127.0.0.1. Returns what serves it, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(file)
    trusting = ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())
    return served, trusting


def text_of(message: EmailMessage) -> str:
    """Returns the plain text of a message."""
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())
