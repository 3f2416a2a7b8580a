"""An account from its mail to its end, in a browser on a real mesh.

The mesh is one of its own, unless `CINE_E2E_URL` names another and `CINE_E2E_MAIL` the folder that Identity writes its mails to
(`var/outbox/`).
"""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pyotp
import pytest
from selenium.webdriver.common.by import By

from cinemesh.testing.ports import free_base
from services.identity.tests.oidc.server import OpenIdServer
from tests.e2e.explorer.accounts import click, fill, send, sign_in, sign_out, signed_in
from tests.e2e.explorer.stub_people import REFRESH_COOKIE
from tests.integration.mesh import started

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FIRST, SECOND = "seven quiet herons 41", "eleven loud magpies 58"
CHIEF = "chief@example.org"


@dataclass(frozen=True)
class Place:
    """Where the mesh is, where its mails lie, and a provider that it knows as "acme"; None when the mesh is another's."""

    url: str
    mails: Path
    provider: OpenIdServer | None = None


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    given = os.environ.get("CINE_E2E_URL"), os.environ.get("CINE_E2E_MAIL")
    if given[0] and given[1]:
        yield Place(given[0].rstrip("/") + "/", Path(given[1]))
        return
    base = free_base()
    provider = OpenIdServer(in_id_token=False, public_url=f"http://127.0.0.1:{base + 300}")
    known = {"client_id": "cine", "client_secret": "s3cret/of:cine+"}
    acme = json.dumps([{"name": "acme", "display_name": "Acme", "issuer": provider.issuer, **known}])
    try:
        chosen = {"CINE_IDENTITY_OIDC_PROVIDERS": acme, "CINE_IDENTITY_ADMINS": CHIEF}
        with started(tmp_path_factory.mktemp("accounts"), base=base, **chosen) as mesh:
            yield Place(f"{mesh.address}/", Path(mesh.environment["CINE_VAR_DIR"]) / "outbox", provider)
    finally:
        provider.stop()


@pytest.fixture
def explorer_url(place: Place) -> str:
    return place.url


@pytest.fixture
def mails(place: Place) -> Path:
    return place.mails


def _token(explorer: Explorer, mails: Path, address: str, page: str) -> str:
    """Waits for the mail to an address with a link to a page, and returns the link's token."""

    def found() -> str | None:
        for path in sorted(mails.rglob("*.eml"), reverse=True):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            body = message.get_body(("plain",))
            text = str(body.get_content()) if body else ""
            link = re.search(rf"#/{page}\?token=([\w.~-]+)", text)
            if address in str(message["to"]) and link:
                return link[1]
        return None

    return str(explorer.wait(found, f"a mail with a link to #/{page}"))


def _press(explorer: Explorer, text: str) -> None:
    click(explorer, explorer.wait(lambda: next((b for b in explorer.all("main button") if b.text == text), None), text))


def test_an_account_from_the_mail_to_the_end(explorer: Explorer, mails: Path) -> None:
    name = f"e2e-{secrets.token_hex(5)}"
    address = f"{name}@example.org"
    explorer.open("#/register")
    explorer.settle()
    fill(explorer, username=name, email=address, password=FIRST)
    send(explorer)
    explorer.wait_text("h1", "Look into your mail")

    # not open before its mail was read, and nothing says why
    sign_in(explorer, name, FIRST)
    explorer.wait_text(".form-error", "not right, or the account is not open yet")
    explorer.open(f"#/verify?token={_token(explorer, mails, address, 'verify')}")
    explorer.wait_text("form button", "Open my account")
    send(explorer)
    explorer.wait_text("h1", "Your account is open")

    sign_in(explorer, name, FIRST)
    signed_in(explorer, name)
    cookie = explorer.driver.get_cookie(REFRESH_COOKIE)
    assert cookie is not None
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["path"]) == (True, True, "Strict", "/")
    assert explorer.js("return document.cookie") == ""
    explorer.driver.refresh()
    signed_in(explorer, name)
    explorer.open("#/account/devices")
    explorer.settle()
    assert explorer.texts(".tag.here") == ["this one"]

    explorer.open("#/forgot")
    explorer.settle()
    fill(explorer, email=address)
    send(explorer)
    explorer.wait(lambda: explorer.texts(".form-done:not([hidden])"), "the answer")
    explorer.open(f"#/reset?token={_token(explorer, mails, address, 'reset')}")
    explorer.settle()
    fill(explorer, password=SECOND)
    send(explorer)
    explorer.wait_text("h1", "The password is set")
    explorer.wait_text(".who", "Sign in")
    sign_in(explorer, name, FIRST)
    explorer.wait_text(".form-error", "not right")
    sign_in(explorer, address, SECOND)
    signed_in(explorer, name)

    sign_out(explorer)
    assert explorer.driver.get_cookie(REFRESH_COOKIE) is None
    explorer.driver.refresh()
    explorer.wait_text(".who", "Sign in")


