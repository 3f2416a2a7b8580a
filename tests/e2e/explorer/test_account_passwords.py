"""Password managers and the clipboard: passwords can be pasted, and each field says what belongs into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.accounts import click, fill, named, send, sign_in, signed_in
from tests.e2e.explorer.stub_people import NOW

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser]

PASTED = "corréct horse – 7 ≠ 8"


def cut(explorer: Explorer, text: str) -> None:
    """Leaves a text in the clipboard, by way of the field that finds films."""
    explorer.type_query(text)
    explorer.one("#find-input").send_keys(Keys.CONTROL, "a")
    explorer.one("#find-input").send_keys(Keys.CONTROL, "x")
    assert explorer.one("#find-input").get_attribute("value") == ""


def paste(explorer: Explorer, name: str) -> None:
    """Pastes the clipboard into a field, as a person does."""
    field = named(explorer, name)
    field.click()
    field.send_keys(Keys.CONTROL, "v")
    assert field.get_attribute("value") == PASTED


def kinds(explorer: Explorer) -> dict[str, str | None]:
    """Returns the fields of the first form that can be seen, with what they say belongs into them."""
    fields = [one for one in explorer.all("main form:first-of-type input") if one.is_displayed()]
    return {str(one.get_attribute("name")): one.get_attribute("autocomplete") for one in fields}


def test_a_pasted_password_opens_an_account_signs_in_and_is_reset(explorer: Explorer, stub: StubMesh) -> None:
    explorer.open("#/register")
    explorer.settle()
    assert kinds(explorer) == {"username": "username", "email": "email", "password": "new-password"}
    cut(explorer, PASTED)
    fill(explorer, username="ada", email="ada@example.org")
    paste(explorer, "password")
    send(explorer)
    explorer.wait_text("h1", "Look into your mail")
    (account,) = stub.identity.accounts.values()
    assert account.password == PASTED

    account.verified = True
    explorer.open("#/signin?name=ada")
    explorer.settle()
    assert kinds(explorer) == {"name": "username", "password": "current-password"}
    cut(explorer, PASTED)
    paste(explorer, "password")
    send(explorer)
    signed_in(explorer, "Ada")

    account.password = "another until now"
    stub.identity.tickets["a-link"] = "reset_password", account
    explorer.open("#/reset?token=a-link")
    explorer.settle()
    assert kinds(explorer) == {"password": "new-password"}
    cut(explorer, PASTED)
    paste(explorer, "password")
    send(explorer)
    explorer.wait_text("h1", "The password is set")
    assert account.password == PASTED
    assert explorer.complaints() == []


def test_who_signed_in_long_ago_is_told_to_sign_in_again(explorer: Explorer, stub: StubMesh) -> None:
    account = stub.identity.add("ada")
    account.passkeys = [{"passkey_id": "p1", "name": "Laptop", "created_at": NOW}]
    account.identities = [{"identity_id": "i1", "provider": "example", "label": "ada@elsewhere", "linked_at": NOW}]
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")
    for session in stub.identity.sessions.values():
        session.recent = False
    explorer.open("#/account/signin")
    explorer.settle()
    for label in ("Remove Laptop", "Unlink example ada@elsewhere"):
        button = explorer.one(f"[aria-label='{label}']")
        click(explorer, button)
        said = explorer.wait(lambda button=button: button.find_element(By.XPATH, "following-sibling::*").text, "why")
        assert said == "Sign in again first: this needs a sign-in within the last 10 minutes."
    assert account.passkeys and account.identities
    assert explorer.complaints(refusals=True) == []
