"""Envoy's configuration, rendered from one template."""

from __future__ import annotations

from cine_gateway.envoy.render import ConfigurationError, binary, command, render, text, validate

__all__ = ["ConfigurationError", "binary", "command", "render", "text", "validate"]
