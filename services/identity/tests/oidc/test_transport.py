"""Asking providers: over https alone, no further than asked, in little time; and what the settings may say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from cine_identity.oauth import fetching
from cine_identity.oauth.configuration import parse_oidc_providers
from cine_identity.oauth.faults import ProviderFault
from cine_identity.oauth.fetching import MOST_BYTES, Fetcher, safe_address
from cine_identity.settings import IdentitySettings
from cinemesh.errors import Code, Reason
from cinemesh.testing import settings_for

from .client import Browser, Client
from .conftest import openid
from .local_server import LocalServer, Reply


@pytest.fixture
def web() -> Iterator[LocalServer]:
    server = LocalServer()
    yield server
    server.stop()


@pytest.fixture
def providers(web: LocalServer) -> list[dict[str, Any]]:
    return [openid("acme", web.address)]


def discovery(web: LocalServer, **fields: Any) -> None:
    places = {name: f"{web.address}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    web.routes["/.well-known/openid-configuration"] = lambda _: Reply({"issuer": web.address, **places, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"issuer": "https://accounts.google.com"},
        {"issuer": None},
        {"token_endpoint": "http://token.example/t"},
        {"token_endpoint": "https://user:secret@token.example/t"},
        {"token_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "http://10.0.0.1/"},
    ],
)
async def test_a_discovery_that_does_not_hold_leads_nowhere(
    client: Client, web: LocalServer, desk: Any, fields: dict[str, Any]
) -> None:
    discovery(web, **fields)
    refused = await desk.refused(client.depart(Browser()))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.PROVIDER_FAILED)


async def test_a_provider_that_is_away_is_told_apart_from_one_that_says_no(
    client: Client, web: LocalServer, desk: Any
) -> None:
    web.routes["/.well-known/openid-configuration"] = lambda _: Reply(status=503)
    refused = await desk.refused(client.depart(Browser()))
    assert (refused.code, refused.reason) == (Code.UNAVAILABLE, Reason.PROVIDER_FAILED)
    assert refused.retry_after
    discovery(web)
    browser = Browser()
    departure = await client.depart(browser)
    web.routes["/token_endpoint"] = lambda _: Reply(status=502)
    refused = await desk.refused(client.arrive(browser, {"code": "c", "state": departure.state}))
    assert refused.code is Code.UNAVAILABLE
    # where it is stays known while it is away
    web.routes["/.well-known/openid-configuration"] = lambda _: Reply(status=503)
    client.app.providers["acme"]._look_again = 0
    assert (await client.depart(browser)).authorization_url.startswith(f"{web.address}/authorization_endpoint?")
    web.stop()
    client.app.providers["acme"]._known = None
    assert (await desk.refused(client.depart(browser))).code is Code.UNAVAILABLE


async def test_the_page_of_a_provider_keeps_its_own_parameters(client: Client, web: LocalServer) -> None:
    discovery(web, authorization_endpoint=f"{web.address}/auth?tenant=films&state=mine")
    departure = await client.depart(Browser())
    assert f"{web.address}/auth?tenant=films&" in departure.authorization_url
    assert "state=mine" not in departure.authorization_url


async def test_no_further_than_asked_no_more_than_a_little_and_in_little_time(
    web: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_SECONDS", 0.5)
    web.routes |= {
        "/redirect": lambda _: Reply(status=302, headers={"location": f"{web.address}/else"}),
        "/else": lambda _: Reply({}),
        "/large": lambda _: Reply(b'"' + b"x" * MOST_BYTES + b'"'),
        "/drip": lambda _: Reply(drip_seconds=0.05),
        "/html": lambda _: Reply(b"<html>"),
        "/deep": lambda _: Reply(b"[" * 100_000),
        "/fine": lambda _: Reply({"a": 1}),
    }
    fetcher = Fetcher(loopback=True)
    outcomes = {}
    for path in ("redirect", "large", "drip", "html", "deep"):
        with pytest.raises(ProviderFault) as caught:
            await fetcher.post(f"{web.address}/{path}", {"code": "c"})
        outcomes[path] = caught.value.outcome
    assert outcomes == {
        "redirect": "redirects",
        "large": "answers too much",
        "drip": "does not answer",
        "html": "answers no JSON",
        "deep": "answers no JSON",
    }
    assert web.times("/else") == 0
    assert (await fetcher.get(f"{web.address}/fine")).document == {"a": 1}
    await fetcher.close()
    strict = Fetcher(loopback=False)
    with pytest.raises(ProviderFault, match="https"):
        await strict.get(f"{web.address}/fine")
    await strict.close()
    assert web.times("/fine") == 1


@pytest.mark.parametrize(
    ("url", "safe", "on_loopback"),
    [
        ("https://id.example/x?y", True, True),
        ("http://127.0.0.1:1/x", False, True),
        ("http://localhost/x", False, True),
        ("http://[::1]/x", False, True),
        ("http://127.0.0.1.evil.example/", False, False),
        ("http://id.example/", False, False),
        ("https://", False, False),
        ("https://a@id.example/", False, False),
        ("https://id.example/#x", False, False),
        ("https://id.example:x/", False, False),
        ("https://id.exämple/", False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_addresses_that_secrets_may_be_sent_to(url: Any, safe: bool, on_loopback: bool) -> None:
    assert safe_address(url, loopback=False) is safe
    assert safe_address(url, loopback=True) is on_loopback


def entry(**fields: Any) -> dict[str, Any]:
    return {"name": "acme", "issuer": "https://id.example", "client_id": "c", "client_secret": "canary", **fields}


@pytest.mark.parametrize(
    "value",
    [
        "canary",
        "{}",
        [{"name": "acme", "client_secret": "canary"}],
        [entry(other="canary")],
        [entry(name="google")],
        [entry(name="password")],
        [entry(name="Acme")],
        [entry(name="a/b")],
        [entry(), entry()],
        [entry(issuer="http://id.example")],
        [entry(issuer="http://127.0.0.1:9")],
        [entry(issuer="https://id.example?x=1")],
        [entry(client_id="")],
    ],
)
def test_providers_that_cannot_be_used_stop_the_start_and_no_secret_is_told(tmp_path: Path, value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises(ValueError) as caught:
        parse_oidc_providers(text, loopback=False)
    assert "canary" not in str(caught.value)
    with pytest.raises(ValidationError) as wrapped:
        settings_for(
            IdentitySettings,
            tmp_path,
            environment="production",
            secret_key=SecretStr("ab" * 32),
            jwks=["keys.json"],
            public_url="https://films.example",
            oidc_providers=SecretStr(text),
        )
    assert "oidc_providers" in str(wrapped.value) and "canary" not in str(wrapped.value)


def test_an_id_without_its_secret_stops_the_start(tmp_path: Path) -> None:
    for name in ("google", "github"):
        with pytest.raises(ValidationError, match=f"{name}_client_id and {name}_client_secret go together"):
            settings_for(IdentitySettings, tmp_path, public_url="https://a.example", **{f"{name}_client_id": "c"})
    with pytest.raises(ValidationError, match="github_url"):
        settings_for(IdentitySettings, tmp_path, public_url="https://a.example", github_url="http://github.example")
