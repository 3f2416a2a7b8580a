"""The small version of `make chaos-histories`: both services, each on another store, killed while people write."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from cinemesh.testing.ports import free_base
from tests.chaos.histories import run


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("service", "fixture"), [("ratings", "postgres_url"), ("watchlist", "sqlite_url")])
async def test_no_acknowledged_write_is_lost_or_doubled(
    request: pytest.FixtureRequest, tmp_path: Path, service: str, fixture: str
) -> None:
    url: str = request.getfixturevalue(fixture)
    wanted = argparse.Namespace(operations=250, clients=8, kills=2, seed=5)
    figures = await run(service, url, tmp_path, free_base(), wanted)
    assert figures["anomalies"] == 0
    assert figures["kills"] == 2
    assert figures["acknowledged_writes"] > 50
    # a call may stay without an answer only where a process was killed
    strange = [name for name in figures["outcomes"] if name.startswith("said")]
    assert strange == []
