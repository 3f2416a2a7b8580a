"""Certificates between services, both ways: who gets in, whom a client believes, and how development ones are made."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509

from cinemesh import client, tls
from cinemesh.server import StartFailed
from cinemesh.settings import ServiceSettings
from cinemesh.testing import Running, running, settings_for
from cinemesh.tls import TlsFiles, ensure_tls

from .conftest import EchoApplication, EchoSettings, pb2, pb2_grpc


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return ensure_tls(tmp_path / "var")


@pytest.fixture
async def server(tmp_path: Path, folder: Path, echo_contract: Any) -> AsyncIterator[Running]:
    async with running(EchoApplication(settings_for(EchoSettings, tmp_path, mtls=True))) as made:
        yield made
    await client.close_channels()


async def code(channel: grpc.aio.Channel) -> str:
    async with channel:
        try:
            await pb2_grpc().EchoServiceStub(channel).Echo(pb2().EchoRequest(text="hello"), timeout=3)
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
    return "OK"


def connect(address: str, credentials: grpc.ChannelCredentials, name: str = "catalog") -> grpc.aio.Channel:
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.ssl_target_name_override", name)]
    return grpc.aio.secure_channel(address, credentials, options=options)


async def test_whoever_has_a_certificate_of_the_mesh_is_answered(server: Running, folder: Path) -> None:
    for name in tls.NAMES:
        assert await code(connect(server.address, TlsFiles.of(folder, name).channel_credentials())) == "OK"


async def test_nobody_else_is(server: Running, folder: Path, tmp_path: Path) -> None:
    ours = (folder / "ca.pem").read_bytes()
    foreign = TlsFiles.of(ensure_tls(tmp_path / "foreign"), "ratings")
    alien = grpc.ssl_channel_credentials(ours, foreign.key.read_bytes(), foreign.cert.read_bytes())
    seen = {
        "in the clear": await code(grpc.aio.insecure_channel(server.address)),
        "without a certificate": await code(connect(server.address, grpc.ssl_channel_credentials(ours))),
        "with one of a foreign authority": await code(connect(server.address, alien)),
    }
    assert set(seen.values()) == {"UNAVAILABLE"}, seen


async def test_a_client_believes_a_server_only_under_its_own_name(server: Running, folder: Path) -> None:
    credentials = TlsFiles.of(folder, "ratings").channel_credentials()
    assert await code(connect(server.address, credentials, "ratings")) == "UNAVAILABLE"
    assert await code(connect(server.address, credentials, "localhost")) == "OK"


def peer_settings(server: Running, **values: Any) -> ServiceSettings:
    peers = {"catalog": [server.address], "ratings": [server.address]}
    return server.app.settings.model_copy(update={"peers": peers, **values})


async def test_channels_to_peers_show_certificates_and_ask_for_them(server: Running, tmp_path: Path) -> None:
    async def ask(peer: str, settings: ServiceSettings) -> str:
        stub: Any = pb2_grpc().EchoServiceStub(client.channel(peer, settings, deadline=3))
        try:
            await stub.Echo(pb2().EchoRequest(text="hello"))
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
        return "OK"

    assert await ask("catalog", peer_settings(server)) == "OK"
    # the catalogue sits where ratings should be
    stranger = server.app.settings.model_copy(update={"peers": {"ratings": [f"localhost:{server.server.port}"]}})
    assert await ask("ratings", stranger) == "UNAVAILABLE"
    foreign = peer_settings(server, tls_dir=ensure_tls(tmp_path / "foreign"))
    assert await ask("catalog", foreign) == "UNAVAILABLE"


async def test_a_server_without_its_certificate_says_which_file_it_wants(tmp_path: Path, echo_contract: Any) -> None:
    settings = settings_for(EchoSettings, tmp_path, mtls=True)
    with pytest.raises(StartFailed, match=r"catalog\.key in CINE_TLS_DIR"):
        async with running(EchoApplication(settings)):
            pass
    folder = await asyncio.to_thread(ensure_tls, settings.var_dir)
    (folder / "catalog.key").chmod(0o644)
    with pytest.raises(StartFailed, match=r"catalog\.key is readable by others"):
        async with running(EchoApplication(settings)):
            pass


def test_production_never_uses_development_certificates(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="tls_dir must be set"):
        EchoSettings.only(environment="production", jwks=["keys.json"], mtls=True)
    settings = EchoSettings.only(environment="production", jwks=["keys.json"], mtls=True, tls_dir=tmp_path)
    assert settings.tls_files("catalog").cert == tmp_path / "catalog.pem"


def test_certificates_are_private_and_made_once(folder: Path, tmp_path: Path) -> None:
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    assert {path.stem for path in files} == {"ca", *tls.NAMES}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    before = {path: path.read_bytes() for path in files}
    ensure_tls(tmp_path / "var")
    assert {path: path.read_bytes() for path in files} == before
    made = x509.load_pem_x509_certificate((folder / "ratings.pem").read_bytes())
    assert made.not_valid_after_utc - dt.datetime.now(dt.UTC) <= dt.timedelta(days=365)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["ratings", "localhost"]


def test_what_soon_runs_out_or_belongs_elsewhere_is_renewed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "portal.pem").write_bytes((folder / "gateway.pem").read_bytes())
    (folder / "cli.pem").write_text("half")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    ensure_tls(tmp_path / "var")
    changed = {path.name for path in folder.iterdir() if path.read_bytes() != before[path.name]}
    assert changed == {"portal.pem", "portal.key", "cli.pem", "cli.key"}
    monkeypatch.setattr(tls, "RENEWED_BEFORE", dt.timedelta(days=366))  # as if most of a year had gone
    ensure_tls(tmp_path / "var", ["catalog"])
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after["catalog.pem"] != before["catalog.pem"] and after["ca.pem"] == before["ca.pem"]


def test_processes_that_make_certificates_at_once_agree(tmp_path: Path) -> None:
    program = "import sys, pathlib; from cinemesh.tls import ensure_tls; ensure_tls(pathlib.Path(sys.argv[1]))"
    started = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], env=os.environ) for _ in range(3)]
    assert [process.wait(timeout=60) for process in started] == [0, 0, 0]
    folder = tmp_path / "keys" / "tls"
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    for name in tls.NAMES:
        x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes()).verify_directly_issued_by(authority)
