"""The keys that the portal gathers for Envoy: people's alone, public halves alone, and still there when their source is not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cine.identity.v1 import auth_pb2_grpc
from cine_gateway.portal import keys
from cine_gateway.settings import GatewaySettings
from cinemesh import client, topology
from cinemesh.keys import ensure_mesh_keys
from cinemesh.testing import TokenFactory
from cinemesh.testing.ports import free_base
from cinemesh.testing.tokens import USER_KID

from .backend import Status
from .conftest import Process
from .guarded import Auth


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every question looks anew."""
    monkeypatch.setattr(keys, "FRESH_SECONDS", 0.0)


@pytest.fixture
def settings(tmp_path: Path) -> GatewaySettings:
    return GatewaySettings.only(var_dir=tmp_path / "var", port_base=free_base())


@pytest.fixture
def auth() -> Auth:
    auth = Auth()
    auth.keys.clear()
    return auth


@pytest.fixture
async def identity(settings: GatewaySettings, auth: Auth) -> AsyncIterator[Process]:
    process = Process(
        "identity",
        topology.grpc_port("identity", settings.port_base),
        Status("identity"),
        add=lambda server: auth_pb2_grpc.add_AuthServiceServicer_to_server(auth, server),
    )
    await process.start()
    yield process
    await process.stop()
    await client.close_channels()


async def listed(source: keys.PublicKeys) -> dict[str, dict[str, Any]]:
    document = await source.document()
    return {key["kid"]: key for key in json.loads(document)["keys"]} if document else {}


async def test_every_source_is_in_it_but_keys_of_services_and_private_halves(
    settings: GatewaySettings, auth: Auth, identity: Process
) -> None:
    TokenFactory(settings)  # a person's key beside the mesh's own
    private = auth.new_key()
    auth.keys[0] = private  # an Identity that got it wrong
    auth.keys.append({**private, "kid": "mesh-forged"})
    auth.keys.append({"kty": "oct", "kid": "secret", "k": "c2VjcmV0"})
    source = keys.PublicKeys(settings)
    found = await listed(source)
    assert set(found) == {USER_KID, private["kid"]}
    assert all("d" not in key and "k" not in key for key in found.values())
    kept = (settings.service_dir / keys.KEPT_FILE).read_text()
    assert private["d"] not in kept and "mesh-" not in kept
    await source.close()


async def test_no_key_is_no_document(settings: GatewaySettings) -> None:
    ensure_mesh_keys(settings.var_dir)
    source = keys.PublicKeys(settings)
    assert await source.document() is None
    await source.close()
    await client.close_channels()


async def test_a_retired_key_goes_and_a_new_one_comes(settings: GatewaySettings, auth: Auth, identity: Process) -> None:
    source = keys.PublicKeys(settings)
    first, second = auth.new_key()["kid"], auth.new_key()["kid"]
    assert set(await listed(source)) == {first, second}
    auth.keys.pop(0)
    assert set(await listed(source)) == {second}
    await source.close()


async def test_a_restart_of_identity_and_then_of_the_portal_loses_nothing(
    settings: GatewaySettings, auth: Auth, identity: Process
) -> None:
    kid = auth.new_key()["kid"]
    source = keys.PublicKeys(settings)
    assert set(await listed(source)) == {kid}
    await identity.stop()
    assert set(await listed(source)) == {kid}
    await source.close()
    again = keys.PublicKeys(settings)
    assert set(await listed(again)) == {kid}
    await identity.start()
    other = auth.new_key()["kid"]
    await client.close_channels()
    assert set(await listed(again)) == {kid, other}
    await again.close()


async def test_a_damaged_copy_is_no_obstacle(settings: GatewaySettings, auth: Auth, identity: Process) -> None:
    for damage in ("{", "[]", '{"mesh:identity": 7}', '{"mesh:identity": [7]}'):
        settings.service_dir.mkdir(parents=True, exist_ok=True)
        (settings.service_dir / keys.KEPT_FILE).write_text(damage)
        source = keys.PublicKeys(settings)
        kid = auth.new_key()["kid"]
        assert kid in await listed(source)
        await source.close()


async def test_a_source_that_the_settings_no_longer_name_is_forgotten(
    settings: GatewaySettings, auth: Auth, identity: Process, tmp_path: Path
) -> None:
    auth.new_key()
    source = keys.PublicKeys(settings)
    assert await listed(source)
    await source.close()
    alone = GatewaySettings.only(
        var_dir=settings.var_dir, port_base=settings.port_base, jwks=[str(tmp_path / "nothing.json")]
    )
    assert await keys.PublicKeys(alone).document() is None
