"""A stand-in for gateway and services: the explorer's files and canned answers with the contract's shapes.

It lets the browser test run without the mesh, and lets one look at the explorer while working on it:
`python -m tests.e2e.explorer.stub_mesh 8123`. Films are the starter catalogue's; ratings are invented from the ids.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import mimetypes
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.e2e.explorer.stub_films import Film, card, fold, load_films
from tests.e2e.explorer.stub_identity import StubIdentity
from tests.e2e.explorer.stub_imports import StubImports
from tests.e2e.explorer.stub_people import Call, Refusal
from tests.e2e.explorer.stub_ratings import StubRatings
from tests.e2e.explorer.stub_recommender import StubRecommender
from tests.e2e.explorer.stub_shelves import Events, File
from tests.e2e.explorer.stub_watchlist import StubWatchlist

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "gateway" / "web"
# at least as strict as the portal's policy of pages
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
FOLDED = {"scifi": "Sci-Fi", "sciencefiction": "Sci-Fi", "noir": "Film-Noir", "kids": "Children"}


class Moved(Exception):
    """An answer that sends the browser elsewhere."""


class StubMesh:
    """The server, whose behaviour can be changed while it runs.

    Attributes:
        url: its address, ending in "/".
        down: services that answer 503.
        limited: seconds to wait that calls to the catalogue are refused with; 0 for none.
        unimplemented: paths that answer 501.
        slow: seconds that a search waits, by its query, and any other call, by its path.
        degraded: what CineMatch says it lacks; empty for a whole answer.
        losing: changes whose answers are lost on their way, from now on.
        seen: the requests so far, path and query.
        identity: accounts and who is signed in.
        watchlist: what people keep.
        imports: what they bring along.
        ratings: what they say about films.
        recommender: what is picked for them.
    """

    def __init__(self, port: int = 0) -> None:
        self.films = load_films()
        self.by_id = {film["movie_id"]: film for film in self.films}
        self.genres = Counter(genre for film in self.films for genre in film["genres"])
        self.streaming = Counter(service for film in self.films for service in film["streaming_services"])
        self.down: set[str] = set()
        self.limited = 0
        self.unimplemented: set[str] = set()
        self.slow: dict[str, float] = {}
        self.degraded = ""
        self.losing = 0
        self.seen: list[str] = []
        self.identity = StubIdentity()
        cards = {film["movie_id"]: card(film) for film in self.films}
        self.watchlist = StubWatchlist(self.identity, cards)
        self.imports = StubImports(self.identity, cards)
        self.ratings = StubRatings(self.identity, cards)
        self.recommender = StubRecommender(self.identity, cards, self.ratings, sorted(self.genres))
        self._signed = [self.watchlist, self.imports, self.ratings, self.recommender]
        self._identity_lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stub.respond(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            do_POST = do_GET  # noqa: N815 - the names are http.server's
            do_PUT = do_GET  # noqa: N815
            do_DELETE = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 64  # a page opens many connections at once

        self._server = Server(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> StubMesh:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reset(self) -> None:
        """Everything is up again, nothing seen."""
        self.down.clear()
        self.unimplemented.clear()
        self.slow.clear()
        self.degraded = ""
        self.limited = 0
        self.losing = 0
        self.seen.clear()
        self.identity.reset()
        for one in self._signed:
            one.reset()

    def respond(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answers one request."""
        url = urlsplit(handler.path)
        path = url.path.rstrip("/") or "/"
        query = parse_qs(url.query)
        self.seen.append(handler.path)
        http, kind, payload, headers = 200, "application/json", b"", list[tuple[str, str]]()
        try:
            served = [one for one in (self.identity, *self._signed) if one.serves(path)]
            time.sleep(self.slow.get(path, 0))
            if served:
                self._require(served[0].service)
                parsed = json.loads(body or "{}") if handler.headers.get_content_type() == "application/json" else {}
                call = Call(handler.command, path, query, parsed, handler.headers, raw=body)
                with self._identity_lock:
                    answer = served[0].answer(call)
                if self.losing and call.method != "GET" and served[0] is not self.identity:
                    self.losing -= 1
                    raise Refusal(503, "UNAVAILABLE", "the connection was lost")
                headers = [("Set-Cookie", cookie) for cookie in call.cookies]
            else:
                answer = self._answer(path, query, body)
            if isinstance(answer, Events):
                self._stream(handler, answer)
                return
            if isinstance(answer, File):
                kind, payload = answer.kind, answer.content
            elif isinstance(answer, Path):
                kind, payload = mimetypes.guess_type(answer.name)[0] or "application/octet-stream", answer.read_bytes()
            else:
                payload = json.dumps(answer).encode()
        except Refusal as refusal:
            http, payload = refusal.http, json.dumps(refusal.body).encode()
            headers = [("Retry-After", str(refusal.wait))] if refusal.wait else []
        except Moved as moved:
            http, headers = 303, [("Location", str(moved))]
        handler.send_response(http)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(payload)))
        handler.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        handler.send_header("X-Content-Type-Options", "nosniff")
        handler.send_header("Cache-Control", "no-store")
        for name, value in headers:
            handler.send_header(name, value)
        handler.end_headers()
        with contextlib.suppress(ConnectionError):  # a request that the page no longer wants
            handler.wfile.write(payload)

    @staticmethod
    def _stream(handler: BaseHTTPRequestHandler, events: Events) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        with contextlib.suppress(ConnectionError):
            for piece in events.pieces:
                handler.wfile.write(f"data: {json.dumps(piece)}\n\n".encode())
                handler.wfile.flush()

    def _answer(self, path: str, query: dict[str, list[str]], body: bytes) -> Any:
        if path.startswith("/api/v1/recommendations") or path in {"/api/recommendations", "/health"}:
            self._require("recommender")
        elif path.startswith("/api/"):
            self._require("catalog")
            if self.limited:
                raise Refusal(429, "RESOURCE_EXHAUSTED", "too many", reason="RATE_LIMITED", wait=self.limited)
        if path in self.unimplemented:
            raise Refusal(501, "UNIMPLEMENTED", "not there yet")
        exact: dict[str, Callable[[], Any]] = {
            "/api/v1/movies/search": lambda: self._search(query),
            "/api/v1/movies/popular": lambda: self._list(query, lambda film: -film["rating_count"]),
            "/api/v1/movies/trending": lambda: self._list(query, lambda film: film["movie_id"] * 7907 % 1000),
            "/api/v1/movies/top-rated": lambda: self._list(query, lambda film: -film["average_rating"]),
            "/api/v1/genres": lambda: {"genres": self._values(self.genres)},
            "/api/v1/streaming-services": lambda: {"services": self._values(self.streaming), "source": "mock"},
            "/api/recommendations": lambda: self._match(json.loads(body)),
            "/health": lambda: {"status": "ok", "num_items": len(self.films), "service": "cinematch-ml-backend"},
            "/health/detailed": self._health,
        }
        if path in exact:
            return exact[path]()
        if found := re.fullmatch(r"/api/v1/movies/(\d+)", path):
            return self._film(int(found[1]))
        if found := re.fullmatch(r"/api/v1/recommendations/similar/(\d+)", path):
            return self._similar(self._film(int(found[1])))
        if path.startswith("/api/"):
            raise Refusal(404, "NOT_FOUND", f"no such path: {path}")
        if found := re.fullmatch(r"/provider/(\w+)", path):
            # the page of a provider on which everybody says yes
            raise Moved(f"/oauth/callback/{found[1]}?{urlencode({'code': 'good', 'state': query['state'][0]})}")
        if found := re.fullmatch(r"/oauth/callback/(\w+)", path):
            raise Moved(f"/#/oauth/{found[1]}?{urlencode(query, doseq=True)}")
        file = (WEB / path.lstrip("/")).resolve() if path != "/" else WEB / "index.html"
        if not file.is_relative_to(WEB) or not file.is_file():
            raise Refusal(404, "NOT_FOUND", f"no such file: {path}")
        return file

    def _require(self, service: str) -> None:
        if service in self.down:
            raise Refusal(503, "UNAVAILABLE", "no healthy upstream")

    def _health(self) -> Any:
        names = ("identity", "catalog", "ratings", "watchlist", "recommender", "aesthetic", "sentiment")
        states = {name: {"status": "down" if name in self.down else "ok", "latency_ms": 1.2} for name in names}
        return {"status": "degraded" if self.down else "ok", "down": sorted(self.down), "services": states}

    @staticmethod
    def _values(counts: Counter[str]) -> list[dict[str, Any]]:
        return [{"value": value, "count": count} for value, count in counts.most_common()]

    def _resolve(self, kind: str, names: Iterable[str], accepted: Iterable[str], field: str) -> set[str]:
        known = {fold(name): name for name in accepted} | (FOLDED if kind == "genre" else {})
        found = set()
        for i, name in enumerate(names):
            if fold(name) not in known:
                listed = ", ".join(sorted(accepted))
                raise Refusal(
                    400, "INVALID_ARGUMENT", f'unknown {kind} "{name}". Accepted: {listed}', [f"{field}[{i}]"]
                )
            found.add(known[fold(name)])
        return found

    def _film(self, number: int) -> Film:
        if number not in self.by_id:
            raise Refusal(404, "NOT_FOUND", f"no film with id {number}")
        return self.by_id[number]

    def _page(self, films: list[Film], query: dict[str, list[str]]) -> dict[str, Any]:
        size = int(query.get("page_size", ["20"])[0]) or 20
        token = query.get("page_token", [""])[0]
        # like the services', a token is good for the query it was made for only
        same = {name: values for name, values in query.items() if name not in {"page_size", "page_token"}}
        mark = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:16]
        try:
            start = int(base64.urlsafe_b64decode(token).decode().removeprefix(mark + ".")) if token else 0
        except ValueError:
            raise Refusal(400, "INVALID_ARGUMENT", "page_token is not from this list", ["page_token"]) from None
        end = start + size
        following = base64.urlsafe_b64encode(f"{mark}.{end}".encode()).decode() if end < len(films) else ""
        return {
            "movies": [card(film) for film in films[start:end]],
            "next_page_token": following,
            "total_size": len(films),
        }

    def _list(self, query: dict[str, list[str]], key: Callable[[Film], float]) -> Any:
        wanted = self._resolve("genre", filter(None, query.get("genre", [])), self.genres, "genre")
        return self._page(sorted((film for film in self.films if wanted <= set(film["genres"])), key=key), query)

    def _search(self, query: dict[str, list[str]]) -> Any:
        def one(name: str, default: str = "") -> str:
            return query.get(name, [default])[0]

        genres = self._resolve("genre", query.get("genre", []), self.genres, "genre")
        services = self._resolve("streaming service", query.get("service", []), self.streaming, "service")
        first, last = int(one("year_min", "0") or 0), int(one("year_max", "0") or 0)
        if first and last and first > last:
            raise Refusal(400, "INVALID_ARGUMENT", "year_max must not be before year_min", ["year_max"])
        time.sleep(self.slow.get(one("query"), 0))
        words = [fold(word) for word in one("query").split()]

        def fits(film: Film) -> bool:
            people = film["cast"] + film["directors"]
            text = fold(
                " ".join([film["title"], str(film["year"]), *film["alternative_titles"], *people, *film["keywords"]])
            )
            return (
                all(word in text for word in words)
                and genres <= set(film["genres"])
                and (not services or bool(services & set(film["streaming_services"])))
                and (not first or film["year"] >= first)
                and (not last or 0 < film["year"] <= last)
                and fold(one("cast")) in fold(" ".join(film["cast"]))
                and fold(one("director")) in fold(" ".join(film["directors"]))
                and (not one("keyword") or one("keyword") in film["keywords"])
            )

        films = [film for film in self.films if fits(film)]
        orders: dict[str, Callable[[Film], Any]] = {
            "rating": lambda film: -film["average_rating"],
            "newest": lambda film: -film["year"],
            "oldest": lambda film: film["year"],
            "title": lambda film: film["title"],
        }

        def popular(film: Film) -> Any:
            return fold(one("query")) not in fold(film["title"]), -film["rating_count"]

        films.sort(key=orders.get(one("order_by"), popular))
        answer = self._page(films, query) | {"facets": [], "fuzzy": False}
        if one("facets") == "true":
            counts = {
                "genre": Counter(genre for film in films for genre in film["genres"]),
                "decade": Counter(str(film["year"] // 10 * 10) for film in films if film["year"]),
                "service": Counter(service for film in films for service in film["streaming_services"]),
            }
            answer["facets"] = [{"name": name, "values": self._values(count)} for name, count in counts.items()]
        return answer

    def _similar(self, film: Film) -> Any:
        others = [other for other in self.films if other is not film and other["movie_id"] != 999999]
        others.sort(key=lambda other: -len(set(other["genres"]) & set(film["genres"])))
        return {
            "recommendations": [
                {"movie": card(o), "score": 0.9, "rank": i, "explanation": {"text": f"Shares {o['genres'][0]}"}}
                for i, o in enumerate(others[:12], start=1)
            ],
            "request_id": f"similar-{film['movie_id']}",
        }

    def _match(self, asked: dict[str, Any]) -> Any:
        genres = self._resolve("genre", asked.get("preferred_genres", []), self.genres, "preferred_genres")
        services = self._resolve("streaming service", asked.get("services", []), self.streaming, "services")
        films = [f for f in self.films if not services or services & set(f["streaming_services"])]
        films.sort(key=lambda film: (-len(genres & set(film["genres"])), -film["rating_count"]))
        chosen = films[: asked.get("limit") or 20]
        return {
            "recommendations": [card(film) | {"score": 0.95 - i * 0.02} for i, film in enumerate(chosen)],
            "model": "content/20261121T004300",
            "degraded": bool(self.degraded),
            "degraded_reason": self.degraded,
        }


if __name__ == "__main__":
    with StubMesh(int(sys.argv[1])) as mesh:
        print(mesh.url)
        threading.Event().wait()
