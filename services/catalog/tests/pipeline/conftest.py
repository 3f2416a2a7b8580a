"""Small made-up data folders, and a local server that behaves like TMDb."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MOVIES = """movieId,title,genres
1,"Matrix, The (1999)",Action|Sci-Fi|Thriller
2,"City of Lost Children, The (Cité des enfants perdus, La) (1995)",Adventure|Drama|Fantasy
3,Old Film (1950),Drama
4,Nothing Known (2001),(no genres listed)
5,Home (2015),Animation|Children
6,Home (2016),Drama
7,Bare But Described (2005),(no genres listed)
"""
LINKS = """movieId,imdbId,tmdbId
1,0133093,603
2,0112682,902
"""
RATINGS = """userId,movieId,rating,timestamp
1,1,5.0,1500000000
2,1,4.0,1500000100
1,5,3.5,1400000000
"""
TAGS = """userId,movieId,tag,timestamp
1,1,Simulation,1500000000
2,1,simulation,1500000001
2,1,dvd,1500000001
"""


class DataFolder:
    """Writes files of a data folder by relative path."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture
def small_movielens(data: DataFolder) -> DataFolder:
    """A MovieLens folder of seven films with links, ratings and tags."""
    for name, content in (("movies", MOVIES), ("links", LINKS), ("ratings", RATINGS), ("tags", TAGS)):
        data.write(f"ml-small/{name}.csv", content)
    return data


def tmdb_film(tmdb_id: int) -> dict[str, Any]:
    """An answer as TMDb gives it, with everything appended."""
    return {
        "id": tmdb_id,
        "title": f"Film {tmdb_id}",
        "original_title": f"Original {tmdb_id}",
        "original_language": "fr",
        "imdb_id": f"tt{tmdb_id:07d}",
        "overview": "A film that exists in tests only.",
        "release_date": "1999-03-31",
        "runtime": 136,
        "poster_path": "/p.jpg",
        "vote_average": 8.2,
        "vote_count": 10,
        "genres": [{"id": 878, "name": "Science Fiction"}],
        "production_countries": [{"iso_3166_1": "US", "name": "United States"}],
        "spoken_languages": [{"iso_639_1": "en", "name": "English"}],
        "credits": {
            "cast": [{"name": "Second", "order": 1}, {"name": "First", "order": 0}],
            "crew": [
                {"name": "The Director", "job": "Director"},
                {"name": "The Writer", "job": "Screenplay"},
                {"name": "The Composer", "job": "Original Music Composer"},
                {"name": "The Eye", "job": "Director of Photography"},
            ],
        },
        "keywords": {"keywords": [{"id": 1, "name": "dream"}]},
        "watch/providers": {"results": {"US": {"flatrate": [{"provider_name": "Disney Plus"}]}}},
    }


class FakeTmdb:
    """What the server saw, and how it shall behave.

    ``script[id]`` is a list of behaviours consumed one a request: "ok", "404", "429", "429-date", "500", "cut", "not-json",
    "not-a-film", "other-id", "slow", "redirect". Without one it answers "ok".
    """

    def __init__(self) -> None:
        self.script: dict[int, list[str]] = {}
        self.asked: list[int] = []
        self.moments: list[float] = []
        self.authorisations: set[str] = set()
        self.queries: set[str] = set()
        self.refuse_token = False
        self.delay = 0.0
        self.url = ""

    @property
    def counts(self) -> Counter[int]:
        return Counter(self.asked)

    async def movie(self, request: Request) -> Response:
        tmdb_id = int(request.path_params["tmdb_id"])
        self.asked.append(tmdb_id)
        self.moments.append(time.monotonic())
        self.authorisations.add(request.headers.get("authorization", ""))
        self.queries.add(request.query_params.get("append_to_response", ""))
        if self.refuse_token:
            return JSONResponse({"status_message": "Invalid API key"}, 401)
        await asyncio.sleep(self.delay)
        steps = self.script.get(tmdb_id, [])
        return await self._behave(steps.pop(0) if steps else "ok", tmdb_id)

    async def _behave(self, step: str, tmdb_id: int) -> Response:
        body = json.dumps(tmdb_film(tmdb_id)).encode()
        match step:
            case "404":
                return JSONResponse({"success": False}, 404)
            case "429":
                return Response(status_code=429, headers={"Retry-After": "0.3"})
            case "429-date":
                return Response(status_code=429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})
            case "500":
                return Response(status_code=503)
            case "cut":
                return _Cut(body)
            case "not-json":
                return Response(body[: len(body) // 2], media_type="application/json")
            case "not-a-film":
                return JSONResponse({"id": tmdb_id})
            case "other-id":
                return JSONResponse(tmdb_film(tmdb_id + 1))
            case "slow":
                await asyncio.sleep(5)
            case "redirect":
                return Response(status_code=302, headers={"Location": "/elsewhere"})
        return Response(body, media_type="application/json")


class _Cut(Response):
    """Announces a whole body, sends half of it and ends the connection."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        length = str(len(self.body)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": False})


@pytest.fixture
def tmdb() -> Iterator[FakeTmdb]:
    """A running server on a free loopback port."""
    fake = FakeTmdb()
    app = Starlette(routes=[Route("/3/movie/{tmdb_id:int}", fake.movie)])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline, "the server did not start in time"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    fake.url = f"http://127.0.0.1:{port}"
    yield fake
    server.should_exit = True
    server.force_exit = True
    thread.join(timeout=10)
