"""Answers that no honest provider gives: each is refused, whatever else is right about it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from cine_identity.oauth.id_token import half_digest
from cinemesh.errors import Code, Reason

from .client import Browser, Client, query
from .conftest import openid
from .local_server import Asked, LocalServer, Reply

RSA_KEY = rsa.generate_private_key(65537, 2048)
SHORT_KEY = rsa.generate_private_key(65537, 1024)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
FOREIGN_KEY = rsa.generate_private_key(65537, 2048)


def public(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    kinds = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    kind: Any = next((one for base, one in kinds.items() if isinstance(key, base)), OKPAlgorithm)
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **more}


class Issuer(LocalServer):
    """A provider that says whatever a test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[dict[str, Any]] = [public(RSA_KEY, "rsa")]
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.key: Any = RSA_KEY
        self.algorithm = "RS256"
        self.token: Callable[[str], Any] = lambda token: token
        self.answer: dict[str, Any] = {}
        self.userinfo: Any = None
        self.discovery: dict[str, Any] = {}
        self.nonce = ""
        self.routes = {
            "/.well-known/openid-configuration": self._discovery,
            "/keys": lambda _: Reply({"keys": self.keys}),
            "/token": self._token,
            "/me": lambda _: Reply(self.userinfo or {}),
        }

    def _discovery(self, _: Asked) -> Reply:
        known = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/auth",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "userinfo_endpoint": f"{self.address}/me",
        }
        return Reply({**known, **self.discovery})

    def _token(self, asked: Asked) -> Reply:
        now = int(time.time())
        person = {"email": "ada@example.org", "email_verified": True}
        known = {"iss": self.address, "aud": "cine", "sub": "ada", "iat": now, "exp": now + 300, "nonce": self.nonce}
        claims = {name: value for name, value in {**known, **person, **self.claims}.items() if value is not ...}
        header = {"kid": "rsa", **self.header}
        token = jwt.encode(claims, self.key, self.algorithm, {k: v for k, v in header.items() if v is not ...})
        return Reply({"access_token": "at", "token_type": "bearer", "id_token": self.token(token), **self.answer})


@pytest.fixture
def forger() -> Iterator[Issuer]:
    server = Issuer()
    yield server
    server.stop()


@pytest.fixture
def providers(forger: Issuer) -> list[dict[str, Any]]:
    return [openid("acme", forger.address)]


async def sign_in(client: Client, forger: Issuer) -> Any:
    browser = Browser()
    departure = await client.depart(browser)
    sent = query(departure.authorization_url)
    forger.nonce = sent["nonce"]
    return await client.arrive(browser, {"code": "c", "state": sent["state"]})


async def refused(client: Client, forger: Issuer, desk: Any, outcome: str = "") -> None:
    failure = await desk.refused(sign_in(client, forger))
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.PROVIDER_FAILED), failure.message
    (noted,) = await client.outcomes("login.failed")
    assert noted.startswith(outcome), noted


async def test_what_is_right_about_it_is_enough(client: Client, forger: Issuer) -> None:
    assert (await sign_in(client, forger)).created
    # the secret goes into the header, each half encoded by itself (RFC 6749, 2.3.1)
    (asked,) = [one for one in forger.asked if one.path == "/token"]
    kind, _, sent = asked.headers["authorization"].partition(" ")
    assert (kind, base64.b64decode(sent)) == ("Basic", b"cine:s3cret%2Fof%3Acine%2B")
    assert "client_secret" not in asked.form and len(asked.form["code_verifier"]) >= 43
    assert asked.form["redirect_uri"] == "http://127.0.0.1:8000/oauth/callback/acme"


async def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(client: Client, forger: Issuer) -> None:
    forger.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert (await sign_in(client, forger)).created
    (asked,) = [one for one in forger.asked if one.path == "/token"]
    assert asked.form["client_secret"] == "s3cret/of:cine+" and "authorization" not in asked.headers


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "outcome"),
    [
        ({"iss": "https://accounts.google.com"}, "ID token: InvalidIssuerError"),
        ({"iss": ...}, "ID token: MissingRequiredClaimError"),
        ({"aud": "other"}, "ID token: InvalidAudienceError"),
        ({"aud": ...}, "ID token: MissingRequiredClaimError"),
        ({"aud": ["cine", "other"]}, "ID token: azp"),
        ({"aud": ["cine", "other"], "azp": "other"}, "ID token: azp"),
        ({"azp": "other"}, "ID token: azp"),
        ({"exp": NOW - 120}, "ID token: ExpiredSignatureError"),
        ({"exp": ...}, "ID token: MissingRequiredClaimError"),
        ({"iat": NOW + 86_400}, "ID token: ImmatureSignatureError"),  # far off: modules are read long before they run
        ({"iat": NOW - 3600, "exp": NOW + 86_400}, "ID token: iat"),
        ({"iat": ...}, "ID token: MissingRequiredClaimError"),
        ({"nonce": "of another attempt"}, "ID token: nonce"),
        ({"nonce": ...}, "ID token: nonce"),
        ({"nonce": 7}, "ID token: nonce"),
        ({"at_hash": "of another token"}, "ID token: at_hash"),
        ({"sub": ...}, "ID token: MissingRequiredClaimError"),
        ({"sub": ""}, "ID token: sub"),
        ({"sub": "x" * 255}, "ID token: sub"),
        ({"sub": "ada\x00"}, "ID token: sub"),
    ],
)
async def test_claims_that_do_not_hold(
    client: Client, forger: Issuer, desk: Any, claims: dict[str, Any], outcome: str
) -> None:
    forger.claims = claims
    await refused(client, forger, desk, outcome)


