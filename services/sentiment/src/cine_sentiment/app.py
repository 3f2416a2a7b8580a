"""Wires the sentiment service."""

from __future__ import annotations

from cine.sentiment.v1 import sentiment_pb2, sentiment_pb2_grpc
from cine_sentiment.servicer import SentimentServicer
from cine_sentiment.settings import SentimentSettings
from cinemesh.server import Application, Mount


class SentimentApplication(Application):
    """The sentiment service as a serving process."""

    name = "sentiment"

    def __init__(self, settings: SentimentSettings | None = None) -> None:
        self.settings = settings or SentimentSettings()

    async def start(self) -> list[Mount]:
        """Mounts every service of the contract."""
        return [
            Mount(
                SentimentServicer(),
                sentiment_pb2_grpc.add_SentimentServiceServicer_to_server,
                sentiment_pb2.DESCRIPTOR.services_by_name["SentimentService"],
            ),
        ]
