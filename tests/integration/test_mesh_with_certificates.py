"""The whole mesh with certificates between its processes: it answers as ever, and nobody without a certificate gets an answer."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cinemesh import topology
from cinemesh.tls import TlsFiles, development_folder, open_channel

from .mesh import Mesh, started

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with started(tmp_path_factory.mktemp("certificates"), CINE_MTLS="true", https=True) as mesh:
        yield mesh


def test_calls_come_through_over_https(secured: Mesh) -> None:
    trusted = ssl.create_default_context(cafile=str(Path(secured.environment["CINE_VAR_DIR"]) / "keys" / "https.pem"))
    address = f"https://127.0.0.1:{secured.environment['CINE_GATEWAY_HTTPS_PORT']}"
    with httpx.Client(base_url=address, verify=trusted, trust_env=False, timeout=10) as client:
        assert client.get("/api/v1/movies/search", params={"query": "metropolis"}).json()["movies"]
        # the copies of others' data are read once the mesh answers
        deadline = time.monotonic() + 60
        while (told := client.get("/health/detailed").json())["status"] != "ok" and time.monotonic() < deadline:
            time.sleep(0.2)
        reasons = {name: one.get("reason") for name, one in told["services"].items()}
        assert (told["status"], told["limiter"]["status"]) == ("ok", "ok"), reasons
        registered = client.post(
            "/api/v1/auth/register",
            json={"username": "ada", "email": "ada@example.org", "password": "a long walk by the sea"},
        )
        assert registered.status_code == 200, registered.text
    redirected = httpx.get(f"{secured.address}/api/v1/genres", trust_env=False)
    assert redirected.status_code in {301, 308} and redirected.headers["location"].startswith(address)


def test_the_portal_answers_nobody_without_a_certificate(secured: Mesh) -> None:
    port = topology.portal_port(secured.base)
    files = TlsFiles.of(development_folder(Path(secured.environment["CINE_VAR_DIR"])), "cli")
    known = httpx.get(f"https://127.0.0.1:{port}/health/live", verify=files.client_context(), trust_env=False)
    assert known.json() == {"status": "ok"}
    bare = ssl.create_default_context(cafile=str(files.ca))
    for scheme in ("http", "https"):
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"{scheme}://127.0.0.1:{port}/health/live", verify=bare, trust_env=False)


async def test_a_service_answers_nobody_without_a_certificate(secured: Mesh) -> None:
    address = f"127.0.0.1:{topology.grpc_port('catalog', secured.base)}"
    files = TlsFiles.of(development_folder(Path(secured.environment["CINE_VAR_DIR"])), "cli")
    request = catalog_pb2.ListGenresRequest()
    async with open_channel(address, "catalog", files) as channel:
        assert (await catalog_pb2_grpc.CatalogServiceStub(channel).ListGenres(request, timeout=5)).genres
    bare = grpc.aio.secure_channel(
        address,
        grpc.ssl_channel_credentials(files.ca.read_bytes()),
        options=[("grpc.ssl_target_name_override", "catalog")],
    )
    for channel in (bare, grpc.aio.insecure_channel(address)):
        async with channel:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await catalog_pb2_grpc.CatalogServiceStub(channel).ListGenres(request, timeout=5)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    async with open_channel(address, "identity", files) as channel:  # the catalogue's certificate does not say identity
        with pytest.raises(grpc.aio.AioRpcError):
            await catalog_pb2_grpc.CatalogServiceStub(channel).ListGenres(request, timeout=5)
