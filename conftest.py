"""Fixtures for every test of the house: real stores (`cinemesh.testing.stores`), and the order in which modules run."""

from __future__ import annotations

import pytest

pytest_plugins = ["cinemesh.testing.stores"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Has modules with slow tests run first: on several processes a long one that begins last is waited for by all."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
