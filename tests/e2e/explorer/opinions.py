"""Steps that tests of ratings and reviews share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from tests.e2e.explorer.accounts import click

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

    from tests.e2e.explorer.conftest import Explorer


def press(explorer: Explorer, text: str, within: str = "main") -> WebElement:
    """Clicks the first button or link of a text that can be seen, and returns it."""

    def found() -> WebElement | None:
        listed = explorer.all(f"{within} :is(button, a, summary)")
        return next((one for one in listed if one.text.split("\n")[0].strip().startswith(text)), None)

    element: WebElement = explorer.wait(found, f"{text!r} in {within}")
    click(explorer, element)
    return element


def stars(explorer: Explorer, name: str, within: str = ".my-rating") -> WebElement:
    """Returns the control of a dimension."""
    return explorer.one(f"{within} input[type='range'][name='{name}']")


def touch_star(explorer: Explorer, name: str, value: float, within: str = ".my-rating") -> None:
    """Clicks where the stars say a value."""
    control = stars(explorer, name, within)
    explorer.js("arguments[0].scrollIntoView({ block: 'center' })", control)
    picture = control.find_element(By.XPATH, "..").find_element(By.CSS_SELECTOR, ".stars-picture")
    width = picture.size["width"]
    # the middle of the half star; left of the first one for none
    across = (value - 0.25) / 5 * width if value else -6
    ActionChains(explorer.driver).move_to_element_with_offset(picture, across - width / 2, 0).click().perform()


def shows(explorer: Explorer, name: str, within: str = ".my-rating") -> str:
    """Returns what a control says to people who listen."""
    return str(stars(explorer, name, within).get_attribute("aria-valuetext"))


def kept(explorer: Explorer, text: str = "Kept.") -> None:
    """Waits for the word on a rating."""
    explorer.wait_text(".my-rating .kept", text)


def open_film(explorer: Explorer, film: dict[str, Any]) -> None:
    """Opens a film's page and waits for what people say about it."""
    explorer.open(f"#/film/{film['movie_id']}")
    explorer.settle()
    explorer.wait(lambda: explorer.all(".opinions > *"), "ratings")


def open_reviews(explorer: Explorer, film: dict[str, Any]) -> None:
    """Opens a film's page at its reviews."""
    open_film(explorer, film)
    explorer.js("document.querySelector('.film-reviews').scrollIntoView()")
    explorer.wait(lambda: explorer.all(".film-reviews[data-begun] .growing"), "reviews")
    explorer.settle()


def come_to_similar(explorer: Explorer) -> None:
    """Goes down an opened film's page to the films like it, which are asked for then."""
    explorer.settle()
    explorer.js("document.querySelector('article.film').lastElementChild.scrollIntoView()")
