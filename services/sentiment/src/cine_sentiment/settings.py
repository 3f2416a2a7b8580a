"""Settings of the sentiment service."""

from __future__ import annotations

from typing import ClassVar

from cinemesh.settings import ServiceSettings


class SentimentSettings(ServiceSettings):
    """The settings every service has; none of its own yet."""

    service: ClassVar[str] = "sentiment"
