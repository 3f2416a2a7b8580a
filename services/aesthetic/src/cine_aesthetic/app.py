"""Wires the aesthetic service."""

from __future__ import annotations

from cine.aesthetic.v1 import aesthetic_pb2, aesthetic_pb2_grpc
from cine_aesthetic.servicer import AestheticServicer
from cine_aesthetic.settings import AestheticSettings
from cinemesh.server import Application, Mount


class AestheticApplication(Application):
    """The aesthetic service as a serving process."""

    name = "aesthetic"

    def __init__(self, settings: AestheticSettings | None = None) -> None:
        self.settings = settings or AestheticSettings()

    async def start(self) -> list[Mount]:
        """Mounts every service of the contract."""
        return [
            Mount(
                AestheticServicer(),
                aesthetic_pb2_grpc.add_AestheticServiceServicer_to_server,
                aesthetic_pb2.DESCRIPTOR.services_by_name["AestheticService"],
            ),
        ]
