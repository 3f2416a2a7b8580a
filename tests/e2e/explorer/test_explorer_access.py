"""The explorer for everybody: structure, contrast, keyboard, phones, less motion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.access import CONTRAST, STRUCTURE, WIDE, unseen_focus

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser]

PAGES = ("", "#/search", "#/search?genre=Drama", "#/list/top-rated", "#/match?genre=Drama&go=1", "#/nowhere")


@pytest.mark.parametrize("address", PAGES)
def test_every_page_has_headings_labels_and_landmarks(explorer: Explorer, address: str) -> None:
    explorer.open(address)
    explorer.settle()

    assert explorer.js(STRUCTURE) == []
    assert explorer.complaints() == []


def test_film_page_has_headings_labels_and_landmarks(explorer: Explorer, film: dict[str, Any]) -> None:
    explorer.open(f"#/film/{film['movie_id']}")
    explorer.settle()

    assert explorer.js(STRUCTURE) == []


@pytest.mark.parametrize("address", [*PAGES, "film"])
def test_nothing_scrolls_sideways_on_a_phone(explorer: Explorer, film: dict[str, Any], address: str) -> None:
    explorer.size(360, 800)
    explorer.open(f"#/film/{film['movie_id']}" if address == "film" else address)
    explorer.settle()

    assert explorer.js(WIDE) == []
    assert explorer.js("return document.body.scrollWidth") == 360


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("address", ["", "#/search?genre=Drama", "#/match?genre=Drama&go=1", "film"])
def test_texts_reach_aa_contrast(explorer: Explorer, film: dict[str, Any], scheme: str, address: str) -> None:
    explorer.media(prefers_color_scheme=scheme)
    explorer.open(f"#/film/{film['movie_id']}" if address == "film" else address)
    explorer.settle()

    poor, read = explorer.js(CONTRAST)

    assert poor == []
    assert read > 200, "there was hardly anything to read"


def test_skip_link_leads_past_the_bar(explorer: Explorer) -> None:
    explorer.open("#/list/popular")
    explorer.settle()
    explorer.js("document.activeElement.blur()")
    explorer.press(Keys.TAB)
    assert explorer.focused.text == "Skip to content"
    explorer.press(Keys.ENTER)

    assert explorer.focused.get_attribute("id") == "main"
    assert explorer.hash == "#/list/popular"


def test_focus_can_be_seen(explorer: Explorer) -> None:
    explorer.open("#/match")
    explorer.settle()

    assert unseen_focus(explorer, 12, start=".top") == []


def test_nothing_moves_when_less_motion_is_wanted(explorer: Explorer, stub: StubMesh) -> None:
    stub.slow["love"] = 0.5
    explorer.open()
    explorer.settle()
    explorer.js("location.hash = '#/search?query=love'")
    explorer.wait(lambda: explorer.all(".waiting"), "placeholders")
    assert explorer.js("return document.getAnimations().length") > 0
    explorer.media(prefers_reduced_motion="reduce")

    assert explorer.js("return document.getAnimations().length") == 0
