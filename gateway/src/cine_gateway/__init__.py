"""The gateway: Envoy rendered from the contracts, and the portal behind it (documentation, health, explorer)."""

from __future__ import annotations

__version__ = "0.1.0"
