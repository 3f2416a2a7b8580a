"""What two services of the mesh need: server, client, settings, errors, stores, feed, telemetry, testing."""

from __future__ import annotations

__version__ = "0.1.0"
