"""Pytest fixtures: import them in a `conftest.py`, or load them with `-p cinemesh.testing.fixtures`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cinemesh.settings import ServiceSettings
from cinemesh.testing.harness import settings_for
from cinemesh.testing.tokens import TokenFactory


@pytest.fixture
def mesh_settings(tmp_path: Path) -> ServiceSettings:
    """Returns settings that use nothing but the test's folder."""
    return settings_for(ServiceSettings, tmp_path)


@pytest.fixture
def tokens(mesh_settings: ServiceSettings) -> TokenFactory:
    """Returns a factory of tokens that servers with `var_dir` under the test's folder understand."""
    return TokenFactory(mesh_settings)
