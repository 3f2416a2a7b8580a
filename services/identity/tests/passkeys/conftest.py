from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cine_identity.settings import IdentitySettings
from cinemesh.testing import Running, settings_for

from .site import Site


@pytest.fixture
def settings(tmp_path: Path, store_url: str) -> IdentitySettings:
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4, database_url=store_url)


@pytest.fixture
def site(identity: Running, clock: Any) -> Site:
    return Site(identity, clock)
