from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cine_identity.settings import IdentitySettings
from cinemesh.testing import Running, settings_for

from .client import Client
from .server import PUBLIC_URL, OpenIdServer


@pytest.fixture(scope="session")
def issuer() -> Iterator[OpenIdServer]:
    """Yields a provider that tells addresses by userinfo, as the specification would have it."""
    server = OpenIdServer(in_id_token=False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def talkative_issuer() -> Iterator[OpenIdServer]:
    """Yields a provider whose ID tokens tell everything."""
    server = OpenIdServer(in_id_token=True)
    yield server
    server.stop()


def openid(name: str, issuer: str, **fields: Any) -> dict[str, Any]:
    """Returns a provider as the settings write it."""
    known = {"client_id": "cine", "client_secret": "s3cret/of:cine+"}
    return {"name": name, "display_name": name.capitalize(), "issuer": issuer, **known, **fields}


@pytest.fixture
def providers(issuer: OpenIdServer, talkative_issuer: OpenIdServer) -> list[dict[str, Any]]:
    """Returns the OpenID providers of a test."""
    return [openid("acme", issuer.issuer), openid("talk", talkative_issuer.issuer)]


@pytest.fixture
def extra() -> dict[str, Any]:
    """Returns further settings of a test."""
    return {}


@pytest.fixture
def store(sqlite_url: str) -> str:
    """Returns the address of the store; a module about what happens at once asks for both kinds."""
    return sqlite_url


@pytest.fixture
def settings(tmp_path: Path, store: str, providers: list[dict[str, Any]], extra: dict[str, Any]) -> IdentitySettings:
    return settings_for(
        IdentitySettings,
        tmp_path,
        bcrypt_cost=4,
        database_url=store,
        public_url=PUBLIC_URL,
        oidc_providers=SecretStr(json.dumps(providers)),
        **extra,
    )


@pytest.fixture
def client(identity: Running) -> Client:
    return Client(identity)