def test_profile_preferences_and_leaving(explorer: Explorer, mails: Path) -> None:
    name = f"e2e-{secrets.token_hex(5)}"
    address = f"{name}@example.org"
    explorer.open("#/register")
    explorer.settle()
    fill(explorer, username=name, email=address, password=FIRST)
    send(explorer)
    explorer.wait_text("h1", "Look into your mail")
    explorer.open(f"#/verify?token={_token(explorer, mails, address, 'verify')}")
    _press(explorer, "Open my account")
    explorer.wait_text("h1", "Your account is open")
    sign_in(explorer, name, FIRST)
    signed_in(explorer, name)

    explorer.open("#/account")
    explorer.settle()
    fill(explorer, display_name="Ada of the mesh", bio="Counts.", location="")
    for field in ("display_name", "bio"):
        box = explorer.one(f"[name='public:{field}']")
        if not box.is_selected():
            click(explorer, box)
    _press(explorer, "Save")
    explorer.wait_text(".form-done", "Saved")
    explorer.open(f"#/people/{name}")
    explorer.wait_text("h1", "Ada of the mesh")
    explorer.wait_text(".bio", "Counts.")

    explorer.open("#/account/preferences")
    explorer.wait(lambda: len(explorer.all(".taste .toggle")) > 3, "the genres")
    explorer.js("document.querySelector('.toggle input[value=Drama]').click()")
    _press(explorer, "Save")
    explorer.wait_text(".form-done", "Saved")
    explorer.driver.refresh()
    explorer.wait(lambda: explorer.all(".taste .toggle input:checked"), "the genre that was kept")

    explorer.open("#/account/signin")
    explorer.settle()
    explorer.one("[aria-label='Turn the second factor on'] input").send_keys(FIRST)
    _press(explorer, "Set it up")
    explorer.wait_text(".letters", " ")
    assert explorer.all(".qr svg")

    explorer.open("#/account/data")
    explorer.settle()
    explorer.one("details summary").click()
    leaving = explorer.one("details form")
    leaving.find_element(By.NAME, "confirm_username").send_keys(name)
    leaving.find_element(By.NAME, "password").send_keys(FIRST)
    _press(explorer, "Delete the account for good")
    explorer.wait_text(".who", "Sign in")
    sign_in(explorer, name, FIRST)
    explorer.wait_text(".form-error", "not right")
    explorer.open(f"#/people/{name}")
    explorer.wait_text("h1", "Nobody of that name")


def _code(secret: str, steps: int = 0) -> str:
    """Returns the code of an authenticator app, now or steps of half a minute later."""
    return pyotp.TOTP(secret).at(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30 * steps))


def test_the_first_administrator_comes_from_the_settings_and_by_a_second_factor(
    explorer: Explorer, place: Place
) -> None:
    if place.provider is None:
        pytest.skip("the mesh is another's: who its administrators are is not known here")
    explorer.open("#/register")
    explorer.settle()
    fill(explorer, username="chief", email=CHIEF, password=FIRST)
    send(explorer)
    explorer.wait_text("h1", "Look into your mail")
    explorer.open(f"#/verify?token={_token(explorer, place.mails, CHIEF, 'verify')}")
    _press(explorer, "Open my account")
    explorer.wait_text("h1", "Your account is open")

    sign_in(explorer, "chief", FIRST)
    signed_in(explorer, "chief")
    explorer.wait_text(".notice h2", "A second factor first")
    explorer.open("#/admin")
    explorer.wait_text(".notice h2", "A second factor first")
    explorer.one(".notice a").click()
    explorer.wait_text(".account h2", "Second factor")
    explorer.settle()
    explorer.one("[aria-label='Turn the second factor on'] input").send_keys(FIRST)
    _press(explorer, "Set it up")
    secret = explorer.wait(lambda: "".join(explorer.texts(".letters")).replace(" ", ""), "the secret")
    # the code of the step before is still good, and leaves that of this one for the sign-in
    fill(explorer, code=_code(secret, -1))
    _press(explorer, "Turn it on")
    explorer.wait_text(".codes h3", "Recovery codes")
    explorer.wait_text(".notice h2", "Now sign in with it")
    _press(explorer, "Sign in again")
    explorer.wait_text(".who", "Sign in")
    sign_in(explorer, "chief", FIRST, opened=True)
    explorer.wait_text("h1", "One more step")
    fill(explorer, code=_code(secret))
    _press(explorer, "Go on")
    explorer.wait(lambda: "chief" in explorer.texts("tbody td:first-child"), "the people, as administrators see them")
    assert explorer.hash == "#/admin"


def _at_the_provider(explorer: Explorer, subject: str) -> None:
    """Signs in on the provider's own pages, and agrees."""
    explorer.wait(lambda: explorer.all("input[name='login']"), "the provider's page")
    explorer.one("input[name='login']").send_keys(subject)
    explorer.one("input[name='password']").send_keys("any")
    explorer.one("button[type='submit']").click()
    explorer.wait(lambda: explorer.all("input[name='prompt'][value='consent']"), "the provider's question")
    explorer.one("button[type='submit']").click()


def test_in_through_another_provider_which_stays_while_it_is_the_only_way(explorer: Explorer, place: Place) -> None:
    provider = place.provider
    if provider is None:
        pytest.skip("the mesh is another's: it knows no provider of ours")
    subject = f"s{secrets.token_hex(5)}"
    address = f"{subject}@example.org"
    told = {"email": address, "email_verified": True, "name": "Ada Upstream", "preferred_username": subject}
    httpx.post(f"{provider.issuer}/people/{subject}", json=told).raise_for_status()

    explorer.open("#/signin")
    explorer.settle()
    _press(explorer, "Go on with Acme")
    _at_the_provider(explorer, subject)
    signed_in(explorer, "Ada Upstream")
    assert "code=" not in explorer.driver.current_url and "state=" not in explorer.driver.current_url
    explorer.driver.refresh()
    signed_in(explorer, "Ada Upstream")

    # the only way in cannot be given up
    explorer.open("#/account/signin")
    explorer.settle()
    explorer.wait_text("ul.items", "Acme")
    _press(explorer, "Unlink")
    explorer.wait_text("main [role='alert'], main .form-error, main .notice", "last")
