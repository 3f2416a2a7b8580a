"""What makes a page everybody's: its structure, its contrast, a focus that can be seen, room for fingers, a phone's width."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer

STRUCTURE = (Path(__file__).parent / "probe_structure.js").read_text()
CONTRAST = (Path(__file__).parent / "probe_contrast.js").read_text()
OUTLINED = """
    const seen = (e) => parseFloat(getComputedStyle(e).outlineWidth) >= 2 && getComputedStyle(e).outlineStyle !== "none";
    const e = document.activeElement;
    return seen(e) || Boolean(e.closest("label") && seen(e.closest("label")));
"""
# WCAG 2.2, 2.5.8: 24 by 24 pixels
SMALL = """
    return [...document.querySelectorAll("main :is(button, select, input, summary)")].filter((e) => e.checkVisibility())
        .filter((e) => { const b = (e.closest("label") ?? e).getBoundingClientRect(); return b.width < 24 || b.height < 24; })
        .map((e) => e.outerHTML.slice(0, 80));
"""
# what is clipped at the edge of the page does not make it scroll, and is out of reach all the same
WIDE = """
    const wide = document.documentElement.clientWidth;
    const out = [...document.querySelectorAll("main *")]
        .filter((e) => e.getBoundingClientRect().right > wide + 1 && !e.closest(".track, .table-frame, .hidden, .poster"))
        .map((e) => `sticks out: ${e.localName}.${e.className.baseVal ?? e.className}`).slice(0, 6);
    return [...document.documentElement.scrollWidth > wide ? ["the page scrolls sideways"] : [], ...out];
"""
HEADING = "main h1"
Visit = Callable[["Explorer", str], None]


def structure(explorer: Explorer) -> list[str]:
    """Returns what is wrong with the page as it stands: its structure, and what is wider than the window."""
    return [*explorer.js(STRUCTURE), *explorer.js(WIDE)]


def unseen_focus(explorer: Explorer, steps: int, start: str = HEADING) -> list[str]:
    """Goes some steps by Tab from the element `start` on and returns what had the focus without showing it."""
    explorer.js(
        "const e = document.querySelector(arguments[0]) ?? main; e.setAttribute('tabindex', '-1'); e.focus({ preventScroll: true })",
        start,
    )
    found = []
    for _ in range(steps):
        ActionChains(explorer.driver).send_keys(Keys.TAB).perform()  # keys sent to a file field are file names
        if explorer.focused.tag_name != "body" and not explorer.js(OUTLINED):
            found.append(f"no outline: {str(explorer.focused.get_attribute('outerHTML'))[:80]}")
    return found


def pages_that_stumble(
    explorer: Explorer,
    pages: Iterable[str],
    visit: Visit,
    *,
    steps: int,
    start: str = HEADING,
    refusals: Callable[[str], bool] = lambda _: False,
) -> dict[str, list[str]]:
    """Visits pages and returns what is wrong with structure, width, focus and console of each that is not right.

    Args:
        explorer: the browser.
        pages: addresses.
        visit: goes to one.
        steps: how often Tab is pressed on each.
        start: where from.
        refusals: tells whether answers of 4xx and 5xx are expected of an address.
    """
    found = {}
    for address in pages:
        visit(explorer, address)
        wrong = structure(explorer) + unseen_focus(explorer, steps, start)
        if wrong := wrong + explorer.complaints(refusals(address)):
            found[address] = wrong
    return found


def pages_hard_to_read(explorer: Explorer, pages: Iterable[str], visit: Visit, scheme: str) -> dict[str, Any]:
    """Visits pages in a colour scheme and returns the texts of each that are too faint, or how little was there to read."""
    explorer.media(prefers_color_scheme=scheme)
    found = {}
    for address in pages:
        visit(explorer, address)
        poor, read = explorer.js(CONTRAST)
        if poor or read < 200:
            found[address] = poor, read
    return found


def pages_hard_to_touch(explorer: Explorer, pages: Iterable[str], visit: Visit) -> dict[str, list[str]]:
    """Visits pages on a phone and returns what is too small for a finger on each."""
    explorer.size(360, 800)
    found = {}
    for address in pages:
        visit(explorer, address)
        if small := explorer.js(SMALL):
            found[address] = small
    return found
