"""Settings of the ratings service."""

from __future__ import annotations

from typing import ClassVar

from cinemesh.settings import ServiceSettings


class RatingsSettings(ServiceSettings):
    """The settings every service has; none of its own yet."""

    service: ClassVar[str] = "ratings"
