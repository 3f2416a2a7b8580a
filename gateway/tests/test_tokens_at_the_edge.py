"""Tokens at the edge: good ones pass with the call, bad ones end here, over REST and native gRPC alike."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import grpc
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cine.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from cinemesh import topology
from cinemesh.keys import new_ed25519_jwk, public_part
from cinemesh.testing import TokenFactory
from cinemesh.testing.tokens import USER_KID

from .conftest import until
from .guarded import Guarded, admin, guarded

PATH = "/api/v1/movies/603"


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("edge"), rate_limit=0) as found:
        yield found


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def rest(edge: Guarded, token: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{edge.url}{PATH}", headers={**bearer(token), **headers})


def native(edge: Guarded, token: str, **more: str) -> tuple[grpc.StatusCode, str, dict[str, Any]]:
    """Returns code, message and trailing metadata of a native call."""
    with grpc.insecure_channel(f"{topology.LOOPBACK}:{edge.port}") as channel:
        stub: Any = catalog_pb2_grpc.CatalogServiceStub(channel)
        metadata = [("authorization", f"Bearer {token}"), *more.items()]
        try:
            stub.GetMovie(catalog_pb2.GetMovieRequest(movie_id=603), metadata=metadata, timeout=5)
        except grpc.RpcError as error:
            found: Any = error
            return found.code(), found.details(), dict(found.trailing_metadata() or ())
    return grpc.StatusCode.OK, "", {}


def by_a_stranger(headers: dict[str, Any], key: dict[str, Any]) -> Callable[[TokenFactory], str]:
    """Returns a maker of tokens signed with a stranger's key whose header says where that key is to be had."""

    def make(_: TokenFactory) -> str:
        now = int(time.time())
        claims = {"iss": "cine-identity", "aud": "cine", "sub": "42", "roles": ["admin"], "iat": now, "exp": now + 300}
        header = {"kid": USER_KID, "typ": "at+jwt", **headers}
        return jwt.encode(claims, jwt.PyJWK(key).key, algorithm="EdDSA", headers=header)

    return make


def hs256_with_the_public_pem(tokens: TokenFactory) -> str:
    """The other classic: the PEM of the public key as the secret."""
    good = jwt.decode(tokens.user(), options={"verify_signature": False})
    raw = base64.urlsafe_b64decode(tokens._user["x"] + "==")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    pem = Ed25519PublicKey.from_public_bytes(raw).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    import hashlib
    import hmac

    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "typ": "JWT", "kid": USER_KID}, good)
    )
    mac = base64.urlsafe_b64encode(hmac.digest(pem, f"{head}.{body}".encode(), hashlib.sha256)).rstrip(b"=").decode()
    return f"{head}.{body}.{mac}"


