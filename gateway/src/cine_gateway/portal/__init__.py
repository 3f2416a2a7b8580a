"""The portal: pages, documentation and health behind Envoy, on loopback. Nothing on its pages comes from the internet."""

from __future__ import annotations

from cine_gateway.portal.app import create_app
from cine_gateway.portal.certificates import certificates

__all__ = ["certificates", "create_app"]
