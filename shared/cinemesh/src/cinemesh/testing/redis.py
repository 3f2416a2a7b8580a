"""A Redis server of our own: in memory, on a free loopback port, gone when it is stopped."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from cinemesh.as_child import as_child
from cinemesh.testing.ports import free_port
from cinemesh.testing.postgres import StoreFailed, StoreNotInstalled, unprivileged

_START_SECONDS = 10.0
_STOP_SECONDS = 10.0


class RedisServer:
    """One server. Use it as a context manager, or call `start` and `stop`; it may be started again on the same port.

    Attributes:
        url: holds a password made for this server.
        port: port on 127.0.0.1.
    """

    def __init__(self, *, port: int = 0) -> None:
        """Chooses a port; nothing is started yet."""
        self.port = port
        self._password = secrets.token_urlsafe(18)
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None

    @property
    def url(self) -> str:
        """URL of database 0."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Process id of the server; 0 when it does not run."""
        return 0 if self._process is None else self._process.pid

    def start(self) -> Self:
        """Starts the server and waits until it answers.

        Raises:
            StoreNotInstalled: Redis is not installed.
            StoreFailed: it did not start.
        """
        program = shutil.which("redis-server")
        if program is None:
            raise StoreNotInstalled("Redis is not installed (on Debian: apt-get install redis-server)")
        user = unprivileged("redis")
        self._folder = Path(tempfile.mkdtemp(prefix="cine-redis-"))
        if user is not None:
            shutil.chown(self._folder, user)
        self.port = self.port or free_port()
        # the password goes through stdin: a command line is visible to everybody
        settings = (
            f'port {self.port}\nbind 127.0.0.1\nrequirepass {self._password}\nsave ""\nappendonly no\ndir {self._folder}\n'
            "maxmemory 256mb\nmaxmemory-policy allkeys-lru\nlogfile server.log\n"
        )
        self._process = subprocess.Popen(
            as_child([program, "-"], ending=signal.SIGINT, user=user),
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(settings.encode())
        self._process.stdin.close()
        if not self._answers():
            log = self._folder / "server.log"
            told = log.read_text(errors="replace").strip()[-800:] if log.exists() else "no log"
            self.stop()
            raise StoreFailed(f"Redis did not start: {told}")
        return self

    def _answers(self) -> bool:
        assert self._process is not None
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                    connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                    answer = b""
                    while b"+PONG" not in answer and (more := connection.recv(64)):
                        answer += more
                    return b"+PONG" in answer
            except OSError:
                time.sleep(0.02)
        return False

    def stop(self) -> None:
        """Stops the server; what it held is gone."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> Self:
        """Starts the server."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stops the server."""
        self.stop()
