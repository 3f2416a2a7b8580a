from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cine_identity.domain.vault import Vault
from cine_identity.mail import Post, Sender, Writer
from cine_identity.mail.sender import Patience
from cinemesh.db import Database, migrate

from .mail_server import MailServer
from .post_office import QUICK, SECRET, Replica


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, store_url, "cine_identity")
    async with Database(store_url, pool=6) as opened:
        yield opened


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as opened:
        yield opened


@pytest.fixture
async def replica(database: Database, clock: Any) -> AsyncIterator[Replica]:
    """Starts senders, and stops them when the test ends."""
    started: list[Sender] = []

    async def start(transport: Any, *, secret: bytes = SECRET, patience: Patience = QUICK) -> Sender:
        post = Post(Vault(secret), clock)
        writer = Writer("https://films.example.org", "CineAesthete <no-reply@example.org>")
        sender = Sender(database, post, writer, transport, clock, patience)
        sender.start()
        started.append(sender)
        return sender

    yield start
    for sender in started:
        await sender.close()
