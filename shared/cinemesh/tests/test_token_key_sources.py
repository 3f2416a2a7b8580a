"""Keys asked of Identity over the mesh: rotation, starting late, floods, and what it may not sign."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from cinemesh import auth, client, context, jwks
from cinemesh.errors import CineError, Reason, Unavailable
from cinemesh.keys import new_ed25519_jwk, public_part
from cinemesh.settings import ServiceSettings
from cinemesh.testing import settings_for
from cinemesh.testing.identity import IdentitySettings, StandIn, standing_in


def token(jwk: dict[str, str], **claims: Any) -> str:
    now = int(time.time())
    body = {"iss": "cine-identity", "aud": "cine", "sub": "42", "iat": now, "exp": now + 300, "roles": ["user"]}
    return jwt.encode({**body, **claims}, jwt.PyJWK(jwk).key, "EdDSA", {"kid": jwk["kid"], "typ": "at+jwt"})


def publish(path: Path, *keys: dict[str, str]) -> None:
    path.write_text(json.dumps({"keys": [public_part(key) for key in keys]}))


async def reason(verifier: auth.TokenVerifier, shown: str) -> Reason:
    with pytest.raises(CineError) as caught:
        await verifier.verify(shown)
    return caught.value.reason


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    await client.close_channels()


def settings_of(folder: Path, address: str, **values: Any) -> ServiceSettings:
    return settings_for(IdentitySettings, folder, peers={"identity": [address]}, **values)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks, "RETRY_SECONDS", 0.05)


async def test_identitys_keys_are_found_over_the_mesh_and_a_new_one_at_once(tmp_path: Path) -> None:
    old, new = new_ed25519_jwk("old"), new_ed25519_jwk("new")
    async with standing_in(tmp_path) as (identity, address):
        identity.keys = [old]
        source = jwks.of_identity(settings_of(tmp_path, address))
        source._refresh_every = 0.0
        verifier = auth.TokenVerifier([source], "cine-identity", "cine")
        shown = token(old, sid="s1", jti="j1", auth_time=7)
        principal = await verifier.verify(shown)
        assert (principal.user_id, principal.session_id, principal.token_id) == ("42", "s1", "j1")
        assert principal.auth_time == 7
        assert principal.issued_at == jwt.decode(shown, options={"verify_signature": False})["iat"]
        identity.keys = [new]
        assert (await verifier.verify(token(new))).user_id == "42"
        assert verifier.remembered(shown) is None
        assert await reason(verifier, shown) is Reason.TOKEN_INVALID


async def test_a_retired_key_dies_when_the_document_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = new_ed25519_jwk("old")
    async with standing_in(tmp_path) as (identity, address):
        identity.keys = [old]
        verifier = auth.verifier_for(settings_of(tmp_path, address))
        shown = token(old)
        await verifier.verify(shown)
        identity.keys = [new_ed25519_jwk("new")]
        assert verifier.remembered(shown) is not None
        monkeypatch.setattr(jwks, "KEYS_LAST_SECONDS", 0.0)
        assert verifier.remembered(shown) is None
        assert await reason(verifier, shown) is Reason.TOKEN_INVALID


async def test_an_unchanged_key_keeps_what_was_verified_with_it(tmp_path: Path) -> None:
    key = new_ed25519_jwk("a")
    publish(tmp_path / "jwks.json", key)
    verifier = auth.TokenVerifier([str(tmp_path / "jwks.json")], "cine-identity", "cine", refresh_every=0.0)
    shown = token(key)
    await verifier.verify(shown)
    assert await reason(verifier, token(new_ed25519_jwk("x"))) is Reason.TOKEN_INVALID  # looks again
    verifier._sources[0]._refresh_every = 60
    assert verifier.remembered(shown) is not None


async def test_an_identity_that_starts_late_is_asked_again_soon(tmp_path: Path, impatient: None) -> None:
    key = new_ed25519_jwk("a")
    async with standing_in(tmp_path) as (identity, address):
        verifier = auth.verifier_for(settings_of(tmp_path, address))
        identity.away, identity.keys = True, [key]
        with pytest.raises(Unavailable):
            await verifier.verify(token(key))
        identity.away = False
        await asyncio.sleep(0.06)
        assert (await verifier.verify(token(key))).user_id == "42"


async def test_an_identity_without_a_key_yet_is_asked_again_soon(tmp_path: Path, impatient: None) -> None:
    key = new_ed25519_jwk("a")
    async with standing_in(tmp_path) as (identity, address):
        verifier = auth.verifier_for(settings_of(tmp_path, address))
        with pytest.raises(Unavailable):
            await verifier.verify(token(key))
        identity.keys = [key]
        await asyncio.sleep(0.06)
        assert (await verifier.verify(token(key))).user_id == "42"


async def test_what_is_known_goes_on_while_identity_is_away(
    tmp_path: Path, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_ed25519_jwk("a")
    async with standing_in(tmp_path) as (identity, address):
        identity.keys = [key]
        verifier = auth.verifier_for(settings_of(tmp_path, address))
        await verifier.verify(token(key))
        identity.away = True
        monkeypatch.setattr(jwks, "KEYS_LAST_SECONDS", 0.0)
        for user in ("1", "2", "3"):
            assert (await verifier.verify(token(key, sub=user))).user_id == user
        # an unknown key id is told apart from the keys known before
        assert await reason(verifier, token(new_ed25519_jwk("x"))) is Reason.TOKEN_INVALID
        await verifier.close()


async def flood(verifier: auth.TokenVerifier, count: int = 30) -> None:
    strangers = [token(new_ed25519_jwk(f"stranger-{n}")) for n in range(count)]
    await asyncio.gather(*(verifier.verify(shown) for shown in strangers), return_exceptions=True)


@pytest.mark.parametrize("away", [False, True])
async def test_a_flood_of_unknown_keys_reaches_identity_once(tmp_path: Path, away: bool) -> None:
    async with standing_in(tmp_path) as (identity, address):
        identity.keys, identity.away = [new_ed25519_jwk("a")], away
        verifier = auth.verifier_for(settings_of(tmp_path, address))
        await flood(verifier)
        await flood(verifier)
        # the client itself tries an UNAVAILABLE of a safe method three times
        assert identity.asked == (3 if away else 1)


async def test_identity_cannot_sign_for_services(tmp_path: Path) -> None:
    rogue = new_ed25519_jwk("mesh-rogue")
    async with standing_in(tmp_path) as (identity, address):
        identity.keys = [rogue, new_ed25519_jwk("a")]
        verifier = auth.verifier_for(settings_of(tmp_path, address))
        shown = token(rogue, iss="cine-mesh", sub="catalog", roles=["service"])
        assert await reason(verifier, shown) is Reason.TOKEN_INVALID
        await flood(verifier, 1)
        assert identity.asked == 1  # by the stranger: ids of services are not asked for here
        assert await reason(verifier, shown) is Reason.TOKEN_INVALID


async def test_a_file_wins_over_identity_for_the_same_id(tmp_path: Path) -> None:
    ours, theirs = new_ed25519_jwk("same"), new_ed25519_jwk("same")
    async with standing_in(tmp_path) as (identity, address):
        identity.keys = [theirs, new_ed25519_jwk("b")]
        publish(tmp_path / "jwks.json", ours)
        settings = settings_of(tmp_path, address, jwks=[str(tmp_path / "jwks.json"), "mesh:identity"])
        verifier = auth.verifier_for(settings)
        await flood(verifier, 1)
        assert await reason(verifier, token(theirs)) is Reason.TOKEN_INVALID
        assert (await verifier.verify(token(ours))).user_id == "42"


async def test_the_look_does_not_share_the_deadline_of_the_call_that_caused_it(tmp_path: Path) -> None:
    key = new_ed25519_jwk("a")
    async with standing_in(tmp_path) as (identity, address):
        identity.keys = [key]
        verifier = auth.verifier_for(settings_of(tmp_path, address))
        with context.using(context.RequestContext(deadline=0.0)):
            assert (await verifier.verify(token(key))).user_id == "42"


async def test_identity_takes_its_own_keys_without_a_detour(tmp_path: Path) -> None:
    key = new_ed25519_jwk("a")
    app = StandIn(settings_of(tmp_path, "127.0.0.1:1"))
    app.keys = [key]
    verifier = auth.verifier_for(app.settings, app.own_keys)
    assert (await verifier.verify(token(key))).user_id == "42"


@pytest.mark.parametrize(("life", "good"), [(600, True), (601, False), (86_400, False)])
async def test_a_token_that_would_live_too_long_is_refused(tmp_path: Path, life: int, good: bool) -> None:
    key = new_ed25519_jwk("a")
    publish(tmp_path / "jwks.json", key)
    verifier = auth.TokenVerifier([str(tmp_path / "jwks.json")], "cine-identity", "cine")
    issued = int(time.time())
    shown = token(key, iat=issued, exp=issued + life)
    if good:
        assert (await verifier.verify(shown)).user_id == "42"
    else:
        assert await reason(verifier, shown) is Reason.TOKEN_INVALID
