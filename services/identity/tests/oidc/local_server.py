"""A web server of the test's own, for providers that answer what no honest one does, and for GitHub."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    """A request that arrived."""

    method: str
    path: str
    form: dict[str, str]
    headers: dict[str, str]


@dataclass
class Reply:
    """What to answer."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drip_seconds: float = 0.0


class LocalServer:
    """Answers by path; what it was asked is in `asked`."""

    def __init__(self) -> None:
        self.routes: dict[str, Callable[[Asked], Reply]] = {}
        self.asked: list[Asked] = []
        self._closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                form = dict(parse_qsl(self.rfile.read(length).decode()))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, urlsplit(self.path).path, form, headers)
                outer.asked.append(asked)
                route = outer.routes.get(asked.path)
                reply = route(asked) if route is not None else Reply({"message": "Not Found"}, 404)
                body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in {"content-type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if reply.drip_seconds:
                    for _ in range(1000):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                        if outer._closing.wait(reply.drip_seconds):
                            return
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:
                    return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def times(self, path: str) -> int:
        return sum(one.path == path for one in self.asked)
