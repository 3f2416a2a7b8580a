"""Steps that tests of accounts share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selenium.webdriver.common.keys import Keys

from tests.integration.people import PASSWORD

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

    from tests.e2e.explorer.conftest import Explorer


def named(explorer: Explorer, name: str) -> WebElement:
    """Returns the first control of a name that can be seen."""
    found: WebElement = explorer.wait(
        lambda: next((one for one in explorer.all(f"main [name='{name}']") if one.is_displayed()), None), name
    )
    return found


def fill(explorer: Explorer, **values: str) -> None:
    """Types values into the fields of these names, in place of what is there."""
    for name, value in values.items():
        field = named(explorer, name)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(value)


def click(explorer: Explorer, element: WebElement) -> None:
    """Clicks an element that the bar at the top might lie over."""
    explorer.js("arguments[0].scrollIntoView({ block: 'center' })", element)
    element.click()


def labelled(explorer: Explorer, label: str) -> WebElement:
    """Waits for a button or link of the page's content that can be seen and has this name."""
    script = """return [...document.querySelectorAll("main button, main a")].find((e) => e.checkVisibility()
        && (e.ariaLabel || e.textContent).trim() === arguments[0])"""
    found: WebElement = explorer.wait(lambda: explorer.js(script, label), label)
    return found


def press(explorer: Explorer, label: str) -> None:
    """Clicks a button or link by its name."""
    click(explorer, labelled(explorer, label))


def send(explorer: Explorer) -> None:
    """Presses the first form's button."""
    explorer.one("main form button[type=submit]").click()


def sign_in(explorer: Explorer, name: str, password: str = "correct horse 7", *, opened: bool = False) -> None:
    """Signs in by name and password; `opened`: the page is there already."""
    if not opened:
        explorer.open("#/signin")
    explorer.wait_text("main form button", "Sign in")
    explorer.settle()
    fill(explorer, name=name, password=password)
    explorer.press(Keys.ENTER)


def signed_in(explorer: Explorer, name: str) -> None:
    """Waits until the page says who is signed in."""
    explorer.wait(lambda: explorer.texts(".who-name") == [name], f"{name} in the corner")


def sign_out(explorer: Explorer) -> None:
    """Signs out, by the menu in the corner."""
    explorer.one(".who-button").click()
    next(button for button in explorer.all(".menu button") if button.text == "Sign out").click()
    explorer.wait_text(".who", "Sign in")


def forget(explorer: Explorer) -> None:
    """Makes the browser forget who is signed in, from the next page on."""
    explorer.js("localStorage.clear()")
    explorer.driver.delete_all_cookies()


def enter(explorer: Explorer, name: str, shown: str = "") -> None:
    """Signs in somebody of a real mesh, whoever is signed in; `shown`: what the corner says, where that is not the name."""
    explorer.open("#/signin")
    forget(explorer)
    sign_in(explorer, name, PASSWORD)
    signed_in(explorer, shown or name)


def answer_to(explorer: Explorer, path: str) -> dict[str, Any]:
    """Asks the mesh as whoever is signed in here."""
    script = """
        const [path, done] = arguments;
        import("/js/api.js").then(({ call }) => call(path)).then(done, (error) => done({ failed: error.message }));
    """
    return dict(explorer.driver.execute_async_script(script, path))
