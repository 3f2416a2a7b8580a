"""Fixtures for every test of the house: real stores (`cinemesh.testing.stores`)."""

from __future__ import annotations

pytest_plugins = ["cinemesh.testing.stores"]
