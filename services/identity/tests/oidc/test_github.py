"""Signing in through GitHub: its three endpoints, as they answer, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from cine_identity.oauth import Fetcher
from cine_identity.oauth.offered import providers_of
from cine_identity.settings import IdentitySettings
from cinemesh.errors import Code, Reason
from cinemesh.testing import settings_for

from .client import Browser, Client, query
from .local_server import Asked, LocalServer, Reply

BACK = "http://127.0.0.1:8000/oauth/callback/github"


class GitHub(LocalServer):
    """Knows one person, and which challenge a code was given for."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, dict[str, str]] = {}
        self.user: dict[str, Any] = {
            "id": 583231,
            "login": "octocat",
            "name": "The Octocat",
            "email": "public@example.org",
        }
        self.emails: Any = [
            {"email": "old@example.org", "primary": False, "verified": True, "visibility": None},
            {"email": "octocat@example.org", "primary": True, "verified": True, "visibility": "private"},
        ]
        self.routes = {
            "/login/oauth/access_token": self._token,
            "/api/v3/user": lambda asked: self._api(asked, self.user),
            "/api/v3/user/emails": lambda asked: self._api(asked, self.emails),
        }

    def agree(self, page: str) -> dict[str, str]:
        """Does what a person does who follows the page and agrees."""
        sent = query(page)
        assert page.startswith(f"{self.address}/login/oauth/authorize?")
        assert (sent["client_id"], sent["redirect_uri"]) == ("gh-client", BACK)
        assert set(sent["scope"].split()) == {"read:user", "user:email"}
        assert sent["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = sent
        return {"code": code, "state": sent["state"]}

    def _token(self, asked: Asked) -> Reply:
        sent = self.codes.pop(asked.form["code"], None)
        known = (asked.form["client_id"], asked.form["client_secret"]) == ("gh-client", "gh-secret")
        digest = hashlib.sha256(asked.form["code_verifier"].encode()).digest()
        proven = sent is not None and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == sent["code_challenge"]
        if (
            not known
            or not proven
            or asked.form["redirect_uri"] != BACK
            or asked.headers["accept"] != "application/json"
        ):
            return Reply({"error": "bad_verification_code", "error_description": "expired"})  # with 200, as GitHub does
        return Reply({"access_token": "gho_canary", "scope": "read:user,user:email", "token_type": "bearer"})

    @staticmethod
    def _api(asked: Asked, document: Any) -> Reply:
        if asked.headers.get("authorization") != "Bearer gho_canary" or not asked.headers.get("user-agent"):
            return Reply({"message": "Bad credentials"}, 401)
        return document if isinstance(document, Reply) else Reply(document)


@pytest.fixture
def github() -> Iterator[GitHub]:
    server = GitHub()
    yield server
    server.stop()


@pytest.fixture
def providers() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def extra(github: GitHub) -> dict[str, Any]:
    return {
        "github_client_id": "gh-client",
        "github_client_secret": SecretStr("gh-secret"),
        "github_url": github.address,
    }


async def sign_in(client: Client, github: GitHub) -> Any:
    browser = Browser()
    departure = await client.depart(browser, "github")
    return await client.arrive(browser, github.agree(departure.authorization_url), "github")


async def test_the_whole_way(client: Client, github: GitHub, desk: Any) -> None:
    answer = await sign_in(client, github)
    me = await desk.me(answer)
    assert answer.created
    # the primary address of the list, not the one on the profile, of which nobody says that it is verified
    assert (me.username, me.email, me.email_verified) == ("octocat", "octocat@example.org", True)
    assert me.display_name == "The Octocat"
    assert (await sign_in(client, github)).user_id == answer.user_id


async def test_a_person_is_their_number_and_never_their_name(client: Client, github: GitHub, desk: Any) -> None:
    first = await sign_in(client, github)
    github.user |= {"login": "renamed"}
    assert (await sign_in(client, github)).user_id == first.user_id
    # the name that was given up is taken by somebody else
    github.user |= {"id": 99, "login": "octocat"}
    github.emails = [{"email": "else@example.org", "primary": True, "verified": True}]
    second = await sign_in(client, github)
    assert second.created and second.user_id != first.user_id
    assert (await desk.me(second)).username.startswith("octocat-") or (await desk.me(second)).username == "else"


async def test_an_address_that_github_did_not_verify_opens_nothing(client: Client, github: GitHub, desk: Any) -> None:
    github.emails = [
        {"email": "old@example.org", "primary": False, "verified": True},
        {"email": "octocat@example.org", "primary": True, "verified": False},
    ]
    refused = await desk.refused(sign_in(client, github))
    assert refused.code is Code.FAILED_PRECONDITION and "letter" in refused.message
    (letter,) = desk.letters_of("verify_email")
    assert letter.to == "octocat@example.org"


@pytest.mark.parametrize("emails", [Reply({"message": "Not Found"}, 404), [], [{"email": "a@example.org"}], {"a": 1}])
async def test_without_the_list_there_is_no_address(client: Client, github: GitHub, desk: Any, emails: Any) -> None:
    github.emails = emails
    refused = await desk.refused(sign_in(client, github))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.PROVIDER_FAILED)
    assert "address" in refused.message


@pytest.mark.parametrize("number", [None, "583231", 0, -1, True, 1.5])
async def test_a_user_without_a_number_is_nobody(client: Client, github: GitHub, desk: Any, number: Any) -> None:
    github.user |= {"id": number}
    refused = await desk.refused(sign_in(client, github))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.PROVIDER_FAILED)


async def test_a_code_of_another_attempt_is_refused(client: Client, github: GitHub, desk: Any) -> None:
    mine, theirs = Browser(), Browser()
    departure, other = await client.depart(mine, "github"), await client.depart(theirs, "github")
    stolen = github.agree(other.authorization_url)["code"]
    back = {"code": stolen, "state": departure.state}
    refused = await desk.refused(client.arrive(mine, back, "github"))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, Reason.PROVIDER_FAILED)
    assert await client.outcomes("login.failed") == ["code refused: bad_verification_code"]


async def test_iss_is_compared_where_it_comes(client: Client, github: GitHub, desk: Any) -> None:
    for iss, fine in (("https://evil.example", False), (f"{github.address}/login/oauth", True)):
        browser = Browser()
        departure = await client.depart(browser, "github")
        call = client.arrive(browser, {**github.agree(departure.authorization_url), "iss": iss}, "github")
        if fine:
            assert (await call).created
        else:
            assert (await desk.refused(call)).reason is Reason.PROVIDER_FAILED


async def test_nothing_secret_is_logged_or_told(
    client: Client, github: GitHub, desk: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    await sign_in(client, github)
    github.user = Reply({"message": "gho_canary gh-secret"}, 403)  # type: ignore[assignment]
    refused = await desk.refused(sign_in(client, github))
    out = "".join(capfd.readouterr()) + refused.message
    for canary in ("gho_canary", "gh-secret", "code-0", "code-1"):
        assert canary not in out


async def test_public_github_is_asked_where_it_is(tmp_path: Any) -> None:
    settings = settings_for(
        IdentitySettings,
        tmp_path,
        public_url="https://films.example",
        google_client_id="g",
        google_client_secret=SecretStr("s"),
        github_client_id="h",
        github_client_secret=SecretStr("s"),
    )
    fetcher = Fetcher(loopback=False)
    found = providers_of(settings, fetcher)
    await fetcher.close()
    assert [(one.name, one.display_name, one.issuer) for one in found.values()] == [
        ("google", "Google", "https://accounts.google.com"),
        ("github", "GitHub", "https://github.com"),
    ]
