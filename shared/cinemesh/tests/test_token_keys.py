"""Keys of tokens: made once and privately, found again after a rotation, asked for no more often than allowed."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import stat
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cinemesh import jwks
from cinemesh.auth import ServiceTokens, TokenVerifier
from cinemesh.context import Principal
from cinemesh.errors import CineError, Reason, Unauthenticated, Unavailable
from cinemesh.keys import ensure_mesh_keys, new_ed25519_jwk, public_part


def b64(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def new_p256_jwk(kid: str) -> dict[str, str]:
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    public = numbers.public_numbers
    return {
        "kty": "EC",
        "crv": "P-256",
        "kid": kid,
        "x": b64(public.x),
        "y": b64(public.y),
        "d": b64(numbers.private_value),
    }


def token(jwk: dict[str, str], algorithm: str, **claims: Any) -> str:
    now = int(time.time())
    body = {
        "iss": "cine-identity",
        "aud": "cine",
        "sub": "42",
        "iat": now,
        "exp": now + 300,
        "roles": ["user"],
        **claims,
    }
    return jwt.encode(body, jwt.PyJWK({**jwk, "alg": algorithm}).key, algorithm, {"kid": jwk["kid"], "typ": "at+jwt"})


def publish(path: Path, *keys: dict[str, str]) -> None:
    path.write_text(json.dumps({"keys": [public_part(key) for key in keys]}))


def verifier(*sources: Path | str, refresh_every: float = 0.0) -> TokenVerifier:
    return TokenVerifier([str(source) for source in sources], "cine-identity", "cine", refresh_every=refresh_every)


async def reason(checked: TokenVerifier, shown: str) -> Reason:
    with pytest.raises(CineError) as caught:
        await checked.verify(shown)
    return caught.value.reason


async def test_both_algorithms_verify(tmp_path: Path) -> None:
    elliptic, edwards = new_p256_jwk("a"), new_ed25519_jwk("b")
    publish(tmp_path / "jwks.json", elliptic, edwards)
    checked = verifier(tmp_path / "jwks.json")
    for shown in (token(elliptic, "ES256"), token(edwards, "EdDSA", roles=["user", "admin"])):
        assert (await checked.verify(shown)).user_id == "42"


async def test_a_key_of_one_algorithm_does_not_pass_for_another(tmp_path: Path) -> None:
    elliptic, edwards = new_p256_jwk("a"), new_ed25519_jwk("b")
    publish(tmp_path / "jwks.json", elliptic, edwards)
    checked = verifier(tmp_path / "jwks.json")
    confused = token({**elliptic, "kid": "b"}, "ES256")
    assert await reason(checked, confused) is Reason.TOKEN_INVALID


async def test_a_new_key_is_found_and_a_retired_one_forgotten(tmp_path: Path) -> None:
    old, new = new_ed25519_jwk("old"), new_ed25519_jwk("new")
    publish(tmp_path / "jwks.json", old)
    checked = verifier(tmp_path / "jwks.json")
    shown = token(old, "EdDSA")
    await checked.verify(shown)
    assert checked.remembered(shown) == Principal("user", "42", frozenset({"user"}))
    publish(tmp_path / "jwks.json", new)
    assert (await checked.verify(token(new, "EdDSA"))).user_id == "42"
    assert checked.remembered(shown) is None
    assert await reason(checked, shown) is Reason.TOKEN_INVALID


async def test_keys_are_looked_at_again_after_a_while_even_if_all_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = new_ed25519_jwk("old")
    publish(tmp_path / "jwks.json", old)
    checked = verifier(tmp_path / "jwks.json", refresh_every=60)
    shown = token(old, "EdDSA")
    await checked.verify(shown)
    publish(tmp_path / "jwks.json", new_ed25519_jwk("new"))
    assert checked.remembered(shown) is not None
    monkeypatch.setattr(jwks, "KEYS_LAST_SECONDS", 0.0)
    assert checked.remembered(shown) is None
    assert await reason(checked, shown) is Reason.TOKEN_INVALID


async def test_an_unreadable_source_retires_no_key(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    key = new_ed25519_jwk("kept")
    publish(tmp_path / "jwks.json", key)
    checked = verifier(tmp_path / "jwks.json")
    shown = token(key, "EdDSA")
    await checked.verify(shown)
    (tmp_path / "jwks.json").write_text('{"keys": [')
    assert await reason(checked, token(new_ed25519_jwk("unknown"), "EdDSA")) is Reason.TOKEN_INVALID
    assert (await checked.verify(shown)).user_id == "42"


async def test_without_any_key_nothing_can_be_verified(tmp_path: Path) -> None:
    shown = token(new_ed25519_jwk("a"), "EdDSA")
    with pytest.raises(Unavailable):
        await verifier(tmp_path / "missing.json").verify(shown)


async def test_a_remembered_token_is_forgotten_when_it_expires(tmp_path: Path) -> None:
    key = new_ed25519_jwk("a")
    publish(tmp_path / "jwks.json", key)
    checked = verifier(tmp_path / "jwks.json")
    shown = token(key, "EdDSA", exp=int(time.time()) - 2)  # within the leeway: good, and not to be kept
    await checked.verify(shown)
    assert checked.remembered(shown) is None


class Issuer:
    """An HTTP server of a JWKS that counts how often it is asked."""

    def __init__(self, document: bytes, status: int = 200, location: str = "") -> None:
        asked = self.asked = [0]

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked[0] += 1
                self.send_response(status)
                if location:
                    self.send_header("location", location)
                self.end_headers()
                self.wfile.write(document)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Issuer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


async def test_unknown_keys_do_not_make_us_ask_the_issuer_again_and_again() -> None:
    key = new_ed25519_jwk("a")
    with Issuer(json.dumps({"keys": [public_part(key)]}).encode()) as issuer:
        checked = verifier(issuer.url, refresh_every=60)
        assert (await checked.verify(token(key, "EdDSA"))).user_id == "42"
        strangers = [token(new_ed25519_jwk(f"stranger-{n}"), "EdDSA") for n in range(20)]
        answers = await asyncio.gather(*(checked.verify(shown) for shown in strangers), return_exceptions=True)
        assert all(isinstance(answer, Unauthenticated) for answer in answers)
        assert issuer.asked == [1]


async def test_the_issuers_address_is_never_taken_from_a_token_or_a_redirect(tmp_path: Path) -> None:
    stranger = new_ed25519_jwk("stranger")
    with Issuer(json.dumps({"keys": [public_part(stranger)]}).encode()) as attacker:
        publish(tmp_path / "jwks.json", new_ed25519_jwk("ours"))
        checked = verifier(tmp_path / "jwks.json")
        now = int(time.time())
        claims = {"iss": "cine-identity", "aud": "cine", "sub": "1", "iat": now, "exp": now + 60, "roles": ["admin"]}
        for headers in ({"jku": attacker.url}, {"x5u": attacker.url}, {"jwk": public_part(stranger)}):
            shown = jwt.encode(claims, jwt.PyJWK(stranger).key, "EdDSA", {"kid": "stranger", "typ": "JWT", **headers})
            assert await reason(checked, shown) is Reason.TOKEN_INVALID
        with Issuer(b"", 302, attacker.url) as redirecting, pytest.raises(Unavailable):
            await verifier(redirecting.url).verify(token(stranger, "EdDSA"))
        assert attacker.asked == [0]


async def test_plain_http_to_elsewhere_is_not_asked() -> None:
    with pytest.raises(Unavailable):
        await verifier("http://keys.example/jwks.json").verify(token(new_ed25519_jwk("a"), "EdDSA"))


async def test_service_tokens_verify_and_are_renewed_at_half_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ensure_mesh_keys(tmp_path)
    minter = ServiceTokens(folder / "mesh.jwk", "ratings", "cine")
    first = minter.token()
    assert minter.token() == first
    principal = await verifier(folder / "jwks.json").verify(first)
    assert principal == Principal("service", "ratings", frozenset({"service"}))
    claims = jwt.decode(first, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] <= 600
    later = time.time() + 151
    monkeypatch.setattr("cinemesh.service_tokens.time.time", lambda: later)
    assert minter.token() != first


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    folder = ensure_mesh_keys(tmp_path)
    (folder / "mesh.jwk").chmod(0o644)
    with pytest.raises(Unavailable, match="0600"):
        ServiceTokens(folder / "mesh.jwk", "ratings", "cine").token()
    with pytest.raises(Unavailable, match="missing"):
        ServiceTokens(folder / "nothing.jwk", "ratings", "cine").token()


def test_development_keys_are_private_and_made_once(tmp_path: Path) -> None:
    folder = ensure_mesh_keys(tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(before) == {"mesh.jwk", "jwks.json", "page-token.key"}
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"mesh.jwk": 0o600, "page-token.key": 0o600, "jwks.json": 0o644}
    assert b'"d"' not in before["jwks.json"] and b'"d"' in before["mesh.jwk"]
    ensure_mesh_keys(tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_processes_that_make_the_keys_at_once_agree(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from cinemesh.keys import ensure_mesh_keys; ensure_mesh_keys(pathlib.Path(sys.argv[1]))"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], env=os.environ) for _ in range(4)]
    assert [process.wait(timeout=60) for process in started] == [0, 0, 0, 0]
    folder = tmp_path / "keys"
    private = json.loads((folder / "mesh.jwk").read_text())
    assert json.loads((folder / "jwks.json").read_text()) == {"keys": [public_part(private)]}
    assert sorted(path.name for path in folder.iterdir()) == ["jwks.json", "mesh.jwk", "page-token.key"]
