"""Pytest fixtures of real stores: one PostgreSQL and one Redis server a test session, a database a test.

Where a server is not installed, tests that need it are skipped and say what to install; with CI=true, CINE_REQUIRE_POSTGRES=1 or
CINE_REQUIRE_REDIS=1 they fail instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from cinemesh.testing.postgres import PostgresServer, StoreNotInstalled
from cinemesh.testing.redis import RedisServer


def _missing(reason: StoreNotInstalled, variable: str) -> NoReturn:
    if os.environ.get("CI", "").lower() == "true" or os.environ.get(variable) == "1":
        pytest.fail(f"{reason}; this run requires it", pytrace=False)
    pytest.skip(str(reason))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Yields a running PostgreSQL server."""
    server = PostgresServer()
    try:
        server.start()
    except StoreNotInstalled as reason:
        _missing(reason, "CINE_REQUIRE_POSTGRES")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Yields a running Redis server; tests of one session share it, so they use a namespace of their own."""
    server = RedisServer()
    try:
        server.start()
    except StoreNotInstalled as reason:
        _missing(reason, "CINE_REQUIRE_REDIS")
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Yields the URL of an empty PostgreSQL database of the test's own."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Returns the URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'store.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Returns the URL of an empty store: conformance suites run once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url
