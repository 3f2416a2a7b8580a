"""Access on the wire: every level of the contract against every kind of caller, and every kind of bad token."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from cinemesh import context
from cinemesh.client import failure_of
from cinemesh.errors import Reason
from cinemesh.testing import TokenFactory, running

CALLERS = ("anonymous", "user", "premium", "admin", "service")
ALLOWED = {
    "Echo": set(CALLERS),
    "ForUser": {"user", "premium", "admin"},
    "ForOwner": {"user", "premium", "admin"},
    "ForAdmin": {"admin"},
    "ForService": {"service"},
    "Unstated": set(),
}


def metadata(tokens: TokenFactory, caller: str) -> Any:
    minted = {
        "user": tokens.user,
        "premium": lambda: tokens.user("43", ("user", "premium")),
        "admin": tokens.admin,
        "service": tokens.service,
    }
    return tokens.metadata(minted[caller]()) if caller in minted else ()


async def test_every_level_against_every_caller(app: Any, stub_class: Any, echo_contract: Any, tokens: Any) -> None:
    table: dict[str, set[str]] = {}
    async with running(app) as server:
        stub = server.stub(stub_class)
        for method in ALLOWED:
            table[method] = set()
            for caller in CALLERS:
                try:
                    await getattr(stub, method)(echo_contract.EchoRequest(), metadata=metadata(tokens, caller))
                    table[method].add(caller)
                except grpc.aio.AioRpcError as error:
                    # an unstated method is closed whoever asks; otherwise nobody in particular is told to sign in
                    signed_in = caller != "anonymous" or method == "Unstated"
                    expected = grpc.StatusCode.PERMISSION_DENIED if signed_in else grpc.StatusCode.UNAUTHENTICATED
                    assert error.code() is expected, (method, caller)
                    reason = Reason.ACCESS_DENIED if signed_in else Reason.TOKEN_MISSING
                    assert failure_of(error).reason is reason, (method, caller)
    assert table == ALLOWED


def bad_tokens(tokens: TokenFactory) -> dict[str, str]:
    good = tokens.user()
    head, body, signature = good.split(".")
    return {
        "expired": tokens.expired(),
        "signed by somebody else": tokens.foreign(),
        "unsigned": tokens.alg_none(),
        "hmac with the public key": tokens.signed_with_public_key(),
        "another audience": tokens.custom(aud="elsewhere"),
        "another issuer": tokens.custom(iss="elsewhere"),
        "not yet valid": tokens.custom(nbf=4_000_000_000),
        "issued in the future": tokens.custom(iat=4_000_000_000, exp=4_000_000_300),
        "no expiry": tokens.custom(exp=None),
        "no subject": tokens.custom(sub=None),
        "no audience": tokens.custom(aud=None),
        "another type": tokens.custom(headers={"typ": "refresh+jwt"}),
        "setting up, with a role": tokens.custom(headers={"typ": "setup+jwt"}),
        "setting up, a service": tokens.custom(
            headers={"typ": "setup+jwt"}, mesh_key=True, roles=["service"], iss="cine-mesh"
        ),
        "withheld roles are no list": tokens.custom(withheld="admin"),
        "no key id": tokens.custom(headers={"kid": ""}),
        "unknown key id": tokens.custom(headers={"kid": "nobody"}),
        "critical extension": tokens.custom(headers={"crit": ["b64"], "b64": True}),
        "key in the header": tokens.custom(headers={"kid": "mine", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AA"}}),
        "service role by a user key": tokens.custom(roles=["service"]),
        "service role by a user key, mesh issuer": tokens.custom(roles=["service"], iss="cine-mesh"),
        "person by the mesh key": tokens.custom(mesh_key=True, roles=["user", "admin"], iss="cine-mesh"),
        "person by the mesh key, own issuer": tokens.custom(mesh_key=True, roles=["user", "admin"]),
        "roles are no list": tokens.custom(roles="admin"),
        "subject is no text": tokens.custom(sub=42),
        "altered body": f"{head}.{body[:-4]}AAAA.{signature}",
        "altered signature": f"{head}.{body}.{signature[:-6]}AAAAAA",
        "not a token": "hello",
        "huge": "a" * 9000,
        "two dots": "..",
    }


async def test_a_token_that_does_not_verify_is_refused_even_where_none_is_needed(
    app: Any, stub_class: Any, echo_contract: Any, tokens: TokenFactory
) -> None:
    seen = {}
    async with running(app) as server:
        stub = server.stub(stub_class)
        for name, token in bad_tokens(tokens).items():
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.Echo(echo_contract.EchoRequest(), metadata=tokens.metadata(token))
            seen[name] = (caught.value.code(), failure_of(caught.value).reason)
            assert token not in str(caught.value)
        await stub.ForUser(echo_contract.EchoRequest(), metadata=tokens.metadata(tokens.user()))
    wrong = (grpc.StatusCode.UNAUTHENTICATED, Reason.TOKEN_INVALID)
    expected = dict.fromkeys(seen, wrong) | {"expired": (grpc.StatusCode.UNAUTHENTICATED, Reason.TOKEN_EXPIRED)}
    assert seen == expected


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer   ", "token"])
async def test_only_bearer_is_understood(app: Any, stub_class: Any, echo_contract: Any, header: str) -> None:
    async with running(app) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub(stub_class).Echo(echo_contract.EchoRequest(), metadata=(("authorization", header),))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_the_principal_comes_from_verified_claims_only(
    app: Any, stub_class: Any, echo_contract: Any, tokens: TokenFactory
) -> None:
    seen = []

    async def who(request: Any, grpc_context: Any) -> Any:
        seen.append(context.current().principal)
        return echo_contract.EchoResponse()

    app.on["who"] = who
    forged = (("x-user-id", "1"), ("x-user-roles", "admin"), ("x-forwarded-user", "1"))
    async with running(app) as server:
        stub = server.stub(stub_class)
        await stub.Echo(echo_contract.EchoRequest(text="who"), metadata=forged)
        token = tokens.user("77", ("user", "premium"), sid="s-9")
        await stub.ForUser(echo_contract.EchoRequest(text="who"), metadata=(*forged, *tokens.metadata(token)))
        await stub.ForService(
            echo_contract.EchoRequest(text="who"), metadata=tokens.metadata(tokens.service("ratings"))
        )
    assert seen[0] == context.ANONYMOUS
    assert seen[1] == context.Principal("user", "77", frozenset({"user", "premium"}), "s-9")
    assert seen[2] == context.Principal("service", "ratings", frozenset({"service"}))


async def test_who_must_set_up_a_second_factor_first_can_do_that_and_is_nobody_elsewhere(
    app: Any, stub_class: Any, echo_contract: Any, tokens: TokenFactory
) -> None:
    seen: list[tuple[context.Principal, str]] = []

    async def who(request: Any, grpc_context: Any) -> Any:
        seen.append((context.current().principal, context.current().token))
        return echo_contract.EchoResponse()

    app.on["who"] = who
    refused = {}
    token = tokens.setting_up("77", ("user", "admin"), sid="s-9")
    async with running(app) as server:
        stub = server.stub(stub_class)
        for method in ("Echo", "ForSettingUp"):
            await getattr(stub, method)(echo_contract.EchoRequest(text="who"), metadata=tokens.metadata(token))
        for method in ("ForUser", "ForOwner", "ForAdmin", "ForService", "Unstated"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await getattr(stub, method)(echo_contract.EchoRequest(), metadata=tokens.metadata(token))
            refused[method] = (caught.value.code(), failure_of(caught.value).reason)
    roles = frozenset({"user", "admin"})
    known = context.Principal("user", "77", session_id="s-9", withheld=roles, setup_only=True)
    assert seen == [(context.ANONYMOUS, ""), (known, token)]
    told = (grpc.StatusCode.PERMISSION_DENIED, Reason.SECOND_FACTOR_REQUIRED)
    closed = (grpc.StatusCode.PERMISSION_DENIED, Reason.ACCESS_DENIED)
    assert refused == {
        **dict.fromkeys(("ForUser", "ForOwner", "ForAdmin"), told),
        **dict.fromkeys(("ForService", "Unstated"), closed),
    }


@pytest.mark.parametrize(
    ("withheld", "reason"), [(["admin"], Reason.SECOND_FACTOR_REQUIRED), (["premium"], Reason.ACCESS_DENIED)]
)
async def test_an_administrator_without_the_second_factor_is_told_why(
    app: Any, stub_class: Any, echo_contract: Any, tokens: TokenFactory, withheld: list[str], reason: Reason
) -> None:
    token = tokens.user("77", withheld=withheld)
    async with running(app) as server:
        stub = server.stub(stub_class)
        await stub.ForUser(echo_contract.EchoRequest(), metadata=tokens.metadata(token))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ForAdmin(echo_contract.EchoRequest(), metadata=tokens.metadata(token))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert failure_of(caught.value).reason is reason


async def test_a_refused_caller_costs_no_parsing(app: Any, tokens: TokenFactory) -> None:
    async with running(app) as server:
        call = server.raw("/cinemesh_test.v1.EchoService/ForUser")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"\xff\xff\xff")  # would be INVALID_ARGUMENT if it were read
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
