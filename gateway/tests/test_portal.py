"""The portal behind Envoy: pages, documentation without the internet, static files, the health of the mesh."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from cine_gateway.limiter.server import serving
from cine_gateway.portal import create_app, health
from cine_gateway.settings import GatewaySettings
from cinemesh.testing.ports import free_port

SERVICES = {"identity", "catalog", "ratings", "watchlist", "recommender", "aesthetic", "sentiment"}
DOWN = {"identity", "ratings", "watchlist", "aesthetic", "sentiment"}


class References(HTMLParser):
    """Collects what a page loads, and what it says inline."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.addresses += [value for name in ("src", "href") if (value := found.get(name))]
        self.inline += [name for name in found if name.startswith("on") or name == "style"]
        self._in_script = tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.inline.append(data)


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/redoc", "/redoc/"])
def test_documentation_loads_everything_from_here(http: httpx.Client, path: str) -> None:
    page = http.get(path)
    assert page.status_code == 200
    found = References()
    found.feed(page.text)
    assert found.inline == []
    assert found.addresses
    for address in found.addresses:
        assert address.startswith("/assets/"), address
        assert http.get(address).status_code == 200, address
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    # Redoc alone cannot do without
    assert ("'unsafe-inline'" in policy) == ("redoc" in path)


def test_assets_of_a_version_are_kept_for_good(http: httpx.Client) -> None:
    (script,) = re.findall(r'src="(/assets/[^"]*bundle\.js)"', http.get("/docs").text)
    assert "immutable" in http.get(script).headers["cache-control"]
    assert "immutable" not in http.get("/assets/start/docs.js").headers["cache-control"]


def test_the_description_is_served_with_an_etag(http: httpx.Client) -> None:
    first = http.get("/openapi.json")
    assert first.json()["openapi"].startswith("3.1")
    assert "/api/v1/movies/{movie_id}" in first.json()["paths"]
    assert http.get("/openapi.json", headers={"if-none-match": first.headers["etag"]}).status_code == 304
    assert http.get("/openapi.json/").json() == first.json()


def test_the_explorer_is_served_at_the_root(http: httpx.Client) -> None:
    page = http.get("/")
    assert "explorer" in page.text
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    assert "style-src 'self';" in page.headers["content-security-policy"]
    assert http.get("/", headers={"if-none-match": page.headers["etag"]}).status_code == 304
    style = http.get("/css/site.css")
    assert style.headers["content-type"].startswith("text/css")
    assert http.head("/css/site.css").headers["content-length"] == str(len(style.content))


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/css/../../secret.txt",
        "/css/%2e%2e/%2e%2e/secret.txt",
        "/css/..%5c..%5csecret.txt",
        "/.%2e/secret.txt",
    ],
)
def test_no_path_leads_out_of_the_folder(http: httpx.Client, path: str) -> None:
    answer = http.get(httpx.URL(http.base_url).copy_with(raw_path=path.encode()))
    assert answer.status_code in {400, 404}
    assert "secret" not in answer.text.replace("secret.txt", "")


def test_a_missing_folder_of_the_explorer_is_a_missing_page(tmp_path: Any) -> None:
    settings = GatewaySettings(var_dir=tmp_path, web_dir=tmp_path / "none", _env_file=None)
    with TestClient(create_app(settings)) as client:
        assert client.get("/").status_code == 404
        assert client.get("/docs").status_code == 200


def test_live_asks_nobody(http: httpx.Client) -> None:
    assert http.get("/health/live").json() == {"status": "ok"}
    assert http.get("/health/live/").status_code == 200


def test_health_is_that_of_cinematch(http: httpx.Client) -> None:
    found = http.get("/health").json()
    assert (found["status"], found["num_items"], found["service"]) == ("ok", 62485, "cinematch-ml-backend")


def test_detailed_lists_every_service_with_its_stores_and_says_which_is_down(http: httpx.Client) -> None:
    eventually(http, lambda one: one["status"] == "ok")
    answer = http.get("/health/detailed")
    assert answer.status_code == 200
    found = answer.json()
    assert found["status"] == "degraded"
    assert set(found["services"]) == SERVICES
    assert set(found["down"]) == DOWN
    catalog = found["services"]["catalog"]
    assert (catalog["status"], catalog["version"], catalog["profile"]) == ("ok", "1.2.3", "embedded")
    assert catalog["latency_ms"] > 0
    (store,) = catalog["dependencies"]
    assert store == {"name": "store", "status": "ok", "required": True, "latency_ms": 0.5, "detail": "sqlite"}
    assert found["services"]["identity"]["reason"] == "nothing answers on its port"
    assert "127.0.0.1" not in answer.text


