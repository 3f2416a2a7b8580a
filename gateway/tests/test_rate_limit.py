"""The limit through a real Envoy: the 61st call in a minute, by user or address, over any protocol, with the limiter or without."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import redis

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cine.identity.v1 import auth_pb2, auth_pb2_grpc
from cinemesh import topology
from cinemesh.testing.postgres import StoreNotInstalled
from cinemesh.testing.redis import RedisServer

from .conftest import until
from .guarded import Guarded, admin, guarded

PATH = "/api/v1/movies/603"


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A gateway behind a proxy that says where a caller is, so that a test can be at many places."""
    with guarded(tmp_path_factory.mktemp("limit"), trusted_hops=1) as found:
        yield found


@pytest.fixture
def web(edge: Guarded) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=edge.url, timeout=10) as client:
        yield client


def user(edge: Guarded, name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {edge.tokens.user(name)}"}


def at(address: str) -> dict[str, str]:
    return {"x-forwarded-for": address}


def native(edge: Guarded, times: int, metadata: dict[str, str]) -> tuple[grpc.StatusCode, dict[str, Any]]:
    """Calls so many times and returns code and metadata of the last."""
    with grpc.insecure_channel(f"{topology.LOOPBACK}:{edge.port}") as channel:
        stub: Any = catalog_pb2_grpc.CatalogServiceStub(channel)
        code, told = grpc.StatusCode.UNKNOWN, {}
        for _ in range(times):
            call = stub.GetMovie.future(catalog_pb2.GetMovieRequest(movie_id=603), metadata=list(metadata.items()))
            code = call.code()
            told = {**dict(call.initial_metadata() or ()), **dict(call.trailing_metadata() or ())}
        return code, told


def test_the_61st_call_of_a_user_gets_429(edge: Guarded, web: httpx.Client) -> None:
    ada = user(edge, "ada")
    for number in range(60):
        answer = web.get(PATH, headers=ada | at(f"198.51.100.{number}"))  # wherever the user is
        assert answer.status_code == 200
        assert answer.headers["ratelimit-limit"] == "60"
        assert answer.headers["ratelimit-remaining"] == str(59 - number)
        assert 1 <= int(answer.headers["ratelimit-reset"]) <= 60
        assert answer.headers["ratelimit-policy"] == '"calls";q=60;w=60'
        assert answer.headers["ratelimit"].startswith(f'"calls";r={59 - number};t=')
        assert "retry-after" not in answer.headers
    answer = web.get(PATH, headers=ada | {"origin": "https://films.example"})
    assert answer.status_code == 429
    body = answer.json()
    assert (body["code"], body["status"]) == (8, "RESOURCE_EXHAUSTED")
    info, retry = body["details"]
    assert (info["reason"], info["domain"]) == ("RATE_LIMITED", "gateway.cine")
    assert retry == {
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        "retry_delay": f"{answer.headers['retry-after']}s",
    }
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit-remaining"] == "0"
    assert answer.headers["access-control-allow-origin"] == "https://films.example"
    assert {"retry-after", "ratelimit-remaining"} <= set(answer.headers["access-control-expose-headers"].split(", "))
    # another of the same user's tokens is the same user; another user is not
    again = {"authorization": f"Bearer {edge.tokens.user('ada', jti='second')}"}
    assert web.get(PATH, headers=again).status_code == 429
    assert web.get(PATH, headers=user(edge, "bob")).status_code == 200


def test_rest_and_native_calls_share_one_count(edge: Guarded, web: httpx.Client) -> None:
    grace = user(edge, "grace")
    assert all(web.get(PATH, headers=grace).status_code == 200 for _ in range(30))
    code, told = native(edge, 30, grace)
    assert (code, told["ratelimit-remaining"]) == (grpc.StatusCode.OK, "0")
    code, told = native(edge, 1, grace)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert 1 <= int(told["retry-after"]) <= 60
    assert web.get(PATH, headers=grace).status_code == 429


def test_who_has_no_token_is_counted_by_address(web: httpx.Client) -> None:
    assert [web.get(PATH, headers=at("192.0.2.7")).status_code for _ in range(61)] == [200] * 60 + [429]
    assert web.get(PATH, headers=at("192.0.2.8")).status_code == 200


def test_services_learn_the_address_that_is_counted(web: httpx.Client) -> None:
    for address in ("192.0.2.30", "10.0.0.7", "2001:db8:0:9::1"):
        answer = web.get("/api/v1/movies/search", headers=at(f"203.0.113.1, {address}"))
        seen = json.loads(answer.json()["movies"][0]["overview"])["metadata"]
        assert seen["x-envoy-external-address"] == address


def test_an_ipv6_network_is_one_address(web: httpx.Client) -> None:
    addresses = [f"2001:db8:0:1::{number:x}" for number in range(1, 62)]
    assert [web.get(PATH, headers=at(one)).status_code for one in addresses] == [200] * 60 + [429]
    assert web.get(PATH, headers=at("2001:db8:0:2::1")).status_code == 200


def test_what_a_client_says_changes_nothing(edge: Guarded, web: httpx.Client) -> None:
    said = [{"x-user-id": f"u{n}"} if n % 2 else {"x-envoy-counted": "1"} for n in range(61)]
    answers = [web.get(PATH, headers=at("192.0.2.9") | one).status_code for one in said]
    assert answers == [200] * 60 + [429]
    # a bad token is not a way into somebody's count, nor out of one's own
    assert web.get(PATH, headers=at("192.0.2.9") | {"authorization": "Basic YTpi"}).status_code == 429
    assert web.get(PATH, headers={"authorization": f"Bearer {edge.tokens.foreign()}"}).status_code == 401


def test_pages_and_health_do_not_count(web: httpx.Client) -> None:
    for path in ("/", "/docs", "/openapi.json", "/health/live", "/health"):
        assert "ratelimit-remaining" not in web.get(path, headers=at("192.0.2.10")).headers
    preflight = {"origin": "https://films.example", "access-control-request-method": "GET"}
    assert web.options(PATH, headers=at("192.0.2.10") | preflight).status_code == 200
    assert web.get(PATH, headers=at("192.0.2.10")).headers["ratelimit-remaining"] == "59"
    # the keys are a call, and so is what no call has
    assert "ratelimit-remaining" in web.get("/.well-known/jwks.json", headers=at("192.0.2.10")).headers
    assert web.get("/api/v1/nothing", headers=at("192.0.2.10")).headers["ratelimit-remaining"] == "57"


@pytest.mark.parametrize(
    "path", ["/%61pi/v1/movies/603", "//api/v1/movies/603", "/x/../api/v1/movies/603", "/api/v1/movies/603/"]
)
def test_no_spelling_of_a_path_gets_past_the_count(web: httpx.Client, path: str) -> None:
    answer = web.get(httpx.URL(web.base_url).copy_with(raw_path=path.encode()), headers=at("192.0.2.11"))
    assert answer.status_code != 200 or "ratelimit-remaining" in answer.headers


def test_a_grpc_web_call_counts(web: httpx.Client) -> None:
    headers = at("192.0.2.12") | {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    statuses = []
    for _ in range(61):
        answer = web.post("/cine.catalog.v1.CatalogService/GetMovie", content=b"\0\0\0\0\0", headers=headers)
        statuses.append(answer.headers.get("grpc-status") or str(answer.status_code))
    assert statuses[:60].count("8") + statuses[:60].count("429") == 0
    assert statuses[60] in {"8", "429"}


def test_the_limiter_answers_in_time(edge: Guarded, web: httpx.Client) -> None:
    """Envoy waits 50 ms; were that too short, its own bucket would count instead."""
    before = admin(edge, "/stats?filter=ratelimit.error")
    assert not re.search(r"error: [1-9]", before), before


def test_when_the_limiter_is_away_envoys_own_bucket_counts(edge: Guarded, web: httpx.Client) -> None:
    edge.limiter.stop()
    try:
        eve = user(edge, "eve")
        statuses = [web.get(PATH, headers=eve).status_code for _ in range(70)]
        assert 60 <= statuses.count(200) <= 62  # the bucket refills a call a second
        answer = web.get(PATH, headers=eve)
        while answer.status_code == 200:
            answer = web.get(PATH, headers=eve)
        assert answer.status_code == 429
        assert answer.json()["details"][0]["reason"] == "RATE_LIMITED"
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["details"][1]["retry_delay"] == f"{answer.headers['retry-after']}s"
        assert answer.headers["ratelimit-limit"] == "60" and answer.headers["ratelimit-remaining"] == "0"
        # each caller has a bucket of its own
        assert web.get(PATH, headers=user(edge, "frank")).status_code == 200
        places = [web.get(PATH, headers=at("192.0.2.20")).status_code for _ in range(64)]
        assert 429 in places and web.get(PATH, headers=at("192.0.2.21")).status_code == 200
        assert native(edge, 1, eve)[0] in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.OK}
    finally:
        edge.limiter.start()
    until(lambda: "cluster.limiter.membership_healthy: 1" in admin(edge, "/stats?filter=limiter.membership_healthy"))
    # exact again, and the empty bucket refuses nothing that the limiter lets pass
    until(lambda: web.get(PATH, headers=user(edge, "zoe")).headers.get("ratelimit-remaining") is not None)
    assert [web.get(PATH, headers=eve).status_code for _ in range(61)] == [200] * 60 + [429]


def test_a_limiter_that_hangs_is_left_alone(tmp_path: Path) -> None:
    with guarded(tmp_path / "one") as edge, httpx.Client(base_url=edge.url, timeout=10) as web:
        edge.limiter.stop()
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "CINE_VAR_DIR": str(edge.settings.var_dir),
            "CINE_PORT_BASE": str(edge.settings.port_base),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "cine_gateway", "limiter"], env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL
        )
        try:
            until(lambda: "ratelimit-remaining" in web.get(PATH, headers=user(edge, "ada")).headers)
            metrics = httpx.get(f"http://{topology.LOOPBACK}:{edge.settings.limiter_metrics_port}/metrics").text
            assert 'cine_limiter_calls_total{outcome="passed"}' in metrics
            process.send_signal(signal.SIGSTOP)
            begin = time.perf_counter()
            assert web.get(PATH, headers=user(edge, "ada")).status_code == 200
            assert time.perf_counter() - begin < 0.5
            until(lambda: "membership_healthy: 0" in admin(edge, "/stats?filter=limiter.membership_healthy"))
            begin = time.perf_counter()
            assert all(web.get(PATH, headers=user(edge, "bob")).status_code == 200 for _ in range(10))
            assert time.perf_counter() - begin < 0.4  # not ten times its patience
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            assert process.wait(timeout=10) == 0


