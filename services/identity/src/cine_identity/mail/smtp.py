"""Letters leave by SMTP (RFC 5321), encrypted and with the server's certificate verified unless the settings say otherwise."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from email.message import EmailMessage
from typing import Final

import aiosmtplib

from cine_identity.mail.transports import Undelivered
from cine_identity.settings import IdentitySettings
from cinemesh import telemetry
from cinemesh.errors import Unavailable

ANSWER_SECONDS: Final = 20.0
"""How long the server may take for one answer."""
LETTER_SECONDS: Final = 60.0
"""How long a letter may take with everything: less than the queue keeps other replicas off it."""
_KNOWN_FOR_SECONDS: Final = 300.0
_STATUS: Final = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_FIRST_PERMANENT: Final = 500


class Smtp:
    """A mail server. One connection serves all letters that wait, and is closed when none is left.

    Args:
        settings: where the server is, how to encrypt and sign in.
        tls: what to trust; the certificates of the system when None.
        answer_seconds: how long the server may take for one answer.
    """

    def __init__(
        self, settings: IdentitySettings, tls: ssl.SSLContext | None = None, *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._settings = settings
        self._encrypted = settings.smtp_security != "none"
        self._tls = (tls or ssl.create_default_context()) if self._encrypted else None
        self._answer_seconds = answer_seconds
        self._connection: aiosmtplib.SMTP | None = None
        self._last: tuple[float, str] | None = None  # when it was last spoken to, and what was wrong; empty for nothing
        if settings.smtp_password is not None and not self._encrypted:
            log = telemetry.logger("identity")
            log.warning("the password of the mail server travels in the clear: set smtp_security to starttls or tls")

    async def deliver(self, message: EmailMessage, sender: str, name: str) -> None:  # noqa: ARG002 - of the protocol
        """Hands a message to the server, over the connection there is or a new one."""
        try:
            async with asyncio.timeout(LETTER_SECONDS):
                await self._send(message, sender)
        except Exception as error:
            fault = _fault(error)
            if not fault.alone:
                self._drop()
                self._last = time.monotonic(), fault.reason
            raise fault from None
        except BaseException:
            self._drop()  # cancelled in the middle of a conversation: nobody could go on with it
            raise
        self._last = time.monotonic(), ""

    async def rest(self) -> None:
        """Says goodbye."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.quit(timeout=2.0)
            except (aiosmtplib.SMTPException, OSError):
                connection.close()

    async def probe(self) -> str:
        """Returns where the server is; asks it when it was not spoken to for five minutes."""
        if self._last is None or time.monotonic() - self._last[0] > _KNOWN_FOR_SECONDS:
            await self._greet()
        if self._last is not None and self._last[1]:
            raise Unavailable(f"mail waits: {self._last[1]}")
        return f"{self._settings.smtp_host}:{self._settings.smtp_port}, {self._settings.smtp_security}"

    async def _greet(self) -> None:
        try:
            connection = await self._connect()
            await connection.quit(timeout=2.0)
        except Exception as error:
            self._last = time.monotonic(), _fault(error).reason
        else:
            self._last = time.monotonic(), ""

    async def _send(self, message: EmailMessage, sender: str) -> None:
        kept = self._connection
        if kept is not None:
            try:
                await kept.send_message(message, sender=sender)
            except aiosmtplib.SMTPServerDisconnected:
                self._drop()  # it hung up on a connection that had nothing to say
            else:
                return
        self._connection = await self._connect()
        await self._connection.send_message(message, sender=sender)

    async def _connect(self) -> aiosmtplib.SMTP:
        settings, password = self._settings, self._settings.smtp_password
        connection = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username or None,
            password=password.get_secret_value() if password is not None and settings.smtp_username else None,
            timeout=self._answer_seconds,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",  # a server that does not offer it is refused
            tls_context=self._tls,
        )
        try:
            await connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _fault(error: Exception) -> Undelivered:
    """Tells what an error means. What a server says in words is not repeated: it may hold the address."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        refusal = error.recipients[0]
        return Undelivered(_answered("the recipient", refusal), for_good=_permanent(refusal), alone=True)
    if isinstance(error, aiosmtplib.SMTPDataError):
        return Undelivered(_answered("the content", error), for_good=_permanent(error), alone=True)
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return Undelivered(_answered("the name and password", error))
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return Undelivered(_answered("the sender", error))
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return Undelivered(_answered("the connection", error))
    if isinstance(error, TimeoutError):
        return Undelivered("the mail server does not answer in time")
    if isinstance(error, aiosmtplib.SMTPServerDisconnected):
        return Undelivered("the mail server hung up")
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return Undelivered("the mail server takes no such address", alone=True)
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLError):
        return Undelivered(f"the mail server cannot be trusted: {cause.reason or type(cause).__name__}")
    if isinstance(error, OSError):
        return Undelivered("the mail server cannot be reached")
    if isinstance(error, aiosmtplib.SMTPException):
        return Undelivered("the mail server lacks encryption or a way to sign in")
    return Undelivered(f"sending failed: {type(error).__name__}", alone=True)


def _answered(what: str, error: aiosmtplib.SMTPResponseException) -> str:
    status = _STATUS.search(error.message)
    return f"the mail server refused {what}: {error.code}{f' {status.group()}' if status else ''}"


def _permanent(error: aiosmtplib.SMTPResponseException) -> bool:
    return error.code >= _FIRST_PERMANENT
