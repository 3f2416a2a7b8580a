"""Signing in through a real OpenID provider, the whole way."""

from __future__ import annotations

from typing import Any

import jwt
import pyotp
import pytest

from cine.identity.v1 import auth_pb2
from cine.identity.v1 import oauth_pb2 as pb
from cine_identity.domain.totp import new_secret
from cine_identity.store.totp import Authenticator, insert
from cinemesh.errors import Code, Reason

from .client import COOKIE, Browser, Client, query
from .server import PUBLIC_URL, OpenIdServer

ADA = {"email": "ada@example.org", "email_verified": True, "name": "Ada Lovelace", "preferred_username": "ada"}


@pytest.fixture
def extra() -> dict[str, Any]:
    return {"admins": ["chief"], "oauth_redirects": ["https://films.example/", "https://films.example/me"]}


async def test_a_new_person_gets_an_account_and_the_same_one_the_next_time(
    client: Client, issuer: OpenIdServer, desk: Any
) -> None:
    await issuer.know("ada-1", **ADA, locale="en-GB")
    browser = Browser()
    departure = await client.depart(browser)
    sent = query(departure.authorization_url)
    assert departure.authorization_url.startswith(f"{issuer.issuer}/auth?")
    assert (sent["response_type"], sent["client_id"], sent["code_challenge_method"]) == ("code", "cine", "S256")
    assert sent["redirect_uri"] == f"{PUBLIC_URL}/oauth/callback/acme"
    assert sent["state"] == departure.state and len(sent["nonce"]) >= 43 and len(sent["code_challenge"]) == 43
    assert 0 < departure.expires_in <= 600
    (cookie,) = browser.set
    assert cookie.startswith(f"{COOKIE}=")
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600"} <= set(cookie.split("; "))

    back = await issuer.sign_in(departure.authorization_url, "ada-1")
    assert back["iss"] == issuer.issuer
    answer = await client.arrive(browser, back)
    assert answer.created and not answer.linked and not answer.second_factor_required
    assert answer.redirect_uri == "https://films.example/"
    assert answer.refresh_token and answer.token_type == "bearer" and 0 < answer.expires_in <= 600
    assert COOKIE not in browser.cookies
    me = await desk.me(answer)
    assert (me.username, me.email, me.email_verified) == ("ada", "ada@example.org", True)
    assert (me.display_name, me.has_password) == ("Ada Lovelace", False)
    account = await desk.account("ada")
    assert account is not None and account.locale == "en-GB"
    session = jwt.decode(answer.access_token, options={"verify_signature": False})["sid"]
    assert session == answer.session_id

    again = await client.sign_in(issuer, "ada-1")
    assert (again.user_id, again.created) == (answer.user_id, False)
    (held,) = await client.held(desk.bearer(again.access_token))
    assert (held.provider, held.label) == ("acme", "ada@example.org")
    assert held.HasField("last_used_at") and held.HasField("linked_at")


async def test_a_refresh_token_goes_into_a_cookie_where_that_was_asked_for(
    client: Client, issuer: OpenIdServer
) -> None:
    await issuer.know("ada-2", **ADA)
    browser = Browser()
    answer = await client.sign_in(issuer, "ada-2", browser, use_cookie=True)
    assert answer.access_token and not answer.refresh_token
    assert {"__Host-cine_refresh", "__Host-cine_device"} <= set(browser.cookies)


async def test_a_sign_in_ends_the_session_whose_cookie_it_replaces(
    client: Client, issuer: OpenIdServer, desk: Any
) -> None:
    await issuer.know("ada-8", **ADA)
    browser = Browser()
    first = await client.sign_in(issuer, "ada-8", browser, use_cookie=True)
    await client.sign_in(issuer, "ada-8", browser)  # its tokens go elsewhere, and the cookie stays
    assert (await desk.me(first)).user_id == first.user_id
    second = await client.sign_in(issuer, "ada-8", browser, use_cookie=True)
    assert (await desk.refused(desk.me(first))).reason is Reason.TOKEN_REVOKED
    assert (await desk.me(second)).user_id == first.user_id


async def test_an_id_token_that_tells_everything_is_enough(
    client: Client, talkative_issuer: OpenIdServer, desk: Any
) -> None:
    await talkative_issuer.know("ada-3", **ADA)
    answer = await client.sign_in(talkative_issuer, "ada-3", provider="talk")
    assert (await desk.me(answer)).email == "ada@example.org"


