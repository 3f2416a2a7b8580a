"""A PostgreSQL server of our own: a fresh cluster in a folder, on a free loopback port, gone when it is stopped.

Uses the binaries of Debian's package `postgresql` and none of its clusters.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from cinemesh.as_child import as_child
from cinemesh.testing.ports import free_port

_INSTALLED = Path("/usr/lib/postgresql")
_START_SECONDS = 30.0
_STOP_SECONDS = 20.0
_ADMIN = "cine_admin"


class StoreNotInstalled(Exception):
    """The server's program is not on this machine; the text says what to install."""


class StoreFailed(Exception):
    """The server did not start; the text holds the end of its log."""


def find_binaries() -> Path:
    """Returns the folder of `initdb` and `postgres`, of the newest version installed.

    Raises:
        StoreNotInstalled: there is none.
    """
    found = sorted(
        (folder for folder in _INSTALLED.glob("*/bin") if (folder / "initdb").exists()),
        key=lambda folder: [int(number) for number in re.findall(r"\d+", folder.parent.name)],
    )
    if found:
        return found[-1]
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    raise StoreNotInstalled("PostgreSQL is not installed (on Debian: apt-get install postgresql)")


def unprivileged(user: str) -> str | None:
    """Returns the user to run a server as: None for ourselves, `user` or `nobody` when we are root."""
    if os.geteuid() != 0:
        return None
    for name in (user, "nobody"):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return name
    raise StoreFailed("running as root, and there is no other user to run the server as")


class PostgresServer:
    """One server. Use it as a context manager, or call `start` and `stop`.

    Attributes:
        url: SQLAlchemy URL of the maintenance database, as superuser; holds a password made for this server.
        port: port on 127.0.0.1.
    """

    def __init__(self, folder: Path | None = None, *, port: int = 0, fsync: bool = False, keep: bool = False) -> None:
        """Chooses place and port; nothing is started yet.

        Args:
            folder: an empty folder, or one that a server started with `keep` left; a temporary one when None.
            port: port to listen on; any free one when 0.
            fsync: whether commits survive a power cut; off is right for tests.
            keep: whether the folder stays after `stop`; a temporary folder never does.
        """
        self._given_folder = None if folder is None else folder.absolute()
        self._own_folder: Path | None = None
        self.port = port
        self._fsync = fsync
        self._keep = keep and folder is not None
        self._process: subprocess.Popen[bytes] | None = None
        self._password = ""

    @property
    def folder(self) -> Path:
        """Where the cluster lies.

        Raises:
            StoreFailed: it is to lie in a temporary folder, and the server was not started.
        """
        folder = self._given_folder or self._own_folder
        if folder is None:
            raise StoreFailed("the server was not started: it has no folder yet")
        return folder

    @property
    def url(self) -> str:
        """URL of the maintenance database."""
        return self.url_of("postgres")

    @property
    def pid(self) -> int:
        """Process id of the server; 0 when it does not run."""
        return 0 if self._process is None else self._process.pid

    def url_of(self, database: str) -> str:
        """Returns the SQLAlchemy URL of a database of this server."""
        return f"postgresql+psycopg://{_ADMIN}:{self._password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> Self:
        """Creates the cluster where there is none, starts the server and waits until it answers.

        Raises:
            StoreNotInstalled: PostgreSQL is not installed.
            StoreFailed: it did not start.
        """
        binaries = find_binaries()
        user = unprivileged("postgres")
        if self._given_folder is None:
            self._own_folder = Path(tempfile.mkdtemp(prefix="cine-postgres-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        data, password_file, log = self.folder / "data", self.folder / "password", self.folder / "server.log"
        try:
            if user is not None:
                shutil.chown(self.folder, user, pwd.getpwnam(user).pw_gid)
            if (data / "PG_VERSION").exists():
                self._password = password_file.read_text()
            else:
                self._password = secrets.token_urlsafe(18)
                self._create(binaries, data, password_file, user)
            self._launch(binaries, data, log, user)
        except BaseException:
            self.stop()
            raise
        return self

    def _create(self, binaries: Path, data: Path, password_file: Path, user: str | None) -> None:
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        if user is not None:
            shutil.chown(password_file, user)
        initdb = [
            str(binaries / "initdb"),
            f"--pgdata={data}",
            f"--username={_ADMIN}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            *([] if self._fsync else ["--no-sync"]),
        ]
        done = subprocess.run(
            as_child(initdb, user=user),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StoreFailed(f"initdb failed: {done.stderr.strip()[-800:]}")

    def _launch(self, binaries: Path, data: Path, log: Path, user: str | None) -> None:
        durable = "on" if self._fsync else "off"
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "32MB",
            "fsync": durable,
            "synchronous_commit": durable,
            "full_page_writes": durable,
            "log_min_messages": "warning",
        }
        chosen = self.port
        for attempt in range(3):
            self.port = chosen or free_port()
            options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            command = [str(binaries / "postgres"), "-D", str(data), "-p", str(self.port), *options]
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    as_child(command, ending=signal.SIGINT, user=user),
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # a Ctrl-C is for us; we stop it in order
                )
            if self._answers():
                return
            if chosen or attempt == 2:  # otherwise somebody may have taken the port in between
                break
        raise StoreFailed(f"PostgreSQL did not start: {log.read_text(errors='replace').strip()[-800:]}")

    def _answers(self) -> bool:
        assert self._process is not None
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with self._connect():
                    return True
            except psycopg.OperationalError:
                time.sleep(0.05)
        return False

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=_ADMIN,
            password=self._password,
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        )

    def create_database(self, name: str = "") -> str:
        """Creates an empty database and returns its URL; a name is made up when none is given."""
        name = name or f"t_{secrets.token_hex(6)}"
        with self._connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url_of(name)

    def drop_database(self, url: str) -> None:
        """Drops a database that `create_database` made, whoever is connected."""
        name = url.rpartition("/")[2]
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Ends connections, stops the server and removes its folder unless it is to be kept."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)  # PostgreSQL's "fast shutdown"
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)
            self._own_folder = None
        elif self._given_folder is not None and not self._keep:
            shutil.rmtree(self._given_folder / "data", ignore_errors=True)

    def __enter__(self) -> Self:
        """Starts the server."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stops the server."""
        self.stop()
