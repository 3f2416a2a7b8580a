"""Wires identity: store, secrets, keys, flows, servicers, feed."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

from cine.identity.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    oauth_pb2,
    oauth_pb2_grpc,
    passkeys_pb2,
    passkeys_pb2_grpc,
    second_factor_pb2,
    second_factor_pb2_grpc,
    sessions_pb2,
    sessions_pb2_grpc,
    users_pb2,
    users_pb2_grpc,
)
from cine_identity.domain.clock import Clock, utc_now
from cine_identity.domain.vault import Vault
from cine_identity.flows.callers import Callers
from cine_identity.flows.issue import Issuer
from cine_identity.keys import KeyRing
from cine_identity.mail import Post
from cine_identity.settings import IdentitySettings
from cinemesh.db import Database, migrate
from cinemesh.feed import FeedServicer
from cinemesh.handlers import unanswered
from cinemesh.outbox import Outbox
from cinemesh.paging import PageTokens
from cinemesh.server import Application, Mount, Probe

_CONTRACT = (
    (admin_pb2, admin_pb2_grpc),
    (auth_pb2, auth_pb2_grpc),
    (oauth_pb2, oauth_pb2_grpc),
    (passkeys_pb2, passkeys_pb2_grpc),
    (second_factor_pb2, second_factor_pb2_grpc),
    (sessions_pb2, sessions_pb2_grpc),
    (users_pb2, users_pb2_grpc),
)


class IdentityApplication(Application):
    """Identity as a serving process.

    Args:
        settings: its settings; read from the environment when None.
        clock: tells the time; tests move it.
    """

    name = "identity"

    def __init__(self, settings: IdentitySettings | None = None, *, clock: Clock = utc_now) -> None:
        self.settings: IdentitySettings = settings or IdentitySettings()
        self.clock = clock
        self.database = Database(self.settings.store_url)
        self.outbox = Outbox(self.name)
        self.keys = KeyRing(clock)

    async def start(self) -> list[Mount]:
        """Opens the store, reads the secrets and keys, and begins the work in the background."""
        await asyncio.to_thread(migrate, self.settings.store_url, "cine_identity")
        await self.database.open()
        self.vault = Vault(await asyncio.to_thread(self.settings.master_secret))
        self.post = Post(self.vault, self.clock)
        self.callers = Callers(self.settings, self.clock)
        self.issuer = Issuer(self.settings, self.vault, self.keys, self.clock)
        self.pages = PageTokens.of(self.settings)
        servicers: dict[str, Any] = {}
        return [self._mount(messages, stubs, servicers) for messages, stubs in _CONTRACT]

    def _mount(self, messages: ModuleType, stubs: ModuleType, servicers: dict[str, Any]) -> Mount:
        (service,) = messages.DESCRIPTOR.services_by_name.values()
        if service.name not in servicers:
            return unanswered(messages, stubs)[0]
        return Mount(servicers[service.name], getattr(stubs, f"add_{service.name}Servicer_to_server"), service)

    async def stop(self) -> None:
        """Closes what `start` opened."""
        await self.database.close()

    async def probes(self) -> dict[str, Probe]:
        """Asks the store."""
        return {"store": Probe(self.database.probe)}

    def feed(self) -> FeedServicer:
        """Serves what happened to accounts and sessions."""
        return FeedServicer(self.database, self.outbox)