async def test_detailed_says_whether_the_limiter_answers(mesh: Any) -> None:
    address = f"127.0.0.1:{free_port()}"
    monitor = health.HealthMonitor(mesh.settings.model_copy(update={"limiter": address}))
    try:
        told = health.detailed({}, await monitor.ask_limiter())
        assert (told["status"], told["limiter"]["status"]) == ("degraded", "degraded")
        assert told["limiter"]["reason"].startswith("nothing answers on its port: each gateway counts")
        async with serving(mesh.settings.model_copy(update={"limiter": address}), None), asyncio.timeout(5):
            while (told := health.detailed({}, await monitor.ask_limiter()))["status"] != "ok":  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
        assert told["limiter"]["status"] == "ok" and told["limiter"]["latency_ms"] > 0
    finally:
        await monitor.close()


@pytest.fixture
def catalog_answer(mesh: Any) -> Iterator[Any]:
    """The catalogue's own status, to be changed; put back afterwards. A round of questions is reused for half a second."""
    status = mesh.processes["catalog"].status
    before = type(status.answer)()
    before.CopyFrom(status.answer)
    yield status
    status.answer.CopyFrom(before)
    status.delay = 0.0


def eventually(http: httpx.Client, wanted: Callable[[Any], bool]) -> Any:
    """Asks until the catalogue's health is as wanted."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        found = http.get("/health/detailed").json()["services"]["catalog"]
        if wanted(found):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def test_detailed_tells_a_failing_store_from_a_service_that_is_not_ready(
    http: httpx.Client, catalog_answer: Any
) -> None:
    catalog_answer.answer.dependencies.add(name="search_index", ok=False, required=False, detail="rebuilding")
    found = eventually(http, lambda one: one["status"] == "degraded")
    assert found["reason"] == "search_index: rebuilding"
    catalog_answer.answer.ready = False
    assert "catalog" in eventually_down(http)
    catalog_answer.answer.dependencies.pop()
    assert eventually(http, lambda one: one.get("reason") == "not ready yet")["status"] == "down"


def eventually_down(http: httpx.Client) -> list[str]:
    """Returns the services that are down, once the catalogue is."""
    eventually(http, lambda one: one["status"] == "down")
    down: list[str] = http.get("/health/detailed").json()["down"]
    return down


def test_a_service_that_hangs_is_down_and_holds_nobody_up(http: httpx.Client, catalog_answer: Any) -> None:
    catalog_answer.delay = 5.0
    found = eventually(http, lambda one: one.get("reason", "").startswith("did not"))
    assert (found["status"], found["reason"]) == ("down", "did not answer within 0.5 s")
    assert http.get("/health/detailed").json()["services"]["recommender"]["status"] == "ok"


def test_ready_says_which_service_is_missing(http: httpx.Client) -> None:
    eventually(http, lambda one: one["status"] == "ok")
    answer = http.get("/health/ready")
    assert answer.status_code == 503
    assert set(answer.json()["not_ready"]) == DOWN


def test_ready_when_all_required_services_are(mesh: Any) -> None:
    settings = mesh.settings.model_copy(update={"required_services": ["catalog", "recommender"]})
    with TestClient(create_app(settings)) as client:
        answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "not_ready": {}})


def test_replicas_are_asked_one_by_one(mesh: Any) -> None:
    # the second process of the catalogue does not run
    settings = mesh.settings.model_copy(update={"replicas": {"catalog": 2}, "required_services": ["catalog"]})
    with TestClient(create_app(settings)) as client:
        found = client.get("/health/detailed").json()
        ready = client.get("/health/ready")
    catalog = found["services"]["catalog"]
    assert (catalog["status"], catalog["reason"]) == ("degraded", "replica 1: nothing answers on its port")
    assert [one["status"] for one in catalog["replicas"]] == ["ok", "down"]
    assert "catalog" not in found["down"]
    assert ready.status_code == 200


def test_a_fault_of_the_portal_shows_nothing(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("canary-secret")

    monkeypatch.setattr(health, "detailed", fail)
    with TestClient(
        create_app(GatewaySettings(var_dir=tmp_path, _env_file=None)), raise_server_exceptions=False
    ) as client:
        answer = client.get("/health/detailed")
    assert (answer.status_code, answer.json()["status"]) == (500, "INTERNAL")
    assert "canary" not in answer.text
