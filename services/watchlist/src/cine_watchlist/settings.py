"""Settings of the watchlist service."""

from __future__ import annotations

from typing import ClassVar

from cinemesh.settings import ServiceSettings


class WatchlistSettings(ServiceSettings):
    """The settings every service has; none of its own."""

    service: ClassVar[str] = "watchlist"