async def test_an_identity_is_its_issuer_and_subject_whatever_it_is_called_meanwhile(
    client: Client, issuer: OpenIdServer, desk: Any
) -> None:
    await desk.join("Bea", email="bea@example.org")
    await issuer.know("ada-4", **ADA)
    first = await client.sign_in(issuer, "ada-4")
    # the provider now gives her Bea's address: she still is who she was
    await issuer.know("ada-4", email="bea@example.org", email_verified=True)
    second = await client.sign_in(issuer, "ada-4")
    assert second.user_id == first.user_id
    assert (await desk.me(second)).email == "ada@example.org"
    # and somebody else who is given her old address is not her
    await issuer.know("eve-4", **ADA)
    refused = await desk.refused(client.sign_in(issuer, "eve-4"))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.ALREADY_EXISTS)


async def test_names_are_made_valid_and_unique_and_never_an_administrators(
    client: Client, issuer: OpenIdServer, desk: Any
) -> None:
    await desk.join("ada")
    wanted = {
        "n-1": ("ada", "ada.l@example.org", "ada.l"),
        "n-2": ("Zoë Ünal!", "z@example.org", "Zoe-Unal"),
        "n-3": ("x", "y@example.org", "Somebody-Long"),
        "n-4": ("chief", "the.chief@example.org", "the.chief"),
    }
    for sub, (name, email, expected) in wanted.items():
        await issuer.know(sub, preferred_username=name, email=email, email_verified=True, name="Somebody Long")
        answer = await client.sign_in(issuer, sub)
        me = await desk.me(answer)
        assert me.username == expected
        assert list(me.roles) == ["user"]
    await issuer.know("n-5", preferred_username="ada", email="ada@example.net", email_verified=True)
    me = await desk.me(await client.sign_in(issuer, "n-5"))
    assert me.username.startswith("ada-") and me.display_name == me.username


async def test_only_configured_pages_are_come_back_to(client: Client, issuer: OpenIdServer, desk: Any) -> None:
    await issuer.know("ada-6", **ADA)
    answer = await client.sign_in(issuer, "ada-6", redirect_uri="https://films.example/me")
    assert answer.redirect_uri == "https://films.example/me"
    assert (await client.sign_in(issuer, "ada-6")).redirect_uri == "https://films.example/"
    for wrong in ("https://films.example", "https://films.example/me/", "https://films.example/me?x", "//evil.example"):
        refused = await desk.refused(client.depart(Browser(), redirect_uri=wrong))
        assert (refused.code, refused.violations[0][0]) == (Code.INVALID_ARGUMENT, "redirect_uri")


async def test_the_second_factor_of_an_account_still_applies(client: Client, issuer: OpenIdServer, desk: Any) -> None:
    await issuer.know("ada-7", **ADA)
    first = await client.sign_in(issuer, "ada-7")
    secret = new_secret()

    def turn_on(tx: Any) -> None:
        sealed = client.app.vault.seal(secret.encode(), "totp", first.user_id)
        insert(tx, Authenticator(first.user_id, sealed, 0, client.app.clock()))

    await client.app.database.write(turn_on)
    answer = await client.sign_in(issuer, "ada-7", redirect_uri="https://films.example/me")
    assert answer.second_factor_required and list(answer.second_factor_methods) == ["totp"]
    assert not (answer.access_token or answer.refresh_token or answer.session_id or answer.user_id)
    assert answer.redirect_uri == "https://films.example/me"
    code = pyotp.TOTP(secret).now()
    request = auth_pb2.VerifySecondFactorRequest(second_factor_token=answer.second_factor_token, code=code)
    tokens = await desk.auth.VerifySecondFactor(request)
    assert tokens.user_id == first.user_id
    assert await desk.audited("login") == [("ok", "acme"), ("ok", "acme, second factor: totp")]


async def test_providers_are_listed_and_others_are_not_found(client: Client, desk: Any) -> None:
    listed = (await client.stub.ListProviders(pb.ListProvidersRequest())).providers
    assert [(one.provider, one.display_name) for one in listed] == [("acme", "Acme"), ("talk", "Talk")]
    refused = await desk.refused(client.depart(Browser(), "google"))
    assert (refused.code, refused.violations[0][0]) == (Code.NOT_FOUND, "provider")
