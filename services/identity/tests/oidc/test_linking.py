"""Linking identities to an account and unlinking them, at a real OpenID provider."""

from __future__ import annotations

from typing import Any

import pytest

from cine.identity.v1 import auth_pb2, sessions_pb2
from cine_identity.domain.totp import new_secret
from cine_identity.store import accounts
from cine_identity.store.totp import Authenticator, insert
from cinemesh.errors import Code, Reason

from .client import Browser, Client
from .server import OpenIdServer


@pytest.fixture
def store(store_url: str) -> str:
    return store_url


async def test_linked_by_its_owner_and_told_by_letter(
    client: Client, issuer: OpenIdServer, desk: Any, people: Any
) -> None:
    ada = await people.join("Ada")
    await issuer.know("l-1", email="ada.private@example.net", email_verified=False)
    answer = await client.link(issuer, "l-1", ada)
    assert answer.linked and not answer.created and answer.user_id == ada.user_id
    assert not (answer.access_token or answer.refresh_token or answer.session_id)
    assert answer.redirect_uri == "http://127.0.0.1:8000/"
    (held,) = await client.held(ada.metadata)
    assert (held.provider, held.label) == ("acme", "ada.private@example.net")
    assert not held.HasField("last_used_at")
    (letter,) = desk.letters_of("identity_linked", "ada@example.org")
    assert letter.facts == {"username": "Ada", "provider": "Acme"}
    assert await client.outcomes("identity.link") == ["ok"]
    # from now on it opens her account, whatever its address
    assert (await client.sign_in(issuer, "l-1")).user_id == ada.user_id
    # linking it once more changes nothing
    assert (await client.link(issuer, "l-1", ada)).linked
    assert len(await client.held(ada.metadata)) == 1 and len(desk.letters_of("identity_linked")) == 1


async def test_an_identity_opens_one_account_alone(
    client: Client, issuer: OpenIdServer, desk: Any, people: Any
) -> None:
    ada, bea = await people.join("Ada"), await people.join("Bea")
    await issuer.know("l-2", email="l2@example.net", email_verified=True)
    await client.link(issuer, "l-2", ada)
    refused = await desk.refused(client.link(issuer, "l-2", bea))
    assert refused.code is Code.ALREADY_EXISTS
    assert await client.held(bea.metadata) == []
    assert (await client.sign_in(issuer, "l-2")).user_id == ada.user_id


async def test_a_link_wants_a_recent_sign_in(client: Client, desk: Any, people: Any, clock: Any) -> None:
    ada = await people.join("Ada")
    clock.forward(minutes=10.1)
    refused = await desk.refused(client.depart_to_link(Browser(), ada))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.RECENT_SIGN_IN_REQUIRED)


async def test_a_link_dies_with_the_session_that_started_it(
    client: Client, issuer: OpenIdServer, desk: Any, people: Any
) -> None:
    ada = await people.join("Ada")
    await issuer.know("l-3", email="l3@example.net", email_verified=True)
    browser = Browser()
    departure = await client.depart_to_link(browser, ada)
    back = await issuer.sign_in(departure.authorization_url, "l-3")
    await desk.sessions.RevokeSession(
        sessions_pb2.RevokeSessionRequest(session_id=ada.session_id), metadata=ada.metadata
    )
    refused = await desk.refused(client.arrive(browser, back))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.TICKET_INVALID)
    assert await client.outcomes("identity.link") == ["signed out meanwhile"]
    again = await people.sign_in(await people.account(ada))
    assert await client.held(again.metadata) == []


async def test_a_link_is_not_ended_by_another_session(
    client: Client, issuer: OpenIdServer, desk: Any, people: Any
) -> None:
    ada, eve = await people.join("Ada"), await people.join("Eve")
    await issuer.know("l-4", email="l4@example.net", email_verified=True)
    other = await people.sign_in(await people.account(ada))
    for wrong in (eve, other):
        browser = Browser()
        departure = await client.depart_to_link(browser, ada)
        back = await issuer.sign_in(departure.authorization_url, "l-4")
        refused = await desk.refused(client.arrive(browser, back, metadata=wrong.metadata))
        assert refused.reason is Reason.TICKET_INVALID
    assert await client.held(ada.metadata) == await client.held(eve.metadata) == []
    browser = Browser()
    departure = await client.depart_to_link(browser, ada)
    back = await issuer.sign_in(departure.authorization_url, "l-4")
    assert (await client.arrive(browser, back, metadata=ada.metadata)).linked


async def test_a_session_has_one_link_under_way(client: Client, issuer: OpenIdServer, desk: Any, people: Any) -> None:
    ada = await people.join("Ada")
    await issuer.know("l-5", email="l5@example.net", email_verified=True)
    first, second = Browser(), Browser()
    departure = await client.depart_to_link(first, ada)
    await client.depart_to_link(second, ada)
    back = await issuer.sign_in(departure.authorization_url, "l-5")
    assert (await desk.refused(client.arrive(first, back))).reason is Reason.TICKET_INVALID