@pytest.mark.parametrize(
    ("claims", "answer"),
    [
        ({"aud": ["cine"]}, {}),
        ({"aud": ["cine", "other"], "azp": "cine"}, {}),
        ({"at_hash": half_digest("at", "RS256")}, {}),
    ],
)
async def test_claims_that_hold(client: Client, forger: Issuer, claims: dict[str, Any], answer: dict[str, Any]) -> None:
    forger.claims, forger.answer = claims, answer
    assert (await sign_in(client, forger)).created


def unsigned(token: str) -> str:
    _, claims, _ = token.split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"none","kid":"rsa"}').rstrip(b"=").decode()
    return f"{head}.{claims}."


def changed(token: str) -> str:
    head, claims, signature = token.split(".")
    document = json.loads(base64.urlsafe_b64decode(claims + "=="))
    other = base64.urlsafe_b64encode(json.dumps({**document, "sub": "eve"}).encode()).rstrip(b"=").decode()
    return f"{head}.{other}.{signature}"


@pytest.mark.parametrize(
    "change",
    [
        {"token": unsigned},
        {"token": changed},
        {"token": lambda _: None},
        {"token": lambda _: "a.b"},
        {"token": lambda _: {"a": 1}},
        {"key": FOREIGN_KEY},
        {"key": FOREIGN_KEY, "header": {"kid": "unknown"}},
        {"key": FOREIGN_KEY, "header": {"jwk": public(FOREIGN_KEY, "rsa")}},
        {"key": FOREIGN_KEY, "header": {"kid": "mine", "jku": "https://evil.example/keys"}},
        {"key": "x" * 64, "algorithm": "HS256"},
        {"algorithm": "PS256"},
        {"header": {"typ": "at+jwt"}},
        {"header": {"typ": "logout+jwt"}},
        {"header": {"crit": ["x"], "x": 1}},
        {"key": SHORT_KEY, "keys": [public(SHORT_KEY, "rsa")]},
        {"key": EC_KEY, "algorithm": "ES256"},
        {"header": {"kid": ...}, "keys": [public(FOREIGN_KEY, "one"), public(RSA_KEY, "two")]},
        {"keys": [public(RSA_KEY, "rsa", use="enc")]},
    ],
)
async def test_tokens_that_nobody_we_know_signed(
    client: Client, forger: Issuer, desk: Any, change: dict[str, Any], recwarn: Any
) -> None:
    for name, value in change.items():
        setattr(forger, name, value)
    failure = await desk.refused(sign_in(client, forger))
    assert failure.reason is Reason.PROVIDER_FAILED
    assert len(await client.outcomes("login.failed")) == 1


@pytest.mark.parametrize(("key", "algorithm"), [(EC_KEY, "ES256"), (ED_KEY, "EdDSA"), (RSA_KEY, "RS256")])
async def test_keys_of_every_kind_beside_others(client: Client, forger: Issuer, key: Any, algorithm: str) -> None:
    odd = [{"kty": "EC", "crv": "P-999", "x": "a", "kid": "odd"}, {"kty": "oct", "k": "AA"}, "no key", {}]
    forger.key, forger.algorithm = key, algorithm
    forger.keys = [*odd, public(RSA_KEY, "other", use="enc"), public(key, "k", alg=algorithm)]  # type: ignore[list-item]
    forger.header = {"kid": "k"}
    assert (await sign_in(client, forger)).created


async def test_a_key_that_came_meanwhile_is_looked_for(client: Client, forger: Issuer, desk: Any) -> None:
    assert (await sign_in(client, forger)).created
    forger.keys = [public(EC_KEY, "next")]
    forger.key, forger.algorithm, forger.header = EC_KEY, "ES256", {"kid": "next"}
    # anybody may make up key ids: the provider is not asked more often than every ten seconds
    await desk.refused(sign_in(client, forger))
    assert forger.times("/keys") == 1
    client.app.providers["acme"]._keys._looked_at -= 11
    assert not (await sign_in(client, forger)).created
    assert forger.times("/keys") == 2
    assert forger.times("/.well-known/openid-configuration") == 1


async def test_an_address_counts_with_what_is_said_of_it_in_the_same_document(
    client: Client, forger: Issuer, desk: Any
) -> None:
    # the token has an address and does not vouch for it; userinfo vouches for another
    forger.claims = {"email": "victim@example.org", "email_verified": ...}
    forger.userinfo = {"sub": "ada", "email": "own@example.org", "email_verified": True}
    failure = await desk.refused(sign_in(client, forger))
    assert "letter" in failure.message
    assert [one.to for one in desk.letters_of("verify_email")] == ["victim@example.org"]
    # and the other way round: what the token says of no address is no word for that of userinfo
    forger.claims = {"sub": "bea", "email": ..., "email_verified": True}
    forger.userinfo = {"sub": "bea", "email": "bea@example.org"}
    failure = await desk.refused(sign_in(client, forger))
    assert "letter" in failure.message


async def test_userinfo_of_another_person_is_refused(client: Client, forger: Issuer, desk: Any) -> None:
    forger.claims = {"email": ...}
    forger.userinfo = {"sub": "eve", "email": "eve@example.org", "email_verified": True}
    await refused(client, forger, desk, "userinfo of another person")
