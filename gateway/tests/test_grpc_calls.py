"""Native gRPC and gRPC-Web through Envoy, deadlines, retries, and what callers see when a service is gone."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cine.common.v1 import feed_pb2, feed_pb2_grpc, status_pb2, status_pb2_grpc
from cine.recommender.v1 import cinematch_pb2, cinematch_pb2_grpc


async def test_a_native_call_goes_through(channel: grpc.aio.Channel) -> None:
    movie = await catalog_pb2_grpc.CatalogServiceStub(channel).GetMovie(catalog_pb2.GetMovieRequest(movie_id=603))
    assert (movie.movie_id, movie.title) == (603, "Heat")
    health = await cinematch_pb2_grpc.CineMatchServiceStub(channel).GetHealth(cinematch_pb2.GetHealthRequest())
    assert health.num_items == 62485


async def test_native_metadata_goes_through(channel: grpc.aio.Channel) -> None:
    metadata = (("x-note", "plain"), ("x-note-bin", b"\x00\xff"))
    call = catalog_pb2_grpc.CatalogServiceStub(channel).SearchMovies(
        catalog_pb2.SearchMoviesRequest(query="heat"), metadata=metadata, compression=grpc.Compression.Gzip
    )
    found = await call
    assert json.loads(found.movies[0].overview)["metadata"]["x-note"] == "plain"


async def test_a_native_error_keeps_its_details(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await catalog_pb2_grpc.CatalogServiceStub(channel).GetMovie(catalog_pb2.GetMovieRequest(movie_id=105))
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND
    status = rpc_status.from_call(raised.value)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.reason == "MOVIE_NOT_FOUND"


async def test_a_native_stream_goes_through(channel: grpc.aio.Channel) -> None:
    stub = catalog_pb2_grpc.CatalogServiceStub(channel)
    found = [one.movies[0].movie_id async for one in stub.StreamMovies(catalog_pb2.StreamMoviesRequest())]
    assert found == [1, 2, 3]


async def test_calls_that_are_not_for_outside_are_refused(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as internal:
        stub = catalog_pb2_grpc.CatalogServiceStub(channel)
        await stub.ListStreamingServices(catalog_pb2.ListStreamingServicesRequest())
    assert internal.value.code() is grpc.StatusCode.PERMISSION_DENIED
    # every process mounts these, so no address of the edge could mean one of them
    with pytest.raises(grpc.aio.AioRpcError) as feed:
        async for _ in feed_pb2_grpc.FeedServiceStub(channel).WatchEvents(feed_pb2.WatchEventsRequest()):
            pass
    assert feed.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(grpc.aio.AioRpcError) as status:
        await status_pb2_grpc.StatusServiceStub(channel).GetStatus(status_pb2.GetStatusRequest())
    assert status.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("text", [False, True])
def test_a_grpc_web_call_goes_through(http: httpx.Client, text: bool) -> None:
    message = catalog_pb2.GetMovieRequest(movie_id=603).SerializeToString()
    frame = b"\0" + struct.pack(">I", len(message)) + message
    kind = "application/grpc-web-text" if text else "application/grpc-web+proto"
    answer = http.post(
        "/cine.catalog.v1.CatalogService/GetMovie",
        content=base64.b64encode(frame) if text else frame,
        headers={"content-type": kind, "x-grpc-web": "1", "accept": kind, "origin": "https://films.example"},
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind.split("+")[0])
    assert answer.headers["access-control-allow-origin"] == "https://films.example"
    data = answer.content
    if text:  # each frame is padded on its own
        data = b"".join(base64.b64decode(part + b"==") for part in data.replace(b"==", b"=").split(b"=") if part)
    length = struct.unpack(">I", data[1:5])[0]
    assert catalog_pb2.GetMovieResponse.FromString(data[5 : 5 + length]).title == "Heat"
    assert b"grpc-status:0" in data[5 + length :].replace(b" ", b"")


def test_a_grpc_web_preflight_is_answered(http: httpx.Client) -> None:
    answer = http.options(
        "/cine.catalog.v1.CatalogService/GetMovie",
        headers={
            "origin": "https://films.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "x-grpc-web,content-type",
        },
    )
    assert answer.headers["access-control-allow-origin"] == "https://films.example"
    assert "x-grpc-web" in answer.headers["access-control-allow-headers"]


def _time_left(answer: httpx.Response) -> float:
    seen = json.loads(answer.json()["movies"][0]["overview"])
    return float(seen["time_remaining"])


def test_the_deadline_of_the_edge_reaches_the_service(http: httpx.Client) -> None:
    left = _time_left(http.get("/api/v1/movies/search"))
    assert 0 < left < 1.6


def test_a_shorter_deadline_of_the_caller_reaches_the_service(http: httpx.Client) -> None:
    assert 0 < _time_left(http.get("/api/v1/movies/search", headers={"grpc-timeout": "700m"})) < 0.8
    # a longer one does not stretch that of the edge
    assert _time_left(http.get("/api/v1/movies/search", headers={"grpc-timeout": "60S"})) < 1.6


async def test_a_native_deadline_reaches_the_service(channel: grpc.aio.Channel) -> None:
    found = await catalog_pb2_grpc.CatalogServiceStub(channel).SearchMovies(
        catalog_pb2.SearchMoviesRequest(), timeout=0.9
    )
    assert 0 < json.loads(found.movies[0].overview)["time_remaining"] < 1


def test_a_call_past_its_deadline_gets_504(http: httpx.Client) -> None:
    answer = http.get("/api/v1/movies/search?query=slow", headers={"grpc-timeout": "200m"})
    assert answer.status_code == 504
    assert (answer.json()["code"], answer.json()["status"]) == (4, "DEADLINE_EXCEEDED")


async def test_a_native_call_past_the_deadline_of_the_edge_gets_deadline_exceeded(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await catalog_pb2_grpc.CatalogServiceStub(channel).SearchMovies(catalog_pb2.SearchMoviesRequest(query="slow"))
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_safe_call_is_sent_again_and_an_unsafe_one_is_not(http: httpx.Client, mesh: Any) -> None:
    mesh.catalog.calls, mesh.catalog.failures = 0, 2
    assert http.get("/api/v1/movies/603").status_code == 200
    assert mesh.catalog.calls == 3
    mesh.catalog.calls = 0
    assert http.post("/api/v1/movies/import", json={}).status_code == 503
    assert mesh.catalog.calls == 1


def test_a_service_that_is_down_gives_503_and_leaves_the_others_answering(
    http: httpx.Client, mesh: Any, stopped: Callable[[str], None]
) -> None:
    stopped("recommender-0")
    stopped("recommender-1")
    answer = http.get("/health")
    assert answer.status_code == 503
    body = answer.json()
    assert (body["code"], body["status"]) == (14, "UNAVAILABLE")
    assert "/health/detailed" in body["message"]
    assert body["details"][0]["metadata"]["service"] == "recommender"
    assert "127.0.0.1" not in answer.text
    assert http.get("/api/v1/movies/603").status_code == 200
    assert http.post("/api/recommendations", json={}).status_code == 503


def test_while_one_of_two_processes_runs_no_safe_call_fails(http: httpx.Client, stopped: Callable[[str], None]) -> None:
    stopped("recommender-0")
    # from the first moment on, before any health check has noticed
    assert {http.get("/health").status_code for _ in range(100)} == {200}


def test_a_process_that_comes_back_takes_calls_again(http: httpx.Client, mesh: Any) -> None:
    process = mesh.processes["catalog"]
    mesh.loop.run(process.stop())
    mesh.wait_for_hosts("catalog", 0)
    assert http.get("/api/v1/movies/603").status_code == 503
    mesh.loop.run(process.start())
    mesh.wait_for_everything()
    assert http.get("/api/v1/movies/603").status_code == 200


async def test_a_native_caller_of_a_service_that_is_down_learns_no_address(
    channel: grpc.aio.Channel, stopped: Callable[[str], None]
) -> None:
    stopped("recommender-0")
    stopped("recommender-1")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await cinematch_pb2_grpc.CineMatchServiceStub(channel).GetHealth(cinematch_pb2.GetHealthRequest())
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "127.0.0.1" not in (raised.value.details() or "")
    assert "/health/detailed" in (raised.value.details() or "")
