"""Wires the aesthetic service: its whole contract is mounted, none of its calls is built yet."""

from __future__ import annotations

from cine.aesthetic.v1 import aesthetic_pb2, aesthetic_pb2_grpc
from cine_aesthetic.settings import AestheticSettings
from cinemesh.handlers import unanswered
from cinemesh.server import Application, Mount

_CONTRACT = ((aesthetic_pb2, aesthetic_pb2_grpc),)


class AestheticApplication(Application):
    """The aesthetic service as a serving process."""

    name = "aesthetic"

    def __init__(self, settings: AestheticSettings | None = None) -> None:
        self.settings: AestheticSettings = settings or AestheticSettings()

    async def start(self) -> list[Mount]:
        """Mounts every gRPC service of the contract; each call answers UNIMPLEMENTED and says so."""
        return [mount for messages, stubs in _CONTRACT for mount in unanswered(messages, stubs)]