async def test_unlinked_it_opens_the_account_no_more(
    client: Client, issuer: OpenIdServer, desk: Any, people: Any
) -> None:
    ada = await people.join("Ada", password_hash="$cine-b1$x")
    await issuer.know("l-6", email="ada@example.org", email_verified=True)
    await client.link(issuer, "l-6", ada)
    (held,) = await client.held(ada.metadata)
    # begun before, one already back from the provider, one not: both are dead
    early, late = Browser(), Browser()
    departure, later = await client.depart(early), await client.depart(late)
    back = await issuer.sign_in(departure.authorization_url, "l-6")
    await client.unlink(ada.metadata, held.identity_id)
    for browser, brought in ((early, back), (late, await issuer.sign_in(later.authorization_url, "l-6"))):
        refused = await desk.refused(client.arrive(browser, brought))
        assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.TICKET_INVALID)
    (letter,) = desk.letters_of("identity_unlinked", "ada@example.org")
    assert letter.facts["provider"] == "Acme"
    assert await client.held(ada.metadata) == []
    # a new sign-in finds an account with the address, and leaves it alone
    refused = await desk.refused(client.sign_in(issuer, "l-6"))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.ALREADY_EXISTS)
    # linked again by its owner, it works again
    assert (await client.link(issuer, "l-6", ada)).linked


async def test_unlinking_wants_a_recent_sign_in(
    client: Client, issuer: OpenIdServer, desk: Any, people: Any, clock: Any
) -> None:
    ada = await people.join("Ada", password_hash="$cine-b1$x")
    await issuer.know("l-12", email="l12@example.net", email_verified=True)
    await client.link(issuer, "l-12", ada)
    (held,) = await client.held(ada.metadata)
    clock.forward(minutes=10.1)
    refused = await desk.refused(client.unlink(ada.metadata, held.identity_id))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.RECENT_SIGN_IN_REQUIRED)
    again = await people.sign_in(await people.account(ada))
    assert len(await client.held(again.metadata)) == 1 and desk.letters_of("identity_unlinked") == []
    await client.unlink(again.metadata, held.identity_id)
    assert await client.held(again.metadata) == []


async def test_a_link_begun_before_the_identity_was_unlinked_does_not_bring_it_back(
    client: Client, issuer: OpenIdServer, desk: Any, people: Any
) -> None:
    ada = await people.join("Ada", password_hash="$cine-b1$x")
    elsewhere = await people.sign_in(await people.account(ada))
    await issuer.know("l-7", email="l7@example.net", email_verified=True)
    await client.link(issuer, "l-7", ada)
    browser = Browser()
    departure = await client.depart_to_link(browser, elsewhere)
    back = await issuer.sign_in(departure.authorization_url, "l-7")
    (held,) = await client.held(ada.metadata)
    await client.unlink(ada.metadata, held.identity_id)
    refused = await desk.refused(client.arrive(browser, back, metadata=elsewhere.metadata))
    assert refused.reason is Reason.TICKET_INVALID
    assert await client.held(ada.metadata) == []


async def test_a_second_factor_asked_for_through_it_dies_with_the_link(
    client: Client, issuer: OpenIdServer, desk: Any, people: Any
) -> None:
    ada = await people.join("Ada", password_hash="$cine-b1$x")
    await issuer.know("l-8", email="l8@example.net", email_verified=True)
    await client.link(issuer, "l-8", ada)

    def turn_on(tx: Any) -> None:
        sealed = client.app.vault.seal(new_secret().encode(), "totp", ada.user_id)
        insert(tx, Authenticator(ada.user_id, sealed, 0, client.app.clock()))

    await client.app.database.write(turn_on)
    answer = await client.sign_in(issuer, "l-8")
    (held,) = await client.held(ada.metadata)
    await client.unlink(ada.metadata, held.identity_id)
    request = auth_pb2.VerifySecondFactorRequest(second_factor_token=answer.second_factor_token, code="123456")
    refused = await desk.refused(desk.auth.VerifySecondFactor(request))
    assert refused.reason is Reason.TICKET_INVALID


async def test_the_last_way_to_sign_in_stays(client: Client, issuer: OpenIdServer, desk: Any, people: Any) -> None:
    await issuer.know("l-9", email="l9@example.net", email_verified=True)
    await issuer.know("l-10", email="l10@example.net", email_verified=True)
    answer = await client.sign_in(issuer, "l-9")
    account = await client.app.database.read(lambda tx: accounts.by_id(tx, answer.user_id))
    person = await people.sign_in(account)
    (only,) = await client.held(person.metadata)
    refused = await desk.refused(client.unlink(person.metadata, only.identity_id))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.LAST_SIGN_IN_METHOD)
    assert (await client.sign_in(issuer, "l-9")).user_id == answer.user_id
    await client.link(issuer, "l-10", person)
    await client.unlink(person.metadata, only.identity_id)
    assert [one.label for one in await client.held(person.metadata)] == ["l10@example.net"]


async def test_nobody_unlinks_what_is_not_theirs(client: Client, issuer: OpenIdServer, desk: Any, people: Any) -> None:
    ada, eve = await people.join("Ada"), await people.join("Eve")
    await issuer.know("l-11", email="l11@example.net", email_verified=True)
    await client.link(issuer, "l-11", ada)
    (held,) = await client.held(ada.metadata)
    for wrong in (held.identity_id, "nothing", "\x00"):
        assert (await desk.refused(client.unlink(eve.metadata, wrong))).code is Code.NOT_FOUND
    assert len(await client.held(ada.metadata)) == 1
