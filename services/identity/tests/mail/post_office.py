"""Letters to send, and ways to see whether they left."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Coroutine
from typing import Any

from cine_identity.domain.vault import Vault
from cine_identity.mail import Letter, Post, Sender
from cine_identity.mail.sender import Patience
from cine_identity.mail.smtp import Smtp
from cine_identity.settings import IdentitySettings
from cine_identity.store import Transaction, letters
from cinemesh import telemetry
from cinemesh.db import Database

from .mail_server import MailServer

SECRET = b"s" * 32
ADA, BOB = "ada@example.org", "bob@example.org"
TOKEN = "canary-token-in-a-letter-0123456789"
QUICK = Patience(first=dt.timedelta(milliseconds=40), longest=dt.timedelta(milliseconds=200), look=0.2, server=0.02)
Replica = Callable[..., Coroutine[Any, Any, Sender]]


def smtp(server: MailServer, **settings: Any) -> Smtp:
    fields = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none", **settings}
    return Smtp(IdentitySettings.only(**fields), getattr(server, "trusting", None), answer_seconds=2.0)


async def queue(database: Database, clock: Any, *to: str, sender: Sender | None = None, secret: bytes = SECRET) -> None:
    post = sender._post if sender is not None else Post(Vault(secret), clock)

    def add(tx: Transaction) -> None:
        for address in to:
            post.queue(tx, Letter("reset_password", address, "", {"username": "ada", "token": TOKEN}))

    await database.write(add)


async def waiting(database: Database) -> int:
    return (await database.read(letters.outlook))[0]


async def emptied(database: Database) -> None:
    async with asyncio.timeout(10):
        while await waiting(database):  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.005)


def counted(outcome: str) -> float:
    labels = {"template": "reset_password", "outcome": outcome}
    return telemetry.REGISTRY.get_sample_value("cine_identity_letters_total", labels) or 0.0
