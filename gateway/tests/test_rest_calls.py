"""REST calls through a real Envoy: paths, queries, bodies and the errors that bad ones get."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

HTTP_OF_GRPC = {
    1: (499, "CANCELLED"),
    2: (500, "UNKNOWN"),
    3: (400, "INVALID_ARGUMENT"),
    4: (504, "DEADLINE_EXCEEDED"),
    5: (404, "NOT_FOUND"),
    6: (409, "ALREADY_EXISTS"),
    7: (403, "PERMISSION_DENIED"),
    8: (429, "RESOURCE_EXHAUSTED"),
    9: (400, "FAILED_PRECONDITION"),
    10: (409, "ABORTED"),
    11: (400, "OUT_OF_RANGE"),
    12: (501, "UNIMPLEMENTED"),
    13: (500, "INTERNAL"),
    14: (503, "UNAVAILABLE"),
    15: (500, "DATA_LOSS"),
    16: (401, "UNAUTHENTICATED"),
}


def assert_status(answer: httpx.Response, http: int, status: str, *, reason: str = "") -> dict[str, Any]:
    """Checks that an answer is a whole Status JSON and returns it."""
    assert answer.status_code == http, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert set(body) == {"code", "status", "message", "details"}
    assert body["status"] == status
    assert body["message"]
    if reason:
        info = body["details"][0]
        assert info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
        assert (info["reason"], info["domain"]) == (reason, "gateway.cine")
    return body


@pytest.mark.parametrize("path", ["/api/v1/movies/603", "/api/v1/movies/search", "/health"])
def test_every_path_answers_with_and_without_a_trailing_slash(http: httpx.Client, path: str) -> None:
    plain, slashed = http.get(path), http.get(f"{path}/")
    assert plain.status_code == slashed.status_code == 200
    assert plain.json().keys() == slashed.json().keys()


def test_a_post_answers_with_and_without_a_trailing_slash(http: httpx.Client) -> None:
    body = {"user_id": "test", "preferred_genres": ["action", "sci-fi"], "services": ["Netflix"]}
    plain, slashed = http.post("/api/recommendations", json=body), http.post("/api/recommendations/", json=body)
    assert len(plain.json()["recommendations"]) == 20
    assert plain.json() == slashed.json()


def test_a_literal_path_beats_a_variable(http: httpx.Client) -> None:
    assert "movies" in http.get("/api/v1/movies/search").json()
    assert http.get("/api/v1/movies/7").json()["movie_id"] == 7


def test_zero_false_and_empty_stay_in_the_answer(http: httpx.Client) -> None:
    body = http.get("/api/v1/movies/search").json()
    assert body["movies"][0]["movie_id"] == 0
    assert body["fuzzy"] is False
    assert body["next_page_token"] == ""
    assert body["facets"] == []


def test_a_query_reads_plus_percent_and_repeated_names(http: httpx.Client) -> None:
    found = http.get("/api/v1/movies/search?query=heist+in+dreams%2B%26%20caf%C3%A9&genre=sci-fi&genre=drama").json()[
        "movies"
    ][0]
    assert found["title"] == "heist in dreams+& café"
    assert found["genres"] == ["sci-fi", "drama"]


def test_negative_numbers_reach_the_rules_of_the_service(http: httpx.Client) -> None:
    assert http.get("/api/v1/movies/search?year_min=-5").json()["total_size"] == -5


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("qery=heat", "qery"),
        ("year_min=abc", "year_min"),
        ("year_min=1.5", "year_min"),
        ("year_min=99999999999", "year_min"),
        ("rating_min=much", "rating_min"),
        ("facets=maybe", "facets"),
        ("movies.title=x", "movies"),
    ],
)
def test_a_wrong_query_parameter_is_named(http: httpx.Client, query: str, named: str) -> None:
    body = assert_status(
        http.get(f"/api/v1/movies/search?{query}"), 400, "INVALID_ARGUMENT", reason="MALFORMED_REQUEST"
    )
    assert named in body["message"]


def test_a_wrong_path_variable_is_named(http: httpx.Client) -> None:
    body = assert_status(http.get("/api/v1/movies/heat"), 400, "INVALID_ARGUMENT", reason="MALFORMED_REQUEST")
    assert "movie_id" in body["message"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"user_id":', ""),
        (b"[]", ""),
        (b"not json", ""),
        (b'{"limit":"many"}', "limit"),
        (b'{"limit":{}}', "limit"),
        (b'{"preferred_genres":[{}]}', "preferred_genres"),
        (b'{"user_id":"\xff\xfe"}', "UTF-8"),
        (b'{"user_id":"\\ud800"}', ""),
    ],
)
def test_a_malformed_body_gets_400(http: httpx.Client, body: bytes, named: str) -> None:
    answer = http.post("/api/recommendations", content=body, headers={"content-type": "application/json"})
    found = assert_status(answer, 400, "INVALID_ARGUMENT", reason="MALFORMED_REQUEST")
    assert named in found["message"]


def _pieces(size: int) -> Iterator[bytes]:
    yield b'{"user_id":"'
    for _ in range(size // 65536):
        yield b"a" * 65536
    yield b'"}'


def test_a_body_of_10_mb_gets_413(http: httpx.Client) -> None:
    whole = b"".join(_pieces(10_000_000))
    assert_status(http.post("/api/recommendations", content=whole), 413, "RESOURCE_EXHAUSTED", reason="BODY_TOO_LARGE")
    # the same in chunks of no announced length
    answer = http.post("/api/recommendations", content=_pieces(10_000_000))
    assert_status(answer, 413, "RESOURCE_EXHAUSTED", reason="BODY_TOO_LARGE")
    assert http.get("/health").status_code == 200


def test_a_body_that_grows_past_the_limit_as_protobuf_gets_413(http: httpx.Client) -> None:
    # "-1," is three bytes of JSON and ten of protobuf
    body = b'{"liked_movie_ids":[' + b"-1," * 1_200_000 + b"-1]}"
    assert_status(http.post("/api/recommendations", content=body), 413, "RESOURCE_EXHAUSTED", reason="BODY_TOO_LARGE")


@pytest.mark.parametrize("code", sorted(HTTP_OF_GRPC))
def test_an_error_of_a_service_keeps_code_message_and_details(http: httpx.Client, code: int) -> None:
    status, name = HTTP_OF_GRPC[code]
    body = assert_status(http.get(f"/api/v1/movies/{100 + code}"), status, name)
    assert (body["code"], body["message"]) == (code, "no film")
    assert body["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "MOVIE_NOT_FOUND",
            "domain": "catalog.cine",
            "metadata": {"movie_id": "x"},
        }
    ]


def test_field_violations_reach_the_client(http: httpx.Client) -> None:
    answer = http.post("/api/recommendations", json={"preferred_genres": ["cooking"]})
    body = assert_status(answer, 400, "INVALID_ARGUMENT")
    (detail,) = body["details"]
    assert detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert detail["field_violations"][0]["field"] == "preferred_genres[0]"


def test_retry_info_becomes_retry_after(http: httpx.Client) -> None:
    answer = http.get("/api/v1/genres")
    assert_status(answer, 429, "RESOURCE_EXHAUSTED")
    assert answer.headers["retry-after"] == "3"  # 2.5 s, rounded up


def test_an_error_is_readable_compressed(http: httpx.Client) -> None:
    # the answer is rewritten before it is compressed, and its length is right
    answer = http.get("/api/v1/movies/105", headers={"accept-encoding": "gzip"})
    assert answer.json()["status"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/", "/api", "/nothing", "/cine.catalog.v1.CatalogService/GetMovie"]
)
def test_an_unknown_path_gets_404(http: httpx.Client, path: str) -> None:
    assert_status(http.get(path), 404, "NOT_FOUND", reason="ROUTE_NOT_FOUND")


@pytest.mark.parametrize(
    ("verb", "path", "allow"),
    [
        ("POST", "/api/v1/movies/603", "GET, OPTIONS"),
        ("DELETE", "/api/v1/movies/search/", "GET, OPTIONS"),
        ("GET", "/api/recommendations", "OPTIONS, POST"),
        ("PUT", "/health", "GET, OPTIONS"),
        ("POST", "/docs", "GET, HEAD"),
        ("DELETE", "/", "GET, HEAD"),
    ],
)
def test_a_wrong_verb_gets_405_with_the_right_ones(http: httpx.Client, verb: str, path: str, allow: str) -> None:
    answer = http.request(verb, path)
    assert_status(answer, 405, "UNIMPLEMENTED", reason="METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == allow


def test_options_lists_the_verbs(http: httpx.Client) -> None:
    answer = http.options("/api/recommendations")
    assert (answer.status_code, answer.headers["allow"]) == (204, "OPTIONS, POST")


def test_a_call_for_services_is_refused(http: httpx.Client) -> None:
    body = assert_status(http.get("/api/v1/streaming-services"), 403, "PERMISSION_DENIED", reason="ACCESS_DENIED")
    assert "services of the mesh" in body["message"]


def test_a_server_stream_arrives_as_events(http: httpx.Client) -> None:
    with http.stream("GET", "/api/v1/movies/stream?after_movie_id=5") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        data = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: ")]
    assert [event["movies"][0]["movie_id"] for event in data] == [6, 7, 8]


def test_an_upload_of_any_size_arrives_in_pieces(http: httpx.Client) -> None:
    # twice the limit of a JSON body: a stream is neither held nor limited at the gateway
    answer = http.post("/api/v1/uploads", content=b"x" * 10_000_000, headers={"content-type": "image/png"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == 10_000_000
    assert answer.json()["added"] > 1


def test_a_download_arrives_as_it_is(http: httpx.Client) -> None:
    answer = http.get("/api/v1/downloads")
    assert answer.headers["content-type"] == "text/csv"
    assert answer.text == "id,title\n603,The Matrix\n"
