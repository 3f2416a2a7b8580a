"""Runs an application behind the real server on a free port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc

from cinemesh.keys import ensure_mesh_keys
from cinemesh.server import Application, Server
from cinemesh.settings import ServiceSettings
from cinemesh.testing.ports import free_port
from cinemesh.tls import open_channel

S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True, slots=True)
class Running:
    """A server under test.

    Attributes:
        app: the application.
        server: the server around it.
        channel: a plain channel to it: no deadline, token or retry of its own.
        address: `host:port`.
    """

    app: Application
    server: Server
    channel: grpc.aio.Channel
    address: str

    def raw(self, path: str) -> Any:
        """Returns a callable for a unary method that takes and answers with bytes, for requests no stub would send."""
        return self.channel.unary_unary(path)

    def stub(self, stub_class: Callable[[grpc.aio.Channel], Any]) -> Any:
        """Returns a stub on the channel. Typed as Any: the generated stubs type the sync and the async form at once."""
        return stub_class(self.channel)


def settings_for(settings_class: type[S], folder: Path, **values: Any) -> S:
    """Returns settings that use nothing but `folder`, whatever the environment and `.env` say.

    Args:
        settings_class: class of the settings.
        folder: an empty folder of the test; keys are made in it.
        values: fields to set.
    """
    var_dir = folder / "var"
    ensure_mesh_keys(var_dir)
    fixed: dict[str, Any] = {
        "var_dir": var_dir,
        "merged_csv": folder / "data" / "movies_merged.csv",
        "drain_seconds": 0.0,
        "grace_seconds": 5.0,
        "log_level": "info",
        "revocation": False,  # a service alone has no Identity to follow
        **values,
    }
    return settings_class.only(**fixed)


@asynccontextmanager
async def running(
    app: Application, *, started: bool = True, options: Sequence[tuple[str, Any]] = ()
) -> AsyncIterator[Running]:
    """Serves an application on a free port for the block, then stops it as a signal would.

    Args:
        app: the application; `app.settings` decide everything but the port.
        started: whether to wait for `app.start()`; otherwise it runs in the background, as in a real process.
        options: further options of the channel.

    Raises:
        StartFailed: the application could not start.
    """
    server = Server(app)
    await server.bind(free_port(), None)
    address = f"127.0.0.1:{server.port}"
    starting = asyncio.create_task(server.start())
    try:
        if started:
            await starting
        own = [("grpc.use_local_subchannel_pool", 1), *options]  # tests share no connections
        tls = app.settings.tls_files("cli") if app.settings.mtls else None
        async with open_channel(address, app.settings.service, tls, own) as channel:
            yield Running(app, server, channel, address)
    finally:
        if not starting.done():
            starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await server.stop()