def test_redis_that_dies_in_the_middle_changes_nothing_for_the_caller(tmp_path: Path) -> None:
    server = RedisServer()
    try:
        server.start()
    except StoreNotInstalled as reason:
        pytest.skip(str(reason))
    try:
        with (
            guarded(tmp_path / "one", redis_url=server.url) as edge,
            httpx.Client(base_url=edge.url, timeout=10) as web,
        ):
            ada = user(edge, "ada")
            before = [web.get(PATH, headers=ada).status_code for _ in range(30)]
            assert redis.Redis.from_url(server.url).keys("cine:limit:*")
            server.stop()
            after = [web.get(PATH, headers=ada).status_code for _ in range(31)]
            assert before + after == [200] * 60 + [429]
    finally:
        server.stop()


def test_sign_ins_beyond_what_hashes_allow_are_sent_away_at_the_edge(tmp_path: Path) -> None:
    form = {"username": "ada", "password": "seven quiet meadows"}
    with (
        guarded(tmp_path, rate_limit=0, sign_ins_per_second=3) as edge,
        httpx.Client(base_url=edge.url, timeout=10) as client,
    ):
        answers = [client.post("/api/v1/auth/login", json=form) for _ in range(12)]
        refused = [answer for answer in answers if answer.status_code == 429]
        # the backend answers no sign-in: 501 is what was let through
        assert {answer.status_code for answer in answers} == {429, 501}
        # a second may end in between and bring three more
        assert 6 <= len(refused) <= 9 and answers[0].status_code == 501
        body = refused[0].json()
        assert (body["code"], body["status"], body["details"][0]["reason"]) == (8, "RESOURCE_EXHAUSTED", "RATE_LIMITED")
        assert "sign-ins are 3 a second" in body["message"]
        assert int(refused[0].headers["retry-after"]) >= 1
        # nobody else notices
        assert all(client.get(PATH).status_code == 200 for _ in range(10))
        until(lambda: client.post("/api/v1/auth/login/", json=form).status_code == 501)

        with grpc.insecure_channel(f"{topology.LOOPBACK}:{edge.port}") as channel:
            stub: Any = auth_pb2_grpc.AuthServiceStub(channel)
            calls = [stub.Login.future(auth_pb2.LoginRequest(**form)) for _ in range(12)]
            codes = [call.code() for call in calls]
        assert set(codes) == {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNIMPLEMENTED}
