"""Addresses that providers tell of: none leads to an account, and what is not vouched for opens nothing by itself."""

from __future__ import annotations

from typing import Any

import pytest

from cine.identity.v1 import auth_pb2
from cine_identity.store import Transaction, accounts, identities
from cinemesh.errors import Code, Reason

from .client import Client
from .server import OpenIdServer


async def verify(desk: Any, letter: Any) -> Any:
    return await desk.auth.VerifyEmail(auth_pb2.VerifyEmailRequest(token=letter.facts["token"]))


async def linked(client: Client, issuer: OpenIdServer, sub: str) -> Any:
    def read(tx: Transaction) -> Any:
        return identities.find(tx, issuer.issuer, sub)

    return await client.app.database.read(read)


@pytest.mark.parametrize("provider", ["acme", "talk"])
async def test_a_verified_address_of_an_account_does_not_lead_into_it(
    client: Client, issuer: OpenIdServer, talkative_issuer: OpenIdServer, desk: Any, provider: str
) -> None:
    await desk.join("Ada")
    server = issuer if provider == "acme" else talkative_issuer
    for written in ("ada@example.org", "ADA@Example.ORG"):
        await server.know("a-1", email=written, email_verified=True)
        refused = await desk.refused(client.sign_in(server, "a-1", provider=provider))
        assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.ALREADY_EXISTS)
        assert "sign in to it" in refused.message
    assert await linked(client, server, "a-1") is None
    assert await client.outcomes("login.failed") == ["address has an account"] * 2


@pytest.mark.parametrize(
    "claim", [{"email_verified": False}, {}, {"email_verified": "false"}, {"email_verified": 1}, {"xms_edov": True}]
)
async def test_an_address_that_is_not_vouched_for_opens_nothing_before_its_letter_was_read(
    client: Client, issuer: OpenIdServer, desk: Any, claim: dict[str, Any]
) -> None:
    await issuer.know("a-2", email="new@example.org", preferred_username="newcomer", **claim)
    refused = await desk.refused(client.sign_in(issuer, "a-2"))
    assert refused.code is Code.FAILED_PRECONDITION and "letter" in refused.message
    assert await linked(client, issuer, "a-2") is None
    account = await desk.account("newcomer")
    assert account is not None and not account.email_verified and account.password_hash is None
    # asking again opens it no more than the first time
    assert (await desk.refused(client.sign_in(issuer, "a-2"))).code is Code.FAILED_PRECONDITION
    await verify(desk, desk.letters_of("verify_email", "new@example.org")[0])
    answer = await client.sign_in(issuer, "a-2")
    assert (answer.user_id, answer.created) == (account.user_id, False)
    me = await desk.me(answer)
    assert me.email_verified and not me.has_password


async def test_such_an_address_is_answered_the_same_whether_it_has_an_account_or_not(
    client: Client, issuer: OpenIdServer, desk: Any
) -> None:
    await desk.join("Ada")
    await desk.apply("Waiting")
    told = set()
    for place, email in enumerate(("ada@example.org", "waiting@example.org", "nobody@example.org")):
        await issuer.know(f"a-3-{place}", email=email, email_verified=False)
        refused = await desk.refused(client.sign_in(issuer, f"a-3-{place}"))
        told.add((refused.code, refused.reason, refused.message, refused.violations))
        assert await linked(client, issuer, f"a-3-{place}") is None
    assert len(told) == 1
    assert len(desk.letters_of("already_registered", "ada@example.org")) == 1


async def test_whoever_comes_first_with_anothers_address_gains_nothing_by_their_registration(
    client: Client, issuer: OpenIdServer, desk: Any
) -> None:
    # somebody signs in with the victim's address, which the provider does not vouch for, and waits
    await issuer.know("thief", email="victim@example.org", preferred_username="thief", email_verified=False)
    await desk.refused(client.sign_in(issuer, "thief"))
    # the victim registers, and follows their own letter
    await desk.apply("Victim")
    await verify(desk, desk.letters_of("verify_email", "victim@example.org")[-1])
    tokens = await desk.login("Victim")
    assert await client.held(desk.bearer(tokens.access_token)) == []
    await desk.refused(client.sign_in(issuer, "thief"))
    assert await linked(client, issuer, "thief") is None


