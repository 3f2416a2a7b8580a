# ruff: noqa: N802 - RPC names are the contract's
"""A small real gRPC backend with canned films, and contracts that have a call of every unusual kind."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import grpc
from google.api import annotations_pb2, httpbody_pb2
from google.protobuf import descriptor_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2
from google.rpc import status_pb2 as rpc_status_pb2
from grpc_status import rpc_status

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cine.common.v1 import access_pb2, film_card_pb2, status_pb2, status_pb2_grpc
from cine.recommender.v1 import cinematch_pb2, cinematch_pb2_grpc
from cine_gateway import contracts as contracts_of


def extended_contracts() -> contracts_of.Contracts:
    """Returns the real contracts with the additions."""
    files = descriptor_pb2.FileDescriptorSet.FromString(contracts_of.default_path().read_bytes())
    catalog = next(one for one in files.file if one.name == "cine/catalog/v1/catalog.proto")
    methods = {method.name: method for method in catalog.service[0].method}
    stream = methods["StreamMovies"].options
    stream.Extensions[access_pb2.access] = access_pb2.ACCESS_PUBLIC
    stream.Extensions[annotations_pb2.http].get = "/api/v1/movies/stream"
    methods["ListStreamingServices"].options.Extensions[access_pb2.access] = access_pb2.ACCESS_SERVICE

    upload = files.file.add(name="cine/catalog/v1/upload.proto", package="cine.catalog.v1", syntax="proto3")
    upload.dependency.extend(
        ["google/api/httpbody.proto", "google/api/annotations.proto", "cine/catalog/v1/catalog.proto"]
    )
    service = upload.service.add(name="UploadService")
    put = service.method.add(
        name="Put",
        input_type=".google.api.HttpBody",
        output_type=".cine.catalog.v1.ImportMoviesResponse",
        client_streaming=True,
    )
    put.options.Extensions[access_pb2.access] = access_pb2.ACCESS_PUBLIC
    put.options.Extensions[annotations_pb2.http].post = "/api/v1/uploads"
    put.options.Extensions[annotations_pb2.http].body = "*"
    get = service.method.add(
        name="Get", input_type=".google.api.HttpBody", output_type=".google.api.HttpBody", server_streaming=True
    )
    get.options.Extensions[access_pb2.access] = access_pb2.ACCESS_PUBLIC
    get.options.Extensions[annotations_pb2.http].get = "/api/v1/downloads"
    return contracts_of.parse(files.SerializeToString())


def _rich(code: int, message: str, *details: Any) -> Any:
    status = rpc_status_pb2.Status(code=code, message=message)
    for detail in details:
        status.details.add().Pack(detail)
    return rpc_status.to_status(status)


class Catalog(catalog_pb2_grpc.CatalogServiceServicer):
    """Answers with what it was asked, so that a test sees what arrived."""

    def __init__(self) -> None:
        self.failures = 0
        self.calls = 0

    async def SearchMovies(self, request: Any, context: Any) -> Any:
        if request.query == "slow":
            await asyncio.sleep(30)
        if request.query == "unhurried":
            await asyncio.sleep(0.8)
        seen = {
            "metadata": {key: value for key, value in context.invocation_metadata() if isinstance(value, str)},
            "time_remaining": context.time_remaining(),
        }
        card = film_card_pb2.FilmCard(movie_id=0, title=request.query, overview=json.dumps(seen), genres=request.genre)
        return catalog_pb2.SearchMoviesResponse(movies=[card], total_size=request.year_min)

    async def GetMovie(self, request: Any, context: Any) -> Any:
        self.calls += 1
        if self.failures > 0:
            self.failures -= 1
            await context.abort_with_status(_rich(code_pb2.UNAVAILABLE, "restarting"))
        if 100 < request.movie_id <= 116:
            info = error_details_pb2.ErrorInfo(
                reason="MOVIE_NOT_FOUND", domain="catalog.cine", metadata={"movie_id": "x"}
            )
            await context.abort_with_status(_rich(request.movie_id - 100, "no film", info))
        return catalog_pb2.GetMovieResponse(
            movie_id=request.movie_id, title="Heat", cast=[f"Actor {n}" for n in range(200)]
        )

    async def ListGenres(self, request: Any, context: Any) -> Any:
        retry = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=2, nanos=500_000_000))
        await context.abort_with_status(_rich(code_pb2.RESOURCE_EXHAUSTED, "too many", retry))

    async def StreamMovies(self, request: Any, context: Any) -> Any:
        for number in range(request.after_movie_id + 1, request.after_movie_id + 4):
            yield catalog_pb2.StreamMoviesResponse(movies=[catalog_pb2.GetMovieResponse(movie_id=number)])
            await asyncio.sleep(0.02)

    async def ImportMovies(self, request: Any, context: Any) -> Any:
        self.calls += 1
        await context.abort_with_status(_rich(code_pb2.UNAVAILABLE, "not now"))


async def _put(requests: Any, context: Any) -> Any:
    sizes = [len(piece.data) async for piece in requests]
    return catalog_pb2.ImportMoviesResponse(total=sum(sizes), added=len(sizes))


async def _get(request: Any, context: Any) -> Any:
    for piece in (b"id,title\n", b"603,The Matrix\n"):
        yield httpbody_pb2.HttpBody(content_type="text/csv", data=piece)


def add_catalog(catalog: Catalog, server: Any) -> None:
    """Mounts the catalogue and the upload of the extended contracts."""
    catalog_pb2_grpc.add_CatalogServiceServicer_to_server(catalog, server)
    put = grpc.stream_unary_rpc_method_handler(
        _put,
        request_deserializer=httpbody_pb2.HttpBody.FromString,
        response_serializer=catalog_pb2.ImportMoviesResponse.SerializeToString,
    )
    get = grpc.unary_stream_rpc_method_handler(
        _get,
        request_deserializer=httpbody_pb2.HttpBody.FromString,
        response_serializer=httpbody_pb2.HttpBody.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("cine.catalog.v1.UploadService", {"Put": put, "Get": get})]
    )


class CineMatch(cinematch_pb2_grpc.CineMatchServiceServicer):
    """Canned recommendations."""

    async def MatchMovies(self, request: Any, context: Any) -> Any:
        if "cooking" in request.preferred_genres:
            violation = error_details_pb2.BadRequest.FieldViolation(
                field="preferred_genres[0]", description="unknown genre"
            )
            await context.abort_with_status(
                _rich(
                    code_pb2.INVALID_ARGUMENT,
                    "unknown genre",
                    error_details_pb2.BadRequest(field_violations=[violation]),
                )
            )
        films = [cinematch_pb2.MatchedMovie(movie_id=n, title=request.user_id) for n in range(request.limit or 20)]
        return cinematch_pb2.MatchMoviesResponse(recommendations=films, model="canned")

    async def GetHealth(self, request: Any, context: Any) -> Any:
        return cinematch_pb2.GetHealthResponse(status="ok", num_items=62485, service="cinematch-ml-backend")


class Status(status_pb2_grpc.StatusServiceServicer):
    """Says that a service is well, or not."""

    def __init__(self, service: str) -> None:
        self.answer = status_pb2.GetStatusResponse(service=service, version="1.2.3", profile="embedded", ready=True)
        self.answer.dependencies.add(name="store", ok=True, required=True, latency_ms=0.5, detail="sqlite")
        self.delay = 0.0

    async def GetStatus(self, request: Any, context: Any) -> Any:
        await asyncio.sleep(self.delay)
        return self.answer