STRANGER = dict(new_ed25519_jwk(USER_KID))
BAD: dict[str, Callable[[TokenFactory], str]] = {
    "alg none": lambda tokens: tokens.alg_none(),
    "HS256 with the public key": lambda tokens: tokens.signed_with_public_key(),
    "HS256 with the public key as PEM": hs256_with_the_public_pem,
    "wrong audience": lambda tokens: tokens.custom(aud="somebody-else"),
    "no audience": lambda tokens: tokens.custom(aud=None),
    "wrong issuer": lambda tokens: tokens.custom(iss="https://evil.example"),
    "no issuer": lambda tokens: tokens.custom(iss=None),
    "no end": lambda tokens: tokens.custom(exp=None),
    "not yet valid": lambda tokens: tokens.custom(nbf=int(time.time()) + 600),
    "foreign key": lambda tokens: tokens.foreign(),
    "unknown key id": lambda tokens: tokens.custom(headers={"kid": "never-heard-of"}),
    "jku": by_a_stranger({"jku": "http://127.0.0.1:1/jwks.json"}, STRANGER),
    "x5u": by_a_stranger({"x5u": "http://127.0.0.1:1/cert.pem"}, STRANGER),
    "jwk": by_a_stranger({"jwk": public_part(STRANGER)}, STRANGER),
    "service token": lambda tokens: tokens.service(),
    "service token of the right issuer": lambda tokens: tokens.custom(mesh_key=True),
    "issuer of the mesh by a person's key": lambda tokens: tokens.custom(iss="cine-mesh", roles=["service"]),
    "garbage": lambda _: "not.a.token",
    "changed after signing": lambda tokens: tokens.user()[:-6] + "AAAAAA",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_token_is_refused_over_rest_and_native_grpc(edge: Guarded, kind: str) -> None:
    token = BAD[kind](edge.tokens)
    before = edge.catalog.calls
    answer = rest(edge, token, origin="https://films.example")
    body = answer.json()
    assert (answer.status_code, body["code"], body["status"]) == (401, 16, "UNAUTHENTICATED"), body
    assert body["message"] == "the token is not valid here"
    assert body["details"][0]["reason"] == "TOKEN_INVALID"
    assert body["details"][0]["metadata"]["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert answer.headers["access-control-allow-origin"] == "https://films.example"
    assert answer.headers["x-content-type-options"] == "nosniff"
    code, message, _ = native(edge, token)
    assert (code, message) == (grpc.StatusCode.UNAUTHENTICATED, "the token is not valid here")
    assert edge.catalog.calls == before, "it reached the service"


def test_an_expired_token_is_told_so(edge: Guarded) -> None:
    answer = rest(edge, edge.tokens.expired())
    assert (answer.status_code, answer.json()["details"][0]["reason"]) == (401, "TOKEN_EXPIRED")
    assert native(edge, edge.tokens.expired())[:2] == (grpc.StatusCode.UNAUTHENTICATED, "the token has expired")


def test_a_refusal_repeats_nothing_of_the_request(edge: Guarded) -> None:
    answer = httpx.get(f"{edge.url}{PATH}?page_token=canary", headers=bearer(edge.tokens.foreign()))
    assert "canary" not in answer.text + str(answer.headers)
    assert edge.tokens.foreign()[:20] not in answer.text + str(answer.headers)


def test_an_address_in_a_header_is_never_asked(edge: Guarded) -> None:
    asked: list[str] = []

    class Trap(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer((topology.LOOPBACK, 0), Trap) as trap:
        threading.Thread(target=trap.serve_forever, daemon=True).start()
        for name in ("jku", "x5u"):
            url = f"http://{topology.LOOPBACK}:{trap.server_port}/keys.json"
            assert rest(edge, by_a_stranger({name: url}, STRANGER)(edge.tokens)).status_code == 401
        trap.shutdown()
    assert asked == []


def test_a_good_token_goes_on_to_the_service_as_it_came(edge: Guarded) -> None:
    token = edge.tokens.user("42")
    spoofed = {"x-user-id": "1", "X-User-Roles": "admin", "x-envoy-counted": "1", "x-forwarded-for": "203.0.113.9"}
    answer = httpx.get(f"{edge.url}/api/v1/movies/search", headers={**bearer(token), **spoofed})
    assert answer.status_code == 200
    seen = json.loads(answer.json()["movies"][0]["overview"])["metadata"]
    assert seen["authorization"] == f"Bearer {token}"
    # services believe the token alone, so they are told nothing else
    assert not {"x-user-id", "x-user-roles", "x-envoy-counted"} & seen.keys()
    assert seen["x-envoy-external-address"] == "127.0.0.1"
    assert "203.0.113.9" not in json.dumps(seen)
    assert native(edge, token)[0] is grpc.StatusCode.OK


def test_a_token_that_only_sets_up_a_second_factor_passes_the_edge(edge: Guarded) -> None:
    token = edge.tokens.setting_up("42")
    answer = httpx.get(f"{edge.url}/api/v1/movies/search", headers=bearer(token))
    assert answer.status_code == 200  # what it opens is for the services to say
    seen = json.loads(answer.json()["movies"][0]["overview"])["metadata"]
    assert seen["authorization"] == f"Bearer {token}"
    assert native(edge, token)[0] is grpc.StatusCode.OK


def test_native_callers_cannot_say_who_they_are_either(edge: Guarded) -> None:
    with grpc.insecure_channel(f"{topology.LOOPBACK}:{edge.port}") as channel:
        stub: Any = catalog_pb2_grpc.CatalogServiceStub(channel)
        spoofed = [("x-user-id", "1"), ("x-forwarded-for", "203.0.113.9"), ("x-envoy-external-address", "203.0.113.9")]
        found = stub.SearchMovies(catalog_pb2.SearchMoviesRequest(), metadata=spoofed, timeout=5)
    seen = json.loads(found.movies[0].overview)["metadata"]
    assert "x-user-id" not in seen and "203.0.113.9" not in json.dumps(seen)
    assert seen["x-envoy-external-address"] == "127.0.0.1"
    assert seen["user-agent"].startswith("grpc-python")


def test_no_token_is_no_fault(edge: Guarded) -> None:
    assert httpx.get(f"{edge.url}{PATH}").status_code == 200
    # other schemes are not the edge's: services refuse them
    assert httpx.get(f"{edge.url}{PATH}", headers={"authorization": "Basic YTpi"}).status_code == 200


def test_a_service_that_wants_a_token_names_the_scheme(edge: Guarded) -> None:
    answer = httpx.get(f"{edge.url}/api/v1/movies/116")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_a_token_in_the_address_is_no_token(edge: Guarded) -> None:
    answer = httpx.get(f"{edge.url}{PATH}", params={"access_token": edge.tokens.user()})
    assert answer.status_code == 400  # an unknown parameter, nothing more


def test_es256_is_accepted_beside_eddsa(edge: Guarded) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(private.public_key()))
    edge.auth.keys.append({**public, "kid": "es256-key", "alg": "ES256", "use": "sig"})
    now = int(time.time())
    claims = {"iss": "cine-identity", "aud": "cine", "sub": "7", "roles": ["user"], "iat": now, "exp": now + 300}
    token = jwt.encode(claims, private, algorithm="ES256", headers={"kid": "es256-key", "typ": "at+jwt"})
    until(lambda: rest(edge, token).status_code == 200, 12)


def signed_with(key: dict[str, Any]) -> str:
    now = int(time.time())
    claims = {"iss": "cine-identity", "aud": "cine", "sub": "8", "roles": ["user"], "iat": now, "exp": now + 300}
    return jwt.encode(claims, jwt.PyJWK(key).key, algorithm="EdDSA", headers={"kid": key["kid"], "typ": "at+jwt"})


def test_keys_are_turned_over_under_load_without_a_failure_and_a_dead_source_costs_nothing(edge: Guarded) -> None:
    signing = edge.auth.first
    statuses: list[int] = []
    ended = threading.Event()

    def load() -> None:
        with httpx.Client(base_url=edge.url, timeout=5) as web:
            while not ended.is_set():
                statuses.append(web.get(PATH, headers=bearer(signed_with(signing))).status_code)
                time.sleep(0.01)

    callers = [threading.Thread(target=load) for _ in range(2)]
    for caller in callers:
        caller.start()
    try:
        old, successor = signing, edge.auth.new_key()
        published = time.monotonic()
        until(lambda: rest(edge, signed_with(successor)).status_code == 200, 15)
        assert time.monotonic() - published < 10
        signing = successor
        time.sleep(0.3)
        edge.auth.keys[:] = [key for key in edge.auth.keys if key["kid"] != old["kid"]]
        until(lambda: rest(edge, signed_with(old)).status_code == 401, 10)
        edge.loop.run(edge.processes["identity"].stop())
        fetched = _fetches(edge)
        until(lambda: _fetches(edge) > fetched, 15)  # it asked the portal, which has the last good copy
    finally:
        ended.set()
        for caller in callers:
            caller.join()
        edge.loop.run(edge.processes["identity"].start())
    assert len(statuses) > 200 and set(statuses) == {200}
    until(lambda: "cluster.identity.membership_healthy: 1" in admin(edge, "/stats?filter=identity.membership_healthy"))


def _fetches(edge: Guarded) -> int:
    stats = admin(edge, "/stats?filter=jwks_fetch_success")
    return int(stats.rsplit(":", 1)[1])


@pytest.mark.parametrize(
    "path",
    [
        "/keys/jwks.json",
        "/keys",
        "//keys/jwks.json",
        "/%6beys/jwks.json",
        "/keys/../keys/jwks.json",
        "/x/../keys/jwks.json",
    ],
)
def test_the_keys_for_envoy_are_not_to_be_had_from_outside(edge: Guarded, path: str) -> None:
    url = httpx.URL(edge.url).copy_with(raw_path=path.encode())
    assert httpx.get(url).status_code == 404
    assert httpx.get(url, headers={"x-request-id": ""}).status_code in {400, 404}


def test_cookies_go_to_identity_alone_and_come_from_there(edge: Guarded) -> None:
    cookie = {"cookie": "__Host-cine_refresh=old; other=1"}
    answer = httpx.post(f"{edge.url}/api/v1/auth/refresh", json={}, headers=cookie)
    assert answer.status_code == 200
    assert edge.auth.seen["cookie"] == cookie["cookie"]
    assert [one.split("=")[0] for one in answer.headers.get_list("set-cookie")] == [
        "__Host-cine_refresh",
        "__Host-cine_device",
    ]
    seen = httpx.get(f"{edge.url}/api/v1/movies/search", headers=cookie).json()["movies"][0]["overview"]
    assert "cookie" not in json.loads(seen)["metadata"]
    assert edge.auth.seen["x-envoy-external-address"] == "127.0.0.1"
    assert edge.auth.seen["user-agent"].startswith("python-httpx")


def test_without_any_key_a_token_is_not_called_bad(tmp_path: Path) -> None:
    with guarded(tmp_path / "one", rate_limit=0, jwks=[str(tmp_path / "none.json")], mute_keys=True) as edge:
        answer = rest(edge, edge.tokens.user())
        assert (answer.status_code, answer.json()["status"]) == (503, "UNAVAILABLE")
        assert answer.headers["retry-after"] == "1"
        assert native(edge, edge.tokens.user())[0] is grpc.StatusCode.UNAVAILABLE
        assert httpx.get(f"{edge.url}{PATH}").status_code == 200