async def test_nor_by_a_letter_that_the_owner_asks_for_once_more(
    client: Client, issuer: OpenIdServer, desk: Any
) -> None:
    await desk.apply("Victim")
    await issuer.know("thief-2", email="victim@example.org", preferred_username="thief", email_verified=False)
    await desk.refused(client.sign_in(issuer, "thief-2"))
    await desk.auth.ResendVerification(auth_pb2.ResendVerificationRequest(email="victim@example.org"))
    await desk.answer_wishes()
    letters = desk.letters_of("verify_email", "victim@example.org")
    assert [one.facts["username"] for one in letters] == ["Victim", "thief", "Victim"]
    await verify(desk, letters[-1])
    tokens = await desk.login("Victim")
    assert await client.held(desk.bearer(tokens.access_token)) == []
    assert (await desk.refused(client.sign_in(issuer, "thief-2"))).code is Code.FAILED_PRECONDITION
    # an account that was opened through a provider alone is not opened by anybody else's asking
    await issuer.know("a-10", email="other@example.org", email_verified=False)
    await desk.refused(client.sign_in(issuer, "a-10"))
    await desk.auth.ResendVerification(auth_pb2.ResendVerificationRequest(email="other@example.org"))
    await desk.answer_wishes()
    assert len(desk.letters_of("verify_email", "other@example.org")) == 1


async def test_nor_by_a_password_they_left_there(client: Client, issuer: OpenIdServer, desk: Any) -> None:
    await desk.apply("Thief", email="victim@example.org")
    await issuer.know("a-5", email="victim@example.org", preferred_username="victim", email_verified=False)
    await desk.refused(client.sign_in(issuer, "a-5"))
    await verify(desk, desk.letters_of("verify_email", "victim@example.org")[-1])
    answer = await client.sign_in(issuer, "a-5")
    assert (await desk.me(answer)).username == "victim"
    for name in ("Thief", "victim", "victim@example.org"):
        assert (await desk.refused(desk.login(name))).reason is Reason.CREDENTIALS_INVALID


async def test_an_account_that_nobody_proved_gives_way_to_a_verified_address(
    client: Client, issuer: OpenIdServer, desk: Any
) -> None:
    await desk.apply("Thief", email="victim@example.org")
    (waiting,) = desk.letters_of("verify_email", "victim@example.org")
    before = await desk.account("Thief")
    await issuer.know("a-6", email="victim@example.org", preferred_username="victim", email_verified=True)
    answer = await client.sign_in(issuer, "a-6")
    assert answer.created and answer.user_id != before.user_id
    assert await client.app.database.read(lambda tx: accounts.by_id(tx, before.user_id)) is None
    assert (await desk.refused(desk.login("Thief"))).reason is Reason.CREDENTIALS_INVALID
    assert (await desk.refused(verify(desk, waiting))).reason is Reason.TICKET_INVALID


async def test_a_disabled_account_keeps_its_address_and_lets_nobody_in(
    client: Client, issuer: OpenIdServer, desk: Any
) -> None:
    await issuer.know("a-7", email="ada@example.org", email_verified=True)
    answer = await client.sign_in(issuer, "a-7")
    await client.app.database.write(
        lambda tx: accounts.update(tx, answer.user_id, disabled=True, email_verified=False, last_login_at=None)
    )
    refused = await desk.refused(client.sign_in(issuer, "a-7"))
    assert (refused.code, refused.reason) == (Code.UNAUTHENTICATED, Reason.CREDENTIALS_INVALID)
    await issuer.know("a-8", email="ada@example.org", email_verified=True)
    assert (await desk.refused(client.sign_in(issuer, "a-8"))).reason is Reason.ALREADY_EXISTS
    assert (await client.outcomes("login.failed")) == ["disabled", "address has an account"]


@pytest.mark.parametrize("email", [None, "", "no-address", "a@b\r\nBcc: all@example.org", "x" * 250 + "@example.org"])
async def test_without_an_address_there_is_no_new_account(
    client: Client, issuer: OpenIdServer, desk: Any, email: str | None
) -> None:
    claims = {} if email is None else {"email": email, "email_verified": True}
    await issuer.know("a-9", **claims)
    refused = await desk.refused(client.sign_in(issuer, "a-9"))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.PROVIDER_FAILED)
    assert desk.letters == []
