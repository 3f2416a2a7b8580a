"""An attempt belongs to one browser, one provider, one code; and is good once and for ten minutes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import grpc
import pytest

from cine_identity.store import Transaction
from cine_identity.store.schema import tickets
from cinemesh.errors import Code, Reason

from .client import COOKIE, Browser, Client
from .server import OpenIdServer


@pytest.fixture
def store(store_url: str) -> str:
    return store_url


@pytest.fixture
async def ada(issuer: OpenIdServer) -> str:
    await issuer.know("t-ada", email="ada@example.org", email_verified=True, preferred_username="ada")
    return "t-ada"


async def lapsed(desk: Any, call: Any) -> None:
    refused = await desk.refused(call)
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.TICKET_INVALID)
    assert [name for name, _ in refused.violations] == ["state"]


async def test_the_state_alone_is_not_enough(client: Client, issuer: OpenIdServer, desk: Any, ada: str) -> None:
    """Whoever sends somebody a link back with a code of their own signs nobody in (login CSRF), nor does a stolen link."""
    mine = Browser()
    others = [Browser(), Browser(), Browser()]
    others[1].cookies[COOKIE] = ""
    await client.depart(others[2])  # a browser with an attempt of its own
    for other in others:
        departure = await client.depart(mine)
        back = await issuer.sign_in(departure.authorization_url, ada)
        await lapsed(desk, client.arrive(other, back))
        # and what was tried with the wrong browser is used up for the right one, too
        await lapsed(desk, client.arrive(mine, back))
    assert await client.outcomes("login.failed") == ["another browser"] * 3


async def test_a_link_that_is_started_by_one_and_followed_by_another_ends_nowhere(
    client: Client, issuer: OpenIdServer, desk: Any, people: Any, ada: str
) -> None:
    eve = await people.join("Eve")
    departure = await client.depart_to_link(Browser(), eve)
    # Ada follows Eve's link in her own browser, and signs in at the provider
    back = await issuer.sign_in(departure.authorization_url, ada)
    await lapsed(desk, client.arrive(Browser(), back))
    assert await client.held(eve.metadata) == []
    assert await client.outcomes("identity.link") == ["another browser"]


async def test_an_attempt_is_good_once(client: Client, issuer: OpenIdServer, desk: Any, ada: str) -> None:
    browser = Browser()
    departure = await client.depart(browser)
    back = await issuer.sign_in(departure.authorization_url, ada)
    kept = dict(browser.cookies)
    assert (await client.arrive(browser, back)).created
    browser.cookies = kept
    await lapsed(desk, client.arrive(browser, back))


async def test_of_calls_at_once_one_signs_in(client: Client, issuer: OpenIdServer, ada: str) -> None:
    browser = Browser()
    departure = await client.depart(browser)
    back = await issuer.sign_in(departure.authorization_url, ada)
    answers = await asyncio.gather(*(client.arrive(browser, back) for _ in range(6)), return_exceptions=True)
    assert sum(not isinstance(one, grpc.aio.AioRpcError) for one in answers) == 1


async def test_two_attempts_of_a_new_person_at_once_make_one_account(
    client: Client, issuer: OpenIdServer, ada: str
) -> None:
    async def ready() -> tuple[Browser, dict[str, str]]:
        browser = Browser()
        departure = await client.depart(browser)
        return browser, await issuer.sign_in(departure.authorization_url, ada)

    both = [await ready(), await ready()]
    answers = await asyncio.gather(*(client.arrive(browser, back) for browser, back in both))
    assert len({one.user_id for one in answers}) == 1
    assert sorted(one.created for one in answers) == [False, True]


async def test_an_attempt_lapses_after_ten_minutes(
    client: Client, issuer: OpenIdServer, desk: Any, clock: Any, ada: str
) -> None:
    browser = Browser()
    departure = await client.depart(browser)
    back = await issuer.sign_in(departure.authorization_url, ada)
    clock.forward(minutes=10.1)
    await lapsed(desk, client.arrive(browser, back))


async def test_an_attempt_belongs_to_one_provider(
    client: Client, issuer: OpenIdServer, talkative_issuer: OpenIdServer, desk: Any, ada: str
) -> None:
    browser = Browser()
    departure = await client.depart(browser)
    back = await issuer.sign_in(departure.authorization_url, ada)
    await lapsed(desk, client.arrive(browser, back, "talk"))
    assert await client.outcomes("login.failed") == ["another provider"]


@pytest.mark.parametrize("iss", ["https://evil.example", "", "talk"])
async def test_what_another_issuer_sent_is_refused(
    client: Client, issuer: OpenIdServer, talkative_issuer: OpenIdServer, desk: Any, ada: str, iss: str
) -> None:
    """Mix-up (RFC 9207): the issuer must be the one asked, and may not be left out by one that always sends it."""
    browser = Browser()
    departure = await client.depart(browser)
    back = await issuer.sign_in(departure.authorization_url, ada)
    back["iss"] = talkative_issuer.issuer if iss == "talk" else iss
    refused = await desk.refused(client.arrive(browser, back))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.PROVIDER_FAILED)
    assert await client.outcomes("login.failed") == ["iss of another provider" if iss else "iss is missing"]


async def test_a_code_of_another_attempt_is_refused(client: Client, issuer: OpenIdServer, desk: Any, ada: str) -> None:
    """Code injection: a stolen code does not fit the verifier of the thief's own attempt (PKCE)."""
    victim, thief = Browser(), Browser()
    theirs = await issuer.sign_in((await client.depart(victim)).authorization_url, ada)
    own = await client.depart(thief)
    refused = await desk.refused(client.arrive(thief, {**theirs, "state": own.state}))
    assert refused.reason is Reason.PROVIDER_FAILED
    assert await client.outcomes("login.failed") == ["code refused: invalid_grant"]


