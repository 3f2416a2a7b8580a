"""What people do with their accounts in the explorer, in a real browser on the stub of Identity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.accounts import fill, named, send, sign_in, sign_out, signed_in
from tests.e2e.explorer.stub_people import CODE, REFRESH_COOKIE

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser]


def test_register_verify_sign_in_reload_and_sign_out(explorer: Explorer, stub: StubMesh) -> None:
    explorer.open("#/signin")
    explorer.settle()
    explorer.one("main a[href='#/register']").click()
    explorer.wait_text("h1", "Open an account")
    explorer.settle()
    fill(explorer, username="ada", email="Ada@example.org", password="correct horse 7")
    send(explorer)
    explorer.wait_text("h1", "Look into your mail")
    explorer.wait(lambda: explorer.focused.tag_name == "h1", "the focus on the new heading")
    assert "Ada@example.org" in explorer.one("main").text

    (kind, _, token), *more = stub.identity.mails
    assert (kind, more) == ("verify_email", [])
    explorer.open(f"#/verify?token={token}")
    explorer.wait_text("form button", "Open my account")
    assert explorer.hash == "#/verify", "the token does not stay in the address"
    assert token not in json.dumps(explorer.js("return [history.state, location.href, document.body.innerHTML]"))
    send(explorer)
    explorer.wait_text("h1", "Your account is open")
    explorer.one("main .button.primary").click()
    explorer.wait_text("h1", "Sign in")
    explorer.settle()
    assert named(explorer, "name").get_attribute("value") == "ada"
    fill(explorer, password="correct horse 7")
    explorer.press(Keys.ENTER)

    signed_in(explorer, "Ada")
    assert explorer.hash == "#/"
    kept = explorer.js("return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert json.loads(kept) == [{"cine.signed-in": "1"}, {}, ""], "no token where a script can find it"
    cookie = explorer.driver.get_cookie(REFRESH_COOKIE)
    assert cookie is not None
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")

    explorer.driver.refresh()
    signed_in(explorer, "Ada")
    explorer.settle()
    assert explorer.complaints() == []

    sign_out(explorer)
    assert stub.identity.sessions == {}
    assert explorer.driver.get_cookie(REFRESH_COOKIE) is None
    explorer.driver.refresh()
    explorer.wait_text(".who", "Sign in")
    explorer.settle()
    assert explorer.complaints() == [], "somebody who has left asks for no token"


def test_verify_with_the_code_and_ask_for_another_mail(explorer: Explorer, stub: StubMesh) -> None:
    account = stub.identity.add("ada")
    account.verified = False
    explorer.open("#/verify?token=old")
    send(explorer)
    explorer.wait_text("h1", "This link no longer works")
    explorer.one("details summary").click()
    again = explorer.one("details form")
    again.find_element(By.NAME, "email").send_keys("ada@example.org", Keys.ENTER)
    explorer.wait_text("details .form-done", "if the address has an account")
    assert stub.identity.mails[0][:2] == ("verify_email", "ada@example.org")

    fill(explorer, email="ada@example.org", code="000000")
    send(explorer)
    explorer.wait_text(".field-error", "The code is not right")
    assert explorer.focused.get_attribute("name") == "code"
    fill(explorer, code=CODE)
    send(explorer)
    explorer.wait_text("h1", "Your account is open")
    assert account.verified


def test_register_shows_the_servers_words_at_the_fields(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.add("grace")
    explorer.open("#/register")
    explorer.settle()
    send(explorer)
    explorer.wait(lambda: explorer.texts(".field-error:not([hidden])") == ["This is needed."] * 3, "what is needed")
    assert explorer.focused.get_attribute("name") == "username"

    fill(explorer, username="ada", email="ada@example.org", password="ada12345")
    send(explorer)
    explorer.wait_text(".field-error", "easy to guess")
    field = named(explorer, "password")
    assert field.get_attribute("aria-invalid") == "true"
    assert explorer.focused == field
    described = str(field.get_attribute("aria-describedby")).split()
    assert any("too easy" in explorer.one(f"#{one}").text for one in described)

    fill(explorer, username="grace", password="correct horse 7")
    send(explorer)
    explorer.wait_text(".field-error", "The name is taken")
    assert named(explorer, "password").get_attribute("aria-invalid") is None
    assert named(explorer, "password").get_attribute("value") == "correct horse 7"
    assert stub.identity.mails == []


def test_wrong_password_and_too_many_attempts(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.add("ada")
    explorer.open("#/signin")
    explorer.settle()
    fill(explorer, name="ada", password="wrong wrong")
    send(explorer)
    explorer.wait_text(".form-error", "The name, address or password is not right")
    assert not explorer.all(".who-button")
    stub.identity.limited = 75
    send(explorer)
    explorer.wait_text(".form-error", "Try again in 75 seconds")
    stub.identity.limited = 600
    send(explorer)
    explorer.wait_text(".form-error", "Try again in 10 minutes")

    stub.identity.limited = 0
    fill(explorer, name="Ada@Example.org", password="correct horse 7")
    send(explorer)
    signed_in(explorer, "Ada")
    assert explorer.complaints(refusals=True) == []


def test_forgot_and_reset(explorer: Explorer, stub: StubMesh) -> None:
    account = stub.identity.add("ada")
    stub.identity.sign_in(account, "Lost phone")
    explorer.open("#/forgot")
    explorer.settle()
    fill(explorer, email="ada@example.org")
    send(explorer)
    explorer.wait_text(".form-done", "if the address has an account")
    token = stub.identity.mails[0][2]
    explorer.open(f"#/reset?token={token}")
    explorer.settle()
    assert explorer.hash == "#/reset"
    fill(explorer, password="short")
    send(explorer)
    explorer.wait_text(".field-error", "at least 8")
    fill(explorer, password="quite another 8")
    send(explorer)
    explorer.wait_text("h1", "The password is set")
    assert stub.identity.sessions == {}
    explorer.one("main .button.primary").click()
    sign_in(explorer, "ada", "quite another 8", opened=True)
    signed_in(explorer, "Ada")

    explorer.open(f"#/reset?token={token}")
    fill(explorer, password="quite another 9")
    send(explorer)
    explorer.wait_text("h1", "This link no longer works")
    assert account.password == "quite another 8"


def test_second_factor_from_the_secret_to_the_recovery_code(explorer: Explorer, stub: StubMesh, tmp_path: Path) -> None:
    account = stub.identity.add("ada")
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")
    explorer.open("#/account/signin")
    explorer.settle()
    section = explorer.one("[aria-label='Turn the second factor on']")
    section.find_element(By.NAME, "password").send_keys("correct horse 7", Keys.ENTER)
    explorer.wait_text(".letters", "JBSW Y3DP")
    assert explorer.one(".qr svg").get_attribute("aria-label")
    assert explorer.focused.get_attribute("name") == "code"
    explorer.press("000000", Keys.ENTER)
    explorer.wait_text(".field-error", "Is not the code of the app")
    fill(explorer, code=CODE)
    explorer.press(Keys.ENTER)
    explorer.wait(lambda: explorer.texts(".code-list code") == account.codes, "the recovery codes")
    assert len(account.codes) == 10
    explorer.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    next(b for b in explorer.all(".codes button") if b.text == "Download").click()
    file = tmp_path / "cineaesthete-recovery-codes.txt"
    explorer.wait(lambda: file.is_file() and file.read_text(), "the file")
    assert file.read_text().split() == account.codes
    next(b for b in explorer.all(".codes button") if "kept" in b.text).click()
    explorer.wait_text(".account", "10 recovery codes left")
    assert explorer.texts(".code-list code") == [], "shown once"

    for field, value in (("code", CODE), ("recovery_code", account.codes[3])):
        explorer.driver.delete_all_cookies()
        sign_in(explorer, "ada")
        explorer.wait_text("h1", "One more step")
        assert explorer.focused.get_attribute("name") == "code"
        if field == "recovery_code":
            explorer.one("button.link").click()
        explorer.press("000000", Keys.ENTER)
        explorer.wait_text(".form-error", "The code is not right")
        fill(explorer, **{field: value})
        explorer.press(Keys.ENTER)
        signed_in(explorer, "Ada")
    assert len(account.codes) == 9

    explorer.driver.delete_all_cookies()
    sign_in(explorer, "ada")
    explorer.wait_text("h1", "One more step")
    stub.identity.tickets.clear()
    fill(explorer, code="123 456")
    explorer.press(Keys.ENTER)
    explorer.wait_text(".notice", "This attempt has lapsed")
    explorer.one(".notice button").click()
    sign_in(explorer, "ada", opened=True)
    fill(explorer, code="123 456")
    explorer.press(Keys.ENTER)
    signed_in(explorer, "Ada")

    explorer.open("#/account/signin")
    explorer.settle()
    explorer.all("details summary")[1].click()
    explorer.one("[aria-label='Turn the second factor off'] input").send_keys(CODE, Keys.ENTER)
    explorer.wait_text(".account", "Off. With it")
    assert not account.totp


def test_devices_are_listed_and_ended(explorer: Explorer, stub: StubMesh) -> None:
    account = stub.identity.add("ada")
    stub.identity.sign_in(account, "Kitchen tablet")
    phone = stub.identity.sign_in(account, "Lost phone", "passkey")
    stub.identity.sign_in(account, "Office", "google")
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")
    explorer.open("#/account/devices")
    explorer.settle()
    names = explorer.texts(".item strong")
    assert names == ["Chromium on Linux", "Office", "Lost phone", "Kitchen tablet"]
    assert explorer.texts(".tag.here") == ["this one"]
    assert "with a passkey" in explorer.texts(".item")[2]

    explorer.one("[aria-label='End the session of Lost phone']").click()
    explorer.wait(lambda: "Lost phone" not in explorer.texts(".item strong"), "the phone to go")
    assert phone.session_id not in stub.identity.sessions
    next(b for b in explorer.all("main button") if b.text == "End all others").click()
    explorer.wait(lambda: explorer.texts(".item strong") == ["Chromium on Linux"], "the others to go")

    explorer.one("[aria-label='Sign out here']").click()
    explorer.wait_text(".who", "Sign in")
    explorer.wait(lambda: explorer.hash == "#/", "home")
    assert stub.identity.sessions == {}


def test_a_session_ended_elsewhere_ends_here(explorer: Explorer, stub: StubMesh) -> None:
    account = stub.identity.add("ada")
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")
    stub.identity.end_all(account)
    explorer.js("location.hash = '#/account'")

    explorer.wait_text(".notice h2", "Sign in first")
    explorer.wait_text(".who", "Sign in")
    explorer.one(".notice a[href^='#/signin']").click()
    sign_in(explorer, "ada", opened=True)
    explorer.wait_text("h1", "Account")
    explorer.settle()
    assert explorer.hash == "#/account", "back to where one wanted to go"


def test_an_expired_token_is_renewed_unseen(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.add("ada")
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")
    before = stub.identity.refreshes
    for token, (session, _) in list(stub.identity.tokens.items()):
        stub.identity.tokens[token] = session, 0.0
    explorer.js("location.hash = '#/account/signin'")
    explorer.settle()

    assert explorer.texts(".account h2") == ["Password", "Second factor", "Passkeys", "Other providers"]
    assert explorer.all(".notice") == []
    assert stub.identity.refreshes == before + 1, "calls side by side share one refresh"
    explorer.js("location.hash = '#/search'")
    explorer.wait(lambda: explorer.all(".results .tile .poster-title"), "films for whoever is signed in")


def test_two_tabs_share_sign_in_and_sign_out(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.add("ada")
    driver = explorer.driver
    explorer.open()
    explorer.settle()
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    try:
        sign_in(explorer, "ada")
        signed_in(explorer, "Ada")
        second = driver.current_window_handle
        driver.switch_to.window(first)
        signed_in(explorer, "Ada")
        explorer.js("location.hash = '#/account'")
        explorer.settle()
        driver.switch_to.window(second)
        sign_out(explorer)
        driver.switch_to.window(first)
        explorer.wait_text(".who", "Sign in")
        explorer.wait_text(".notice h2", "Sign in first")
        assert "Ada" not in explorer.one("main").text
    finally:
        driver.switch_to.window(next(one for one in driver.window_handles if one != first))
        driver.close()
        driver.switch_to.window(first)


def test_sign_out_without_a_connection_is_not_claimed(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.add("ada")
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")
    explorer.settle()
    stub.down.add("identity")
    explorer.one(".who-button").click()
    next(b for b in explorer.all(".menu button") if b.text == "Sign out").click()
    explorer.wait_text(".menu .form-error", "You are still signed in")
    explorer.js("location.hash = '#/search'")
    explorer.wait(lambda: explorer.all(".results .tile .poster-title"), "films without the accounts")
    stub.down.clear()
    explorer.one(".who-button").click()
    next(b for b in explorer.all(".menu button") if b.text.startswith("Sign out")).click()
    explorer.wait_text(".who", "Sign in")


def test_films_are_there_while_accounts_are_down(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.add("ada")
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")
    stub.down.add("identity")
    explorer.driver.refresh()
    explorer.settle()
    assert len(explorer.all(".row .tile")) >= 15
    explorer.wait_text(".who", "Sign in")
    assert explorer.js("return localStorage['cine.signed-in']") == "1", "an outage is no sign-out"
    explorer.js("location.hash = '#/signin'")
    explorer.settle()
    fill(explorer, name="ada", password="correct horse 7")
    send(explorer)
    explorer.wait_text(".form-error", "not answering")

    stub.down.clear()
    explorer.driver.refresh()
    signed_in(explorer, "Ada")


def test_sign_in_through_another_provider_and_link_it(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.providers = [("example", "Example")]
    explorer.open("#/signin?next=account/devices")
    explorer.settle()
    explorer.one(".providers button").click()
    signed_in(explorer, "Visitor")
    explorer.wait(lambda: explorer.hash == "#/account/devices", "the page one wanted")
    explorer.wait_text(".item", "through example")
    assert "code=" not in explorer.js("return location.href")

    explorer.js("location.hash = '#/account/signin'")
    explorer.wait_text(".providers button", "Link Example")
    explorer.one(".providers button").click()
    explorer.wait_text(".item", "ada@elsewhere")
    assert explorer.hash == "#/account/signin"
    explorer.one("[aria-label='Unlink Example ada@elsewhere']").click()
    explorer.wait_text("main", "No other provider is linked")
    assert explorer.complaints() == []

    explorer.open("#/oauth/example?code=good&state=forged")
    explorer.wait_text("h1", "That did not work")
    assert explorer.hash == "#/oauth/example"


@pytest.mark.parametrize("address", ["#/account", "#/account/devices", "#/admin"])
def test_pages_about_oneself_ask_to_sign_in(explorer: Explorer, address: str) -> None:
    explorer.open(address)

    explorer.wait_text(".notice h2", "Sign in first")
    assert explorer.complaints() == []


def test_next_leads_nowhere_else(explorer: Explorer, stub: StubMesh) -> None:
    stub.identity.add("ada")
    explorer.open("#/signin?next=//evil.example/%22%3E")
    sign_in(explorer, "ada", opened=True)
    signed_in(explorer, "Ada")

    assert explorer.js("return location.origin + '/'") == explorer.url
    assert explorer.hash == "#/"
