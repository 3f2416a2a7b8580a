"""An import as a browser does it: a file through Envoy into Ratings, its watchlist rows on into Watchlist, and back again."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .mesh import Mesh, started
from .people import client_of

pytestmark = pytest.mark.timeout(300)
IMPORTS = "/api/v1/ratings/imports"


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with started(tmp_path_factory.mktemp("imports")) as made:
        yield made


@pytest.fixture
def ada(mesh: Mesh) -> Iterator[httpx.Client]:
    with client_of(mesh, f"ada{time.monotonic_ns() % 10**9}") as client:
        yield client


def export_of(films: list[dict[str, Any]], *, padding: int = 0) -> bytes:
    """Returns a Letterboxd export that rates two films, wants a third, and has a fourth on a list."""
    rated, second, wanted, listed = films[:4]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "ratings.csv",
            "Date,Name,Year,Letterboxd URI,Rating\n"
            f'2023-05-01,"{rated["title"]}",{rated["year"]},x,4.5\n2023-05-01,"{second["title"]}",{second["year"]},x,2\n',
        )
        archive.writestr(
            "watchlist.csv", f'Date,Name,Year,Letterboxd URI\n2023-06-01,"{wanted["title"]}",{wanted["year"]},x\n'
        )
        archive.writestr(
            "lists/rain.csv",
            "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n2022-01-01,Rain,,x,\n\n"
            f'Position,Name,Year,URL,Description\n1,"{listed["title"]}",{listed["year"]},x,\n',
        )
        archive.writestr("profile.jpg", os.urandom(padding))
    return packed.getvalue()


def progress(client: httpx.Client, import_id: str) -> list[dict[str, Any]]:
    """Follows an import by server-sent events until it rests."""
    with client.stream("GET", f"{IMPORTS}/{import_id}/progress") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [json.loads(line.removeprefix("data:")) for line in answer.iter_lines() if line.startswith("data:")]


def test_an_import_goes_through_the_edge_and_back(mesh: Mesh, ada: httpx.Client) -> None:
    films = mesh.get("/api/v1/movies/popular?page_size=4").json()["movies"]
    file = export_of(films, padding=6_000_000)  # more than any JSON body may have
    made = ada.post(IMPORTS, params={"file_name": "me.zip"}, content=file, headers={"content-type": "application/zip"})
    assert made.status_code == 200, made.text
    found = made.json()
    assert (found["source"], found["file_name"], found["rows_total"]) == ("letterboxd", "me.zip", 4)
    import_id = found["import_id"]
    assert progress(ada, import_id)[-1]["state"] == "ready"
    rows = ada.get(f"{IMPORTS}/{import_id}/rows").json()["rows"]
    assert [row["movie_id"] for row in rows] == [film["movie_id"] for film in films]
    assert ada.post(f"{IMPORTS}/{import_id}/confirm", json={}).json()["state"] in ("applying", "done")
    assert progress(ada, import_id)[-1]["state"] == "done"
    mine = {one["movie_id"]: one["overall"] for one in ada.get("/api/v1/ratings/my-ratings").json()["ratings"]}
    assert mine == {films[0]["movie_id"]: 4.5, films[1]["movie_id"]: 2}
    assert [one["movie_id"] for one in ada.get("/api/v1/watchlist/").json()["items"]] == [films[2]["movie_id"]]
    assert [one["name"] for one in ada.get("/api/v1/watchlist/lists").json()["lists"]] == ["Rain"]
    export = ada.get("/api/v1/ratings/export", params={"format": "json"})
    assert export.headers["content-type"] == "application/json" and len(export.json()["ratings"]) == 2
    assert ada.get("/api/v1/ratings/export", params={"format": "csv"}).text.startswith("kind,movie_id,title")
    assert ada.post(f"{IMPORTS}/{import_id}/rollback", json={}).status_code == 200
    assert progress(ada, import_id)[-1]["state"] == "rolled_back"
    assert ada.get("/api/v1/ratings/my-ratings").json()["ratings"] == []
    assert ada.get("/api/v1/watchlist/").json()["items"] == []
    assert ada.get("/api/v1/watchlist/lists").json()["lists"] == []


def test_what_cannot_be_read_is_told_in_words(mesh: Mesh, ada: httpx.Client) -> None:
    answer = ada.post(IMPORTS, content=b"\x89PNG\r\n\x1a\n" + b"\x00" * 100, headers={"content-type": "image/png"})
    assert answer.status_code == 400
    assert answer.json()["details"][0]["reason"] == "INVALID_FIELD" and "not a text file" in answer.json()["message"]
    assert ada.post(IMPORTS, content=b"").status_code == 400
    assert httpx.post(f"{mesh.address}{IMPORTS}", content=b"x", trust_env=False).status_code == 401


def test_a_file_that_is_too_large_is_refused(ada: httpx.Client, tmp_path: Path) -> None:
    large = tmp_path / "large.zip"
    large.write_bytes(b"PK\x03\x04" + b"\x00" * (51 * 1024 * 1024))
    with large.open("rb") as file:
        answer = ada.post(IMPORTS, content=file, headers={"content-type": "application/zip"})
    assert answer.status_code in (413, 429), answer.text
    assert answer.json()["details"][0]["reason"] == "BODY_TOO_LARGE"
