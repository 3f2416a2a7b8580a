"""HTTPS at the edge, and certificates between Envoy and the services."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cine_gateway.envoy import certificate
from cine_gateway.settings import GatewaySettings
from cinemesh import topology
from cinemesh.testing.ports import free_base

from .authority import Authority
from .guarded import Guarded, guarded

PATH = "/api/v1/movies/603"


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    base = free_base() + 98
    with guarded(tmp_path_factory.mktemp("https"), https_port=base) as found:
        yield found


@pytest.fixture
def trust(edge: Guarded) -> ssl.SSLContext:
    """A client that believes the certificate made for development, and that alone."""
    return ssl.create_default_context(cafile=str(edge.settings.keys_dir / certificate.CERT_FILE))


def test_calls_go_over_https_with_a_certificate_for_this_machine(edge: Guarded, trust: ssl.SSLContext) -> None:
    for host in ("127.0.0.1", "localhost"):
        answer = httpx.get(f"https://{host}:{edge.port}{PATH}", verify=trust)
        assert answer.status_code == 200
        age = int(answer.headers["strict-transport-security"].split(";")[0].removeprefix("max-age="))
        assert age >= 31_536_000
    assert stat.S_IMODE((edge.settings.keys_dir / certificate.KEY_FILE).stat().st_mode) == 0o600


def test_services_learn_that_it_was_https(edge: Guarded, trust: ssl.SSLContext) -> None:
    import json

    answer = httpx.get(f"https://localhost:{edge.port}/api/v1/movies/search", verify=trust)
    assert json.loads(answer.json()["movies"][0]["overview"])["metadata"]["x-forwarded-proto"] == "https"


@pytest.mark.parametrize("offered", ["h2", "http/1.1"])
def test_both_protocols_are_offered(edge: Guarded, trust: ssl.SSLContext, offered: str) -> None:
    trust.set_alpn_protocols([offered])
    with (
        socket.create_connection(("127.0.0.1", edge.port), timeout=5) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.selected_alpn_protocol() == offered
        assert secure.version() == "TLSv1.3"


def test_old_versions_are_refused(edge: Guarded, trust: ssl.SSLContext) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        trust.minimum_version = trust.maximum_version = ssl.TLSVersion.TLSv1_1
    trust.set_ciphers("ALL:@SECLEVEL=0")
    # the server's own word, not the client's
    with (
        socket.create_connection(("127.0.0.1", edge.port), timeout=5) as plain,
        pytest.raises(ssl.SSLError, match=r"(?i)alert.protocol.version"),
    ):
        trust.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize(
    ("suite", "taken"),
    [
        ("ECDHE-ECDSA-AES256-GCM-SHA384", True),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", True),
        ("ECDHE-ECDSA-AES256-SHA384", False),  # not authenticated as a whole
        ("AES256-GCM-SHA384", False),  # no forward secrecy
    ],
)
def test_of_the_older_version_only_strong_suites_are_taken(
    edge: Guarded, trust: ssl.SSLContext, suite: str, taken: bool
) -> None:
    trust.maximum_version = ssl.TLSVersion.TLSv1_2
    trust.set_ciphers(suite)
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as plain:
        if taken:
            with trust.wrap_socket(plain, server_hostname="localhost") as secure:
                assert (secure.cipher() or ("",))[0] == suite
        else:
            with pytest.raises(ssl.SSLError, match=r"(?i)handshake.failure"):
                trust.wrap_socket(plain, server_hostname="localhost")


def test_native_calls_go_over_https(edge: Guarded) -> None:
    credentials = grpc.ssl_channel_credentials((edge.settings.keys_dir / certificate.CERT_FILE).read_bytes())
    with grpc.secure_channel(f"localhost:{edge.port}", credentials) as channel:
        stub: Any = catalog_pb2_grpc.CatalogServiceStub(channel)
        assert stub.GetMovie(catalog_pb2.GetMovieRequest(movie_id=603), timeout=5).movie_id == 603


def test_the_plain_port_sends_people_over_and_says_that_it_lives(edge: Guarded) -> None:
    plain = f"http://127.0.0.1:{edge.settings.port}"
    for method in ("GET", "POST"):
        answer = httpx.request(method, f"{plain}{PATH}?language=en", headers={"authorization": "Bearer canary"})
        assert answer.status_code == 308
        assert answer.headers["location"] == f"https://127.0.0.1:{edge.port}{PATH}?language=en"
    assert httpx.get(f"{plain}/health/live").json() == {"status": "ok"}
    assert httpx.get(f"{plain}/keys/jwks.json").status_code == 308


def test_a_bucket_is_no_way_around(edge: Guarded, trust: ssl.SSLContext) -> None:
    with httpx.Client(base_url=f"https://localhost:{edge.port}", verify=trust) as web:
        token = {"authorization": f"Bearer {edge.tokens.user('tls')}"}
        assert web.get(PATH, headers=token).headers["ratelimit-remaining"] == "59"


def settings(folder: Path, **values: Any) -> GatewaySettings:
    return GatewaySettings.only(var_dir=folder / "var", https_port=8443, **values)


def test_a_made_certificate_is_kept_until_its_end_is_near(tmp_path: Path) -> None:
    first = certificate.ensure(settings(tmp_path))
    assert first is not None
    before = first.cert.read_bytes()
    certificate.ensure(settings(tmp_path))
    assert first.cert.read_bytes() == before
    authority = Authority(tmp_path / "old")
    old, _ = authority.issue("old", days=10)
    first.cert.write_bytes(old.read_bytes())
    certificate.ensure(settings(tmp_path))
    assert first.cert.read_bytes() not in {before, old.read_bytes()}


def test_given_files_are_checked_before_envoy_starts(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    cert, key = authority.issue("films.example")
    _, other = authority.issue("other")
    ended, ended_key = authority.issue("ended", days=-2)
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    found = certificate.ensure(settings(tmp_path, tls_cert=cert, tls_key=key))
    assert found is not None and found.cert == cert.resolve()
    for given, wrong in (
        ((cert, None), "CINE_GATEWAY_TLS_KEY is not set"),
        ((None, key), "CINE_GATEWAY_TLS_CERT is not set"),
        ((tmp_path / "gone.pem", key), "gone.pem cannot be read: No such file"),
        ((broken, key), "broken.pem is not a certificate"),
        ((cert, broken), "broken.pem is not a private key"),
        ((cert, other), "other.key is not the key of films.example.pem"),
        ((ended, ended_key), "ended.pem ended on"),
    ):
        with pytest.raises(certificate.CertificateError, match=wrong):
            certificate.ensure(settings(tmp_path, tls_cert=given[0], tls_key=given[1]))
    with pytest.raises(certificate.CertificateError, match="in production"):
        certificate.ensure(settings(tmp_path, environment="production", jwks=["/run/keys.json"]))


def test_a_bad_certificate_is_one_plain_line(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "CINE_VAR_DIR": str(tmp_path),
        "CINE_GATEWAY_HTTPS_PORT": "8443",
        "CINE_GATEWAY_TLS_CERT": "gone.pem",
        "CINE_GATEWAY_TLS_KEY": "gone.key",
    }
    command = [sys.executable, "-m", "cine_gateway", "envoy"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "gateway: gone.pem cannot be read: No such file or directory\n"


def test_people_are_sent_to_the_port_they_know(tmp_path: Path) -> None:
    assert settings(tmp_path).redirect_port == 8443
    assert settings(tmp_path, public_url="https://films.example").redirect_port == 443
    assert GatewaySettings.only(var_dir=tmp_path, public_url="https://films.example").redirect_port is None


def test_envoy_and_services_show_each_other_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    for name in ("gateway", "portal", "limiter", "catalog", "identity"):
        authority.issue(name)
    with guarded(tmp_path / "one", mtls=True, tls_dir=tmp_path / "tls") as edge:
        answer = httpx.get(f"{edge.url}{PATH}", headers={"authorization": f"Bearer {edge.tokens.user('ada')}"})
        assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, "59")
        detailed = httpx.get(f"{edge.url}/health/detailed").json()["services"]
        assert (detailed["catalog"]["status"], detailed["identity"]["status"]) == ("ok", "ok")
        # without a certificate nobody gets in beside Envoy
        port = topology.grpc_port("catalog", edge.settings.port_base)
        credentials = grpc.ssl_channel_credentials((tmp_path / "tls" / "ca.pem").read_bytes())
        with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
            stub: Any = catalog_pb2_grpc.CatalogServiceStub(channel)
            with pytest.raises(grpc.RpcError) as refused:
                stub.GetMovie(catalog_pb2.GetMovieRequest(movie_id=603), timeout=3)
            error: Any = refused.value
            assert error.code() is grpc.StatusCode.UNAVAILABLE


def test_a_service_with_another_name_or_authority_is_not_believed(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    for name in ("gateway", "portal", "limiter", "identity"):
        authority.issue(name)
    # the catalogue shows the certificate of ratings
    cert, key = authority.issue("ratings")
    cert.rename(tmp_path / "tls" / "catalog.pem")
    key.rename(tmp_path / "tls" / "catalog.key")
    with guarded(tmp_path / "one", mtls=True, tls_dir=tmp_path / "tls", mute_catalog=True) as edge:
        answer = httpx.get(f"{edge.url}{PATH}")
        assert (answer.status_code, answer.json()["status"]) == (503, "UNAVAILABLE")
        assert httpx.get(f"{edge.url}/health/detailed").json()["services"]["catalog"]["status"] == "down"
