"""The scripts that start servers of our own, and the fixtures built on them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from cinemesh.testing import postgres, stores
from cinemesh.testing.postgres import PostgresServer, StoreFailed, StoreNotInstalled
from cinemesh.testing.redis import RedisServer

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


def launch(script: str, *arguments: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    process = subprocess.Popen(
        [sys.executable, str(SCRIPTS / script), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def until_gone(pid: int) -> None:
    end = time.monotonic() + 20
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "the server outlived its script"
        time.sleep(0.02)


def test_postgres_dies_with_its_script_and_keeps_its_folder(postgres_server: PostgresServer) -> None:
    with tempfile.TemporaryDirectory(prefix="cine-test-") as folder:
        Path(folder).chmod(0o755)
        place = str(Path(folder) / "cluster")
        process, told = launch("start_postgres.py", "--folder", place, "--database", "films")
        dsn = told["databases"]["films"].replace("+psycopg", "")
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        until_gone(told["pid"])
        process, again = launch("start_postgres.py", "--folder", place)
        with psycopg.connect(again["url"].replace("+psycopg", "").replace("/postgres", "/films")) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 0
        assert not psutil.pid_exists(again["pid"])


def test_redis_dies_with_its_script(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="cine-test-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("TMPDIR", folder)  # a script that is killed cannot tidy up
        for number, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
            process, told = launch("start_redis.py")
            process.send_signal(number)
            process.communicate(timeout=20)
            assert process.returncode == code
            until_gone(told["pid"])


def test_a_port_in_use_is_told(postgres_server: PostgresServer) -> None:
    with pytest.raises(StoreFailed, match="Address already in use"):
        PostgresServer(port=postgres_server.port).start()


def test_a_missing_server_skips_here_and_fails_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres, "_INSTALLED", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("CI", "CINE_REQUIRE_POSTGRES"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StoreNotInstalled, match="apt-get install postgresql") as missing:
        PostgresServer().start()
    with pytest.raises(StoreNotInstalled, match="apt-get install redis-server"):
        RedisServer().start()
    with pytest.raises(pytest.skip.Exception, match="not installed"):
        stores._missing(missing.value, "CINE_REQUIRE_POSTGRES")
    for name, value in (("CI", "true"), ("CINE_REQUIRE_POSTGRES", "1")):
        with monkeypatch.context() as required:
            required.setenv(name, value)
            with pytest.raises(pytest.fail.Exception, match="requires it"):
                stores._missing(missing.value, "CINE_REQUIRE_POSTGRES")
