"""What the edge adds to and takes from every exchange: CORS, security headers, who is believed, limits, compression, log."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

GOOD = {"origin": "https://films.example"}
FOREIGN = {"origin": "https://evil.example"}
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}


def seen_by_service(answer: httpx.Response) -> dict[str, Any]:
    """Returns the metadata that reached the catalogue."""
    found: dict[str, Any] = json.loads(answer.json()["movies"][0]["overview"])
    return found


def log_line(mesh: Any, marker: str) -> dict[str, Any]:
    """Waits for the line of the access log that holds a marker."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for line in mesh.log.read_text().splitlines():
            if marker in line:
                found: dict[str, Any] = json.loads(line)
                return found
        time.sleep(0.1)
    raise AssertionError("not logged")


def test_a_preflight_from_a_named_origin_is_answered_at_the_edge(http: httpx.Client) -> None:
    answer = http.options("/api/recommendations", headers=GOOD | PREFLIGHT)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == GOOD["origin"]
    assert {"GET", "POST", "OPTIONS"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-max-age"] == "600"


@pytest.mark.parametrize("path", ["/api/v1/movies/603", "/api/v1/movies/search/", "/health"])
def test_answers_and_errors_carry_cors_headers(http: httpx.Client, path: str) -> None:
    for answer in (http.get(path, headers=GOOD), http.get(f"{path}?unknown=1", headers=GOOD)):
        assert answer.headers["access-control-allow-origin"] == GOOD["origin"]
        assert "x-request-id" in answer.headers["access-control-expose-headers"]
        assert "Origin" in answer.headers["vary"]


def test_a_foreign_origin_gets_no_cors_header(http: httpx.Client) -> None:
    for answer in (
        http.options("/api/recommendations", headers=FOREIGN | PREFLIGHT),
        http.get("/api/v1/movies/603", headers=FOREIGN),
        http.get("/api/v1/movies/603", headers={"origin": "null"}),
        http.get("/api/v1/movies/603", headers={"origin": "https://films.example.evil.example"}),
    ):
        assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/health", "/api/v1/movies/101", "/api/v1/nothing", "/api/v1/movies/x", "/", "/docs", "/health/live"]
)
def test_every_answer_carries_the_security_headers(http: httpx.Client, path: str) -> None:
    headers = http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "object-src 'none'" in headers["content-security-policy"]
    assert "base-uri 'none'" in headers["content-security-policy"]
    # plain HTTP: a browser would lock itself out
    assert "strict-transport-security" not in headers
    for name in ("server", "x-powered-by", "x-envoy-upstream-service-time"):
        assert name not in headers


def test_what_a_client_says_of_itself_is_not_believed(http: httpx.Client) -> None:
    spoofed = {
        "x-user-id": "1",
        "X-User-Roles": "admin",
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-envoy-original-path": "/elsewhere",
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-envoy-retry-on": "5xx",
        "forwarded": "for=203.0.113.9",
        "x-real-ip": "203.0.113.9",
    }
    found = seen_by_service(http.get("/api/v1/movies/search", headers=spoofed))["metadata"]
    assert "203.0.113.9" not in json.dumps(found)
    assert (
        not {"x-user-id", "x-user-roles", "x-forwarded-host", "forwarded", "x-real-ip", "x-envoy-retry-on"}
        & found.keys()
    )
    assert found["x-forwarded-proto"] == "http"
    assert found["x-envoy-original-path"] == "/api/v1/movies/search"


def test_a_request_id_goes_through_and_comes_back(http: httpx.Client) -> None:
    answer = http.get("/api/v1/movies/search", headers={"x-request-id": "from-the-client-1"})
    assert answer.headers["x-request-id"] == "from-the-client-1"
    assert seen_by_service(answer)["metadata"]["x-request-id"] == "from-the-client-1"


def test_a_request_without_an_id_gets_one(http: httpx.Client) -> None:
    answer = http.get("/api/v1/movies/search")
    assert len(answer.headers["x-request-id"]) == 36
    assert seen_by_service(answer)["metadata"]["x-request-id"] == answer.headers["x-request-id"]
    assert http.get("/api/v1/movies/x").json()["details"][0]["metadata"]["request_id"]


@pytest.mark.parametrize(
    "path",
    ["/api/v1/movies/%2e%2e%2fhealth", "/api/v1%2fmovies/603", "/api/v1/movies/60%00", "/css%5csite.css"],
)
def test_paths_that_could_mean_two_things_are_refused(http: httpx.Client, path: str) -> None:
    answer = http.get(httpx.URL(http.base_url).copy_with(raw_path=path.encode()))
    assert answer.status_code == 400
    assert answer.json()["status"] == "INVALID_ARGUMENT"
    assert answer.json()["message"] != "malformed request: "


def test_doubled_slashes_are_one(http: httpx.Client) -> None:
    assert http.get("/api//v1/movies//603").json()["movie_id"] == 603