async def test_a_no_at_the_provider_ends_the_attempt(client: Client, issuer: OpenIdServer, desk: Any, ada: str) -> None:
    browser = Browser()
    departure = await client.depart(browser)
    no = {"error": "access_denied", "error_description": "<script>", "state": departure.state, "iss": issuer.issuer}
    refused = await desk.refused(client.arrive(browser, no))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.PROVIDER_FAILED)
    assert "script" not in refused.message and "access_denied" not in refused.message
    await lapsed(desk, client.arrive(browser, await issuer.sign_in(departure.authorization_url, ada)))


async def test_what_is_kept_of_an_attempt_opens_nothing(client: Client, desk: Any) -> None:
    browser = Browser()
    departure = await client.depart(browser)

    def read(tx: Transaction) -> list[dict[str, Any]]:
        return [dict(row) for row in tx.execute(tickets.select().where(tickets.c.kind == "oauth")).mappings()]

    (row,) = await client.app.database.read(read)
    text = json.dumps(row, default=str)
    for secret in (departure.state, browser.cookies[COOKIE]):
        assert secret not in text
    assert set(row["data"]) == {"provider", "page", "use_cookie", "browser", "secrets"}


async def test_every_attempt_has_secrets_of_its_own(client: Client) -> None:
    browser = Browser()
    seen = []
    for _ in range(3):
        departure = await client.depart(browser)
        seen.append((departure.state, browser.cookies[COOKIE], departure.authorization_url))
    for values in zip(*seen, strict=True):
        assert len(set(values)) == 3


async def test_nothing_secret_is_logged(
    client: Client, issuer: OpenIdServer, desk: Any, ada: str, capfd: pytest.CaptureFixture[str]
) -> None:
    browser = Browser()
    departure = await client.depart(browser)
    cookie = browser.cookies[COOKIE]
    back = await issuer.sign_in(departure.authorization_url, ada)
    answer = await client.arrive(browser, back)
    browser.cookies[COOKIE] = cookie
    await lapsed(desk, client.arrive(browser, back))
    out = "".join(capfd.readouterr())
    assert "HandleCallback" in out
    for canary in (departure.state, cookie, back["code"], answer.access_token, answer.refresh_token, "s3cret"):
        assert canary not in out
