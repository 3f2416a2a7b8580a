"""Test harness: real servers on free ports, tokens of every kind. Imported by tests only."""

from __future__ import annotations

from cinemesh.testing.harness import Running, running, settings_for
from cinemesh.testing.tokens import TokenFactory

__all__ = ["Running", "TokenFactory", "running", "settings_for"]
