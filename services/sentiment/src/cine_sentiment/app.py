"""Wires the sentiment service: its whole contract is mounted, none of its calls is built yet."""

from __future__ import annotations

from cine.sentiment.v1 import sentiment_pb2, sentiment_pb2_grpc
from cine_sentiment.settings import SentimentSettings
from cinemesh.handlers import unanswered
from cinemesh.server import Application, Mount

_CONTRACT = ((sentiment_pb2, sentiment_pb2_grpc),)


class SentimentApplication(Application):
    """The sentiment service as a serving process."""

    name = "sentiment"

    def __init__(self, settings: SentimentSettings | None = None) -> None:
        self.settings: SentimentSettings = settings or SentimentSettings()

    async def start(self) -> list[Mount]:
        """Mounts every gRPC service of the contract; each call answers UNIMPLEMENTED and says so."""
        return [mount for messages, stubs in _CONTRACT for mount in unanswered(messages, stubs)]
