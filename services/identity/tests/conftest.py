from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cine_identity.app import IdentityApplication
from cine_identity.settings import IdentitySettings
from cinemesh.testing import Running, running, settings_for


class MovableClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.ahead = dt.timedelta()

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.ahead

    def forward(self, **amount: float) -> None:
        self.ahead += dt.timedelta(**amount)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def settings(tmp_path: Path) -> IdentitySettings:
    # the lowest cost there is: tests that are about cost say so
    return settings_for(IdentitySettings, tmp_path, bcrypt_cost=4)


@pytest.fixture
async def identity(settings: IdentitySettings, clock: MovableClock) -> AsyncIterator[Running]:
    async with running(IdentityApplication(settings, clock=clock)) as server:
        yield server
