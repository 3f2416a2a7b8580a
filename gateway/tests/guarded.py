# ruff: noqa: N802 - RPC names are the contract's
"""A gateway with its guards up: keys from a real Identity's answer, a limiter of its own, before the small backend."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.api import httpbody_pb2

from cine.identity.v1 import auth_pb2, auth_pb2_grpc
from cine_gateway.limiter.server import serving, window_for
from cine_gateway.limiter.window import Window
from cine_gateway.settings import GatewaySettings
from cinemesh import topology
from cinemesh.keys import new_ed25519_jwk, public_part
from cinemesh.testing import TokenFactory
from cinemesh.testing.ports import free_base

from .backend import Catalog, Status, add_catalog, extended_contracts
from .conftest import Loop, Process, end, portal, start_envoy, until


class Auth(auth_pb2_grpc.AuthServiceServicer):
    """Says what it received, and gives cookies and keys."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.seen: dict[str, str] = {}
        self.first = self.new_key()

    async def RefreshToken(self, request: Any, context: Any) -> Any:
        self.seen = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        await context.send_initial_metadata(
            (
                ("set-cookie", "__Host-cine_refresh=new; Secure; HttpOnly; SameSite=Strict; Path=/"),
                ("set-cookie", "__Host-cine_device=known; Secure; HttpOnly; SameSite=Lax; Path=/"),
            )
        )
        return auth_pb2.RefreshTokenResponse(token_type="bearer")

    async def GetJsonWebKeySet(self, request: Any, context: Any) -> Any:
        body = httpbody_pb2.HttpBody(
            content_type="application/jwk-set+json", data=json.dumps({"keys": self.keys}).encode()
        )
        return auth_pb2.GetJsonWebKeySetResponse(key_set=body)

    def new_key(self) -> dict[str, Any]:
        """Publishes a key and returns it with its private part."""
        key = dict(new_ed25519_jwk(f"identity-{len(self.keys)}"))
        self.keys.append(public_part(key))
        return key


@dataclass
class LimiterSwitch:
    """The limiter's process, as far as Envoy can tell: it can be taken away and brought back."""

    settings: GatewaySettings
    loop: Loop
    window: Window | None = None
    _life: contextlib.AbstractAsyncContextManager[Any] | None = None

    def start(self) -> None:
        """Serves, with an empty count."""
        self.loop.run(self._start())

    def stop(self) -> None:
        """Ends; its port refuses connections."""
        self.loop.run(self._stop())

    async def _start(self) -> None:
        self.window = window_for(self.settings)
        if self.window is not None:
            await self.window.connect()
        self._life = serving(self.settings, self.window)
        await self._life.__aenter__()

    async def _stop(self) -> None:
        if self._life is not None:
            life, self._life = self._life, None
            await life.__aexit__(None, None, None)


@dataclass
class Guarded:
    """The gateway and what a test may turn."""

    settings: GatewaySettings
    url: str
    port: int
    tokens: TokenFactory
    auth: Auth
    catalog: Catalog
    limiter: LimiterSwitch
    loop: Loop
    processes: dict[str, Process] = field(default_factory=dict)


@contextlib.contextmanager
def guarded(folder: Path, *, mute_keys: bool = False, mute_catalog: bool = False, **values: Any) -> Iterator[Guarded]:
    """Runs such a gateway; `values` are further settings, the others say what Envoy will not find."""
    folder.mkdir(exist_ok=True)
    base = free_base()
    settings = GatewaySettings.only(
        **{
            "var_dir": folder / "var",
            "port": base + 99,
            "port_base": base,
            "cors_origins": ["https://films.example"],
            "web_dir": folder,
            "workers": 1,
            "health_seconds": 0.5,
            "access_log": str(folder / "access.log"),
            **values,
        }
    )
    (folder / "index.html").write_text("<!doctype html><title>explorer</title>")
    tokens = TokenFactory(settings)
    loop, auth, catalog = Loop(), Auth(), Catalog()
    processes = {
        "catalog": Process(
            "catalog",
            topology.grpc_port("catalog", base),
            Status("catalog"),
            credentials=_credentials(settings, "catalog"),
            add=lambda server: add_catalog(catalog, server),
        ),
        "identity": Process(
            "identity",
            topology.grpc_port("identity", base),
            Status("identity"),
            credentials=_credentials(settings, "identity"),
            add=lambda server: auth_pb2_grpc.add_AuthServiceServicer_to_server(auth, server),
        ),
    }
    limiter = LimiterSwitch(settings, loop)
    contracts = extended_contracts()
    with contextlib.ExitStack() as stack:
        stack.callback(loop.stop)
        for process in processes.values():
            loop.run(process.start())
            stack.callback(lambda one=process: loop.run(one.stop()))
        limiter.start()
        stack.callback(limiter.stop)
        stack.enter_context(portal(settings, contracts))
        envoy, log = start_envoy(settings, folder, contracts)
        stack.callback(end, envoy)
        scheme = "https" if settings.https_port else "http"
        port = settings.https_port or settings.port
        found = Guarded(
            settings,
            f"{scheme}://{topology.LOOPBACK}:{port}",
            port,
            tokens,
            auth,
            catalog,
            limiter,
            loop,
            processes,
        )
        _wait(found, keys=not mute_keys, catalog=not mute_catalog)
        try:
            yield found
        finally:
            print(log.read_text()[-4000:])  # pytest shows it when something failed


def _credentials(settings: GatewaySettings, name: str) -> grpc.ServerCredentials | None:
    if not settings.mtls:
        return None
    return settings.tls_files(name).server_credentials()


def _wait(found: Guarded, *, keys: bool, catalog: bool) -> None:
    wanted = {"cluster.identity": 1} | ({"cluster.catalog": 1} if catalog else {})
    if found.settings.rate_limit:
        wanted["cluster.limiter"] = 1

    def stands() -> bool:
        stats = admin(found, "/stats?filter=membership_healthy|jwks_fetch_success|downstream_cx_active")
        healthy = all(f"{name}.membership_healthy: {count}" in stats for name, count in wanted.items())
        return healthy and not (keys and "jwks_fetch_success: 0" in stats)

    until(stands)


def admin(found: Guarded, path: str) -> str:
    """Asks Envoy's admin interface."""
    import httpx

    return httpx.get(f"http://{topology.LOOPBACK}:{found.settings.admin_port}{path}", timeout=5).text


async def drained(calls: AsyncIterator[Any]) -> list[Any]:
    """Returns everything a stream brings."""
    return [one async for one in calls]
