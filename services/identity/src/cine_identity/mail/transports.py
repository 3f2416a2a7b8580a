"""How letters leave: what every way has in common, and the folder that stands in for a mail server."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import secrets
from email.message import EmailMessage
from pathlib import Path
from typing import Final, Protocol

from cinemesh import telemetry
from cinemesh.errors import Unavailable

_log = telemetry.logger("identity")
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


class Undelivered(Exception):
    """A letter was not taken.

    Attributes:
        reason: why, in words that are safe in a log: no address, nothing of the letter.
        for_good: whether trying again is of no use.
        alone: whether it is about this letter; otherwise no other one would get through now either.
    """

    def __init__(self, reason: str, *, for_good: bool = False, alone: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good
        self.alone = alone


class Transport(Protocol):
    """A way for letters to leave."""

    async def deliver(self, message: EmailMessage, sender: str, name: str) -> None:
        """Hands a message over; when this returns, somebody else answers for it.

        Args:
            message: what to send.
            sender: address that bounces go to.
            name: names the letter: sorts by time, holds its template, and is the same each time it is tried.

        Raises:
            Undelivered: it was not taken.
        """

    async def rest(self) -> None:
        """Lets go of what is only needed while there are letters."""

    async def probe(self) -> str:
        """Returns what letters leave by, and in which state that is.

        Raises:
            Unavailable: letters do not leave at present.
        """


class Folder:
    """Writes each message to a file of its own, `.eml`, readable by the owner alone: it may hold links that open an account.

    Args:
        path: the folder; made when it is needed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def deliver(self, message: EmailMessage, sender: str, name: str) -> None:  # noqa: ARG002 - of the protocol
        """Writes the file under its name in one step; one of the same letter is replaced."""
        target = self._path / f"{name}.eml"
        try:
            await asyncio.to_thread(_place, target, message.as_bytes())
        except OSError as error:
            raise Undelivered(f"the outbox cannot be written: {error.strerror}") from None
        _log.info("letter written", file=str(target))

    async def rest(self) -> None:
        """Does nothing: a folder needs none."""

    async def probe(self) -> str:
        """Returns that messages are written to files."""
        try:
            await asyncio.to_thread(self._path.mkdir, _FOLDER_MODE, True, True)
        except OSError as error:
            raise Unavailable(f"the outbox cannot be written: {error.strerror}") from None
        if not os.access(self._path, os.W_OK):
            raise Unavailable("the outbox cannot be written")
        return "no mail server is set: messages are written to the outbox folder"


def file_name(template: str, letter_id: str, written_at: dt.datetime) -> str:
    """Returns the name of a letter: when it was written, what it is, and the end of its id."""
    return f"{written_at.astimezone(dt.UTC):%Y%m%dT%H%M%S.%fZ}-{template}-{letter_id[-8:].lower()}"


def _place(target: Path, content: bytes) -> None:
    target.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
