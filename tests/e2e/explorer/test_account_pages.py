"""One's own page, other people's, passkeys, export and deletion, and the administrators' pages, on the stub of Identity."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from tests.e2e.explorer.accounts import click, fill, named, send, sign_in, signed_in
from tests.e2e.explorer.stub_films import HOSTILE_TITLE

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh
    from tests.e2e.explorer.stub_people import Account

pytestmark = [pytest.mark.browser]

# modules of codes that a reader of another make has read back to the text, for every version that can be drawn
QR_CODES = {
    "otpauth://totp/CineAesthete:ada%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=CineAesthete": "b1d456e9a97d4026",
    "x" * 180: "21e02ceea8d235cf",
    "x" * 287: "8c89cf96ef607e58",
}
MODULES = """
    const done = arguments[arguments.length - 1];
    import(new URL("js/components/qr.js", document.baseURI)).then(({ modules }) =>
        done(modules(arguments[0])?.map((row) => row.map(Number).join("")).join("\\n") ?? null));
"""


def test_profile_is_kept_and_shown_as_far_as_it_is_public(
    explorer: Explorer, stub: StubMesh, ada: Account, film: dict[str, Any]
) -> None:
    explorer.open("#/account")
    explorer.settle()
    fill(explorer, display_name="Ada L.", bio=HOSTILE_TITLE, location="London", website_url="gopher://x")
    finder = explorer.one("fieldset .own input")
    finder.send_keys(film["title"], Keys.ENTER)
    explorer.one(f'[aria-label="Add {film["title"]}"]').click()
    for field in ("bio", "favourite_movie_ids"):
        click(explorer, named(explorer, f"public:{field}"))
    send(explorer)
    explorer.wait_text(".field-error", "Must be an https address")
    assert explorer.focused.get_attribute("name") == "website_url"
    fill(explorer, website_url="https://example.org/ada")
    send(explorer)
    explorer.wait_text(".form-done", "Saved")
    signed_in(explorer, "Ada L.")
    assert ada.profile["favourite_movie_ids"] == [film["movie_id"]]
    assert ada.profile["public_fields"] == ["display_name", "bio", "favourite_movie_ids"]

    click(explorer, explorer.one("main a[href='#/people/ada']"))
    explorer.wait_text("h1", "Ada L.")
    explorer.wait_text(".tile-title", film["title"])
    assert explorer.texts(".bio") == [HOSTILE_TITLE]
    assert "London" not in explorer.one("main").text
    assert explorer.complaints(refusals=True) == []
    explorer.open("#/people/nobody")
    explorer.wait_text("h1", "Nobody of that name")


def test_preferences_are_kept_and_what_is_unknown_is_said(explorer: Explorer, ada: Account) -> None:
    explorer.open("#/account/preferences")
    explorer.settle()
    explorer.js("document.querySelector('.toggle input[value=Drama]').click()")
    explorer.all(".own input")[0].send_keys("polka", Keys.ENTER)
    languages = named(explorer, "languages")
    languages.send_keys("Portuguese", Keys.TAB)
    assert explorer.texts(".chip.on") == [], "passing over languages chooses none"
    explorer.press(Keys.ENTER)
    explorer.wait_text(".chip.on", "Portuguese")
    fill(explorer, year_min="1950", year_max="1940")
    named(explorer, "region").send_keys("Portugal")
    named(explorer, "hide_spoilers").click()
    send(explorer)
    explorer.wait_text(".taste .field-error", "polka")
    explorer.js("document.querySelector('.toggle input[value=polka]').click()")
    send(explorer)
    explorer.wait_text(".entry .field-error", "Year_max must not be before year_min")
    assert explorer.focused.get_attribute("name") == "year_max"
    fill(explorer, year_max="1980")
    send(explorer)
    explorer.wait_text(".form-done", "Saved")
    kept = ada.preferences
    assert (kept["preferred_genres"], kept["languages"], kept["region"]) == (["Drama"], ["pt"], "PT")
    assert (kept["year_min"], kept["year_max"], kept["runtime_max"], kept["hide_spoilers"]) == (1950, 1980, 0, True)

    explorer.driver.refresh()
    signed_in(explorer, "Ada")
    explorer.settle()
    assert explorer.texts(".chips .chip.on") == ["Portuguese×"]
    assert named(explorer, "region").get_attribute("value") == "PT"
    checked = explorer.js("return [...document.querySelectorAll('.toggle input:checked')].map((box) => box.value)")
    assert checked == ["Drama"]


def test_the_password_is_changed(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    stub.identity.sign_in(ada, "Office")
    explorer.open("#/account/signin")
    explorer.settle()
    fill(explorer, current_password="wrong wrong", new_password="quite another 8")
    send(explorer)
    explorer.wait_text(".field-error", "Is not the password")
    fill(explorer, current_password="correct horse 7")
    explorer.one("[aria-label='Show new password']").click()
    assert named(explorer, "new_password").get_attribute("type") == "text"
    send(explorer)
    explorer.wait_text(".form-done", "1 other session ended")
    assert ada.password == "quite another 8"
    assert named(explorer, "new_password").get_attribute("value") == ""


def test_a_passkey_is_added_used_and_removed(explorer: Explorer, stub: StubMesh) -> None:
    explorer.url = explorer.url.replace("127.0.0.1", "localhost")  # a passkey belongs to a name
    account = stub.identity.add("ada")
    options = VirtualAuthenticatorOptions(
        protocol=VirtualAuthenticatorOptions.Protocol.CTAP2,
        transport=VirtualAuthenticatorOptions.Transport.INTERNAL,
        has_resident_key=True,
        has_user_verification=True,
        is_user_verified=True,
    )
    explorer.driver.add_virtual_authenticator(options)
    try:
        sign_in(explorer, "ada")
        signed_in(explorer, "Ada")
        explorer.open("#/account/signin")
        explorer.settle()
        explorer.one("[aria-label='Add a passkey'] input").send_keys("Laptop", Keys.ENTER)
        explorer.wait_text(".item", "Laptop")
        assert [one["name"] for one in account.passkeys] == ["Laptop"]

        explorer.driver.delete_all_cookies()
        explorer.open("#/signin")
        explorer.wait_text("main button", "Sign in with a passkey")
        explorer.settle()
        next(b for b in explorer.all("main button") if b.text == "Sign in with a passkey").click()
        signed_in(explorer, "Ada")
        explorer.open("#/account/devices")
        explorer.wait_text(".item", "with a passkey")
        explorer.open("#/account/signin")
        explorer.settle()
        explorer.one("[aria-label='Remove Laptop']").click()
        explorer.wait_text("main", "None yet. A passkey")
        assert account.passkeys == []
        assert explorer.complaints(refusals=True) == []
    finally:
        explorer.driver.remove_virtual_authenticator()
        explorer.js("localStorage.clear()")


def test_export_and_delete(explorer: Explorer, stub: StubMesh, ada: Account, tmp_path: Path) -> None:
    explorer.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    explorer.open("#/account/data")
    explorer.settle()
    next(b for b in explorer.all("main button") if b.text == "Download your data").click()
    file = tmp_path / "cineaesthete-ada.json"
    explorer.wait(lambda: file.is_file() and file.read_text(), "the file")
    assert json.loads(file.read_text())["account"]["username"] == "ada"

    explorer.one("details summary").click()
    fill(explorer, confirm_username="adam", password="correct horse 7")
    explorer.press(Keys.ENTER)
    explorer.wait_text(".field-error", "Is not your user name")
    fill(explorer, confirm_username="ada")
    explorer.press(Keys.ENTER)
    explorer.wait_text(".who", "Sign in")
    explorer.wait(lambda: explorer.hash == "#/", "home")
    assert stub.identity.accounts == {}


def test_administrators_find_close_and_promote(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    explorer.open("#/admin")
    explorer.wait_text(".notice h2", "For administrators only")
    assert "Administration" not in explorer.texts(".menu a")
    ada.roles.append("admin")
    grace = stub.identity.add("grace")
    stub.identity.sign_in(grace, "Office")
    explorer.open("#/admin")
    explorer.settle()
    assert "Administration" in explorer.texts(".menu a")
    assert explorer.texts("tbody td:first-child") == ["ada", "grace"]
    fill(explorer, query="gra")
    explorer.press(Keys.ENTER)
    explorer.wait(lambda: explorer.texts("tbody td:first-child") == ["grace"], "grace alone")
    assert explorer.hash == "#/admin?query=gra"

    explorer.one("tbody a").click()
    explorer.wait_text("h2", "grace")
    explorer.settle()
    named(explorer, "premium").click()
    explorer.one("[aria-label='Roles'] button").click()
    explorer.wait(lambda: grace.roles == ["user", "premium"], "the role")
    explorer.settle()
    explorer.one("[aria-label='State of the account'] button").click()
    explorer.wait_text(".field-error", "This is needed")
    explorer.one("[aria-label='State of the account'] input").send_keys("spam", Keys.ENTER)
    explorer.wait_text("h2", "Open the account")
    explorer.settle()
    assert grace.disabled == "spam"
    assert not [one for one in stub.identity.sessions.values() if one.account is grace]
    click(explorer, explorer.one("main a[href*='admin/audit?user_id=']"))
    explorer.wait(lambda: explorer.texts("tbody td:nth-child(3)") == ["user.disable", "user.roles"], "the log")
    assert explorer.complaints() == []


def test_administrators_help_who_lost_a_device_or_a_factor(explorer: Explorer, stub: StubMesh, ada: Account) -> None:
    ada.roles.append("admin")
    grace = stub.identity.add("grace")
    grace.totp = True
    stub.identity.sign_in(grace, "Office")
    explorer.open(f"#/admin/users/{grace.user_id}")
    explorer.settle()
    explorer.one("[aria-label='Sessions'] button").click()
    explorer.wait_text("[aria-label='Sessions'] .field-error", "This is needed")
    explorer.one("[aria-label='Sessions'] input").send_keys("phone stolen", Keys.ENTER)
    explorer.wait(lambda: not explorer.all("[aria-label='Sessions']"), "no session left")
    assert not [one for one in stub.identity.sessions.values() if one.account is grace]
    explorer.settle()
    explorer.one("[aria-label='Second factor'] input").send_keys("seen in person", Keys.ENTER)
    explorer.wait(lambda: not explorer.all("[aria-label='Second factor']"), "the factor is off")
    assert not grace.totp
    # one's own is turned off with its code
    ada.totp = True
    explorer.open(f"#/admin/users/{ada.user_id}")
    explorer.wait_text("h2", "ada")
    explorer.settle()
    assert explorer.all("[aria-label='Sessions']") and not explorer.all("[aria-label='Second factor']")
    assert explorer.complaints() == []


def test_the_menu_opens_and_closes_by_keyboard(explorer: Explorer, ada: Account) -> None:
    explorer.open()
    signed_in(explorer, "Ada")
    button = explorer.one(".who-button")
    explorer.js("arguments[0].focus()", button)
    explorer.press(Keys.ENTER)
    assert button.get_attribute("aria-expanded") == "true"
    explorer.press(Keys.TAB)
    assert explorer.focused.text == "Watchlist"
    explorer.press(Keys.ESCAPE)
    assert explorer.focused == button
    assert not explorer.one(".menu").is_displayed()
    explorer.press(Keys.ENTER)
    for _ in range(len(explorer.all(".menu :is(a, button)")) + 1):
        assert explorer.one(".menu").is_displayed()
        explorer.press(Keys.TAB)
    assert not explorer.one(".menu").is_displayed(), "it closes when the focus has gone on"


@pytest.mark.parametrize("text", QR_CODES, ids=[f"{len(text)} bytes" for text in QR_CODES])
def test_qr_codes_are_those_that_were_read_back(explorer: Explorer, stub: StubMesh, text: str) -> None:
    explorer.open()

    drawn = explorer.driver.execute_async_script(MODULES, text)

    assert hashlib.sha256(drawn.encode()).hexdigest()[:16] == QR_CODES[text]
    assert explorer.driver.execute_async_script(MODULES, "x" * 288) is None


def test_passwords_stay_hidden_until_they_are_looked_at(explorer: Explorer, stub: StubMesh) -> None:
    explorer.open("#/signin")
    explorer.settle()
    field = named(explorer, "password")
    assert field.get_attribute("type") == "password"
    assert field.get_attribute("autocomplete") == "current-password"
    show = field.find_element(By.XPATH, "following-sibling::button")
    show.click()
    assert (field.get_attribute("type"), show.text) == ("text", "Hide")
    show.click()
    assert (field.get_attribute("type"), show.text) == ("password", "Show")
