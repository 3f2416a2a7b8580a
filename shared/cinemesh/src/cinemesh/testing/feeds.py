"""Runs a feed without a service around it, and connects consumers to it; for tests of feeds and of those who follow them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from cine.common.v1 import feed_pb2_grpc
from cinemesh.client import channel, close_channels
from cinemesh.feed import FeedServicer
from cinemesh.server import Application, Mount, Server
from cinemesh.settings import ServiceSettings
from cinemesh.testing.harness import settings_for
from cinemesh.testing.ports import free_port

if TYPE_CHECKING:
    from cine.common.v1.feed_pb2_grpc import FeedServiceAsyncStub

PEER = "catalog"


class FeedSettings(ServiceSettings):
    """Settings of both ends: a feed that sits where the catalogue would."""

    service: ClassVar[str] = PEER


class FeedApplication(Application):
    """Serves nothing but a feed."""

    name = PEER

    def __init__(self, settings: ServiceSettings, feed: FeedServicer) -> None:
        self.settings = settings
        self._feed = feed

    async def start(self) -> list[Mount]:
        """Mounts nothing: the server adds the feed."""
        return []

    def feed(self) -> FeedServicer:
        """Returns the feed."""
        return self._feed


@asynccontextmanager
async def serving_feed(feed: FeedServicer, folder: Path, *, port: int = 0) -> AsyncIterator[int]:
    """Serves a feed behind the real server for the block and yields its port.

    Args:
        feed: the feed; it is stopped with the server.
        folder: an empty folder, or one used before: the keys of both ends are in it.
        port: port to listen on; any free one when 0.
    """
    server = Server(FeedApplication(settings_for(FeedSettings, folder), feed))
    await server.bind(port or free_port(), None)
    try:
        await server.start()
        yield server.port
    finally:
        feed.stop()
        await server.stop()


def feed_stub(folder: Path, port: int) -> Callable[[], FeedServiceAsyncStub]:
    """Returns a stub factory for `Consumer`, over the real client with a service token.

    Args:
        folder: the one that `serving_feed` was given.
        port: where the feed is.
    """
    settings = settings_for(FeedSettings, folder, peers={PEER: [f"127.0.0.1:{port}"]})
    stub: Any = feed_pb2_grpc.FeedServiceStub
    return lambda: stub(channel(PEER, settings))


__all__ = ["FeedApplication", "FeedSettings", "close_channels", "feed_stub", "serving_feed"]
