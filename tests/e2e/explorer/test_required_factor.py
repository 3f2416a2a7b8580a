"""People who must have a second factor: what the explorer tells them, and the way to one, in a real browser on the stub of Identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.accounts import click, fill, sign_in, signed_in
from tests.e2e.explorer.stub_people import CODE, NOW

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser]

PASSWORD = "correct horse 7"


def set_up(explorer: Explorer) -> None:
    """Turns the second factor on, on the page where that is done."""
    form = explorer.one("[aria-label='Turn the second factor on']")
    form.find_element(By.NAME, "password").send_keys(PASSWORD, Keys.ENTER)
    explorer.wait_text(".letters", "JBSW Y3DP")
    fill(explorer, code=CODE)
    explorer.press(Keys.ENTER)
    explorer.wait_text(".codes h3", "Recovery codes")


def sign_in_again(explorer: Explorer) -> None:
    """Goes the way that the page offers, with password and code."""
    click(explorer, next(one for one in explorer.all(".notice button") if one.text == "Sign in again"))
    explorer.wait_text("h1", "Sign in")
    explorer.wait_text(".who", "Sign in")
    explorer.settle()
    fill(explorer, password=PASSWORD)
    explorer.press(Keys.ENTER)
    explorer.wait_text("h1", "One more step")
    fill(explorer, code=CODE)
    explorer.press(Keys.ENTER)


def test_an_administrator_is_led_from_the_password_to_the_administration(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.second_factor = "administrators"
    stub.identity.add("ada", roles=["user", "admin"])
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")
    explorer.wait(lambda: explorer.hash == "#/account/signin", "the page where it is set up")
    explorer.wait_text(".notice h2", "A second factor first")
    assert "Administrators sign in with a second factor" in explorer.one(".notice").text
    explorer.settle()
    assert explorer.texts(".account h2")[1:] == ["Password", "Second factor", "Passkeys", "Other providers"]

    # the way to the administration is there, and says what is missing
    assert "Administration" in explorer.texts(".menu a")
    explorer.open("#/admin")
    explorer.wait_text(".notice h2", "A second factor first")
    assert explorer.all("table") == []
    explorer.one(".notice a").click()
    explorer.wait_text(".account h2", "Second factor")
    explorer.settle()
    set_up(explorer)
    explorer.wait_text(".notice h2", "Now sign in with it")
    assert "Administration opens" in explorer.one(".notice").text
    sign_in_again(explorer)
    explorer.wait(lambda: explorer.hash == "#/admin", "the administration")
    explorer.wait(lambda: explorer.texts("tbody td:first-child") == ["ada"], "the people")
    explorer.open("#/account/signin")
    explorer.settle()
    assert explorer.all(".notice") == []
    assert explorer.complaints() == []


def test_where_everybody_must_have_one_the_rest_opens_with_it(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.second_factor = "everyone"
    stub.identity.add("ada")
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")
    explorer.wait(lambda: explorer.hash == "#/account/signin", "the page where it is set up")
    explorer.settle()
    assert "Everybody here signs in with a second factor" in explorer.one(".notice").text
    assert explorer.texts(".account h2") == ["A second factor first", "Second factor", "Passkeys"]
    for address in ("#/account", "#/account/devices", "#/account/data"):
        explorer.open(address)
        explorer.wait_text(".notice h2", "A second factor first")
        assert explorer.all("main form") == []
    explorer.open("#/search")
    explorer.wait(lambda: explorer.all(".results .tile .poster-title"), "films, which anybody may see")

    explorer.open("#/account/devices")
    explorer.wait_text(".notice h2", "A second factor first")
    explorer.one(".notice a").click()
    explorer.wait_text(".account h2", "Second factor")
    explorer.settle()
    set_up(explorer)
    explorer.open("#/account/devices")
    explorer.wait_text(".notice h2", "Now sign in with it")
    sign_in_again(explorer)
    explorer.wait(lambda: explorer.hash == "#/account/devices", "the page one wanted")
    explorer.wait_text(".item", "this one")
    assert explorer.complaints() == []


def test_a_passkey_is_asked_for_where_it_is_the_only_second_factor(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.second_factor = "administrators"
    ada = stub.identity.add("ada", roles=["user", "admin"])
    ada.passkeys.append({"passkey_id": "p1", "name": "Laptop", "created_at": NOW, "credential": "c1"})
    sign_in(explorer, "ada")
    explorer.wait_text("h1", "One more step")
    assert explorer.texts("main button") == ["Use a passkey"]
    assert explorer.all("main input") == []

    # whoever has no app is asked for no code of one, and may leave all the same
    ada.totp, ada.passkeys = True, []
    sign_in(explorer, "ada")
    explorer.wait_text("h1", "One more step")
    fill(explorer, code=CODE)
    explorer.press(Keys.ENTER)
    signed_in(explorer, "Ada")
    for totp, fields in ((True, ["confirm_username", "password", "code"]), (False, ["confirm_username", "password"])):
        ada.totp = totp
        ada.passkeys = [{"passkey_id": "p1", "name": "Laptop", "created_at": NOW, "credential": "c1"}]
        explorer.open("#/account/data")
        explorer.settle()
        named = explorer.js("return [...document.querySelectorAll('details form input')].map((e) => e.name)")
        assert named == fields