def test_headers_with_underscores_are_refused(http: httpx.Client) -> None:
    answer = http.get("/health", headers={"x_user_id": "1"})
    assert (answer.status_code, answer.json()["status"]) == (400, "INVALID_ARGUMENT")


def test_headers_that_grpc_cannot_carry_are_named(http: httpx.Client) -> None:
    # sent on, each of these would make the service reset the stream: a 503 for the caller's own mistake
    for name in ("authorization", "x-note", "x-request-id"):
        answer = http.get("/api/v1/movies/603", headers=[(name.encode(), "Basic caf\u00e9".encode())])
        assert answer.status_code == 400, name
        assert name in answer.json()["message"]
        assert answer.json()["details"][0]["reason"] == "MALFORMED_REQUEST"
    for name in ("x|y", "a&b", "~5", "it's", "x-note-bin"):
        answer = http.get("/api/v1/movies/603", headers={name: "1"})
        assert answer.status_code == 400, name
        assert name in answer.json()["message"]


def test_headers_that_a_browser_sends_by_itself_are_dropped_instead(http: httpx.Client) -> None:
    odd = [(name, "caf\u00e9".encode()) for name in (b"cookie", b"referer", b"user-agent")]
    answer = http.get("/api/v1/movies/search", headers=odd)
    assert answer.status_code == 200
    assert not {"cookie", "referer", "user-agent"} & seen_by_service(answer)["metadata"].keys()
    assert http.get("/api/v1/movies/search", headers={"grpc-encoding": "bogus"}).status_code == 200


def test_too_many_headers_are_refused(http: httpx.Client) -> None:
    answer = http.get("/health", headers={"x-long": "a" * 40_000})
    assert answer.status_code == 431
    assert answer.json()["details"][0]["reason"] == "HEADERS_TOO_LARGE"


@pytest.mark.parametrize(("accepted", "used"), [("gzip", "gzip"), ("br", "br"), ("gzip, br", "br"), ("identity", None)])
@pytest.mark.parametrize("path", ["/api/v1/movies/603", "/", "/css/site.css", "/openapi.json"])
def test_long_text_is_compressed(http: httpx.Client, path: str, accepted: str, used: str | None) -> None:
    request = http.build_request("GET", path, headers={"accept-encoding": accepted})
    answer = http.send(request, stream=True)
    raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == used
    assert "accept-encoding" in answer.headers["vary"].lower()
    plain = http.get(path, headers={"accept-encoding": "identity"}).content
    assert (len(raw) < len(plain)) == (used is not None)


def test_short_answers_are_not_compressed(http: httpx.Client) -> None:
    assert "content-encoding" not in http.get("/health", headers={"accept-encoding": "gzip"}).headers


def test_an_etag_survives_compression(http: httpx.Client) -> None:
    first = http.get("/", headers={"accept-encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    again = http.get("/", headers={"accept-encoding": "gzip", "if-none-match": first.headers["etag"]})
    assert again.status_code == 304


def test_the_access_log_is_json_without_queries(http: httpx.Client, mesh: Any) -> None:
    marker = f"log-{time.monotonic_ns()}"
    http.get("/api/v1/movies/search", params={"page_token": "canary-secret"}, headers={"x-request-id": marker})
    found = log_line(mesh, marker)
    assert (found["method"], found["path"], found["status"]) == ("GET", "/api/v1/movies/search", 200)
    assert (found["request_id"], found["upstream"], found["grpc_status"]) == (marker, "catalog", 0)
    assert "canary-secret" not in mesh.log.read_text()


def test_the_access_log_hides_a_secret_in_a_path(http: httpx.Client, mesh: Any) -> None:
    marker = f"secret-{time.monotonic_ns()}"
    http.get("/api/v1/watchlist/shared/canary-token", headers={"x-request-id": marker})
    found = log_line(mesh, marker)
    assert found["path"] == "/cine.watchlist.v1.CollaborationService/GetSharedList"
    assert sum(marker in line for line in mesh.log.read_text().splitlines()) == 1
    assert "canary-token" not in mesh.log.read_text()


def test_the_access_log_hides_a_secret_in_the_path_of_a_refused_call(http: httpx.Client, mesh: Any) -> None:
    marker = f"refused-{time.monotonic_ns()}"
    told = {"x-request-id": marker, "authorization": "Bearer canary-of-a-token"}
    assert http.get("/api/v1/watchlist/shared/canary-token?page_size=1", headers=told).status_code == 401
    assert log_line(mesh, marker)["path"] == "(holds a secret)"
    assert sum(marker in line for line in mesh.log.read_text().splitlines()) == 1
    assert "canary" not in mesh.log.read_text()


@pytest.mark.parametrize("path", ["/config_dump", "/quitquitquit", "/logging", "/certs", "/runtime", "/"])
def test_the_admin_interface_answers_only_what_operations_need(mesh: Any, path: str) -> None:
    assert mesh.admin(path).status_code == 403
    assert mesh.admin("/ready").status_code == 200
    assert "cluster.catalog" in mesh.admin("/stats?filter=membership_healthy").text
