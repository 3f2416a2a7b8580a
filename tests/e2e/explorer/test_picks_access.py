"""Pages of picks for everybody: structure, contrast, focus, fingers, phones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.access import (
    CONTRAST,
    pages_hard_to_read,
    pages_hard_to_touch,
    pages_that_stumble,
    structure,
)
from tests.e2e.explorer.accounts import sign_in, signed_in

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WISH = "everything at once"
PAGES = (
    "",
    "for-you",
    "for-you?query=everything+at+once",
    "for-you?genre=polka&mood=grumpy",
    "for-you?genre=Drama&year_min=2190",
    "for-you/because",
    "for-you/told",
    "for-you/start",
    "group?with=a-name-that-goes-on-and-on-and-on",
    "film/900001",
)
# every part that opens, opened; a word said; a group asked for
STIR = """
    const named = (text) => [...document.querySelectorAll("main button")].filter((b) => b.textContent === text);
    for (const e of document.querySelectorAll("main details")) e.open = true;
    named("Like")[0]?.click();
    named("Not interested")[1]?.click();
    named("Seen it")[2]?.click();
    const guest = document.querySelector("[name=guest]");
    if (guest) { guest.value = "Aunt " + "May".repeat(20); guest.form.requestSubmit(); }
    named("Find films for us")[0]?.click();
    named(arguments[0])[0]?.click();
"""


def furnish(explorer: Explorer, stub: StubMesh) -> None:
    """Signs in somebody who has rated and said something, whose answers lack something."""
    ada = stub.identity.add("ada")
    for film in stub.films[1:4]:
        stub.ratings.give(ada, film["movie_id"], overall=4.5)
    for i, kind in enumerate(("like", "not_interested", "clicked"), start=4):
        number = stub.films[i]["movie_id"]
        told = {"feedback_id": f"f{i}", "movie_id": number, "kind": kind, "created_at": "2026-11-01T10:00:00Z"}
        stub.recommender.said.setdefault(ada.user_id, []).append(told | {"movie": stub.recommender.cards[number]})
    stub.recommender.lacking = "Identity does not answer, so genres that you never want may be among these"
    stub.recommender.rung = "genre_popularity"
    stub.recommender.understood[WISH] = {"genre": ["Drama"], "about": "a word" * 40, "mood": "sad", "parsed_by": "x"}
    summed = {"summary": "They say so. " * 20, "praised": ["light"], "criticised": ["end " * 30], "review_count": 9}
    stub.recommender.summaries[900001] = summed | {"worded_by": "ollama/mistral"}
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")


def visit(explorer: Explorer, address: str, last: str = "") -> None:
    explorer.open(f"#/{address}")
    explorer.settle()
    explorer.wait(lambda: explorer.texts("main h1"), "a heading")
    if address.startswith("film/"):
        explorer.js("document.querySelector('.film-reviews').scrollIntoView()")
        explorer.wait(lambda: explorer.all(".summed-text"), "the sum of its reviews")
        explorer.wait(lambda: explorer.all(".row .tile button"), "what can be said of similar films")
    explorer.js(STIR, last)
    explorer.settle()
    explorer.wait(lambda: not explorer.all(".why-in:not([data-filled]) p.quiet:only-child"), "reasons")


@pytest.mark.parametrize("width", [1280, 360])
def test_structure_width_and_focus(explorer: Explorer, stub: StubMesh, width: int) -> None:
    furnish(explorer, stub)
    explorer.size(width, 800)

    assert pages_that_stumble(explorer, PAGES, visit, steps=30, refusals=lambda _: True) == {}


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_texts_reach_aa_contrast(explorer: Explorer, stub: StubMesh, scheme: str) -> None:
    furnish(explorer, stub)

    assert pages_hard_to_read(explorer, PAGES, visit, scheme) == {}


def test_what_can_be_pressed_is_large_enough_for_a_finger(explorer: Explorer, stub: StubMesh) -> None:
    furnish(explorer, stub)

    assert pages_hard_to_touch(explorer, PAGES, visit) == {}


def test_picks_are_read_and_answered_by_keys_alone(explorer: Explorer, stub: StubMesh) -> None:
    furnish(explorer, stub)
    explorer.open("#/for-you")
    explorer.settle()
    [first, *rest] = explorer.texts(".pick .line-title")
    explorer.js("document.querySelector('.pick .line-title').focus()")
    path = []
    for _ in range(6 + len(explorer.all(".pick:first-child .pick-because a"))):
        explorer.press(Keys.TAB)
        path.append(explorer.focused.get_attribute("aria-label") or explorer.focused.text)
    at = path.index(f"Like: {first}")
    ways = [f"{way}: {first}" for way in ("Like", "Not interested", "Seen it", "Not now", "Why")]
    assert path[at : at + 5] == ways, "what can be said comes behind the reason, in the order it is seen"
    explorer.js("document.activeElement.blur()")
    explorer.js("document.querySelector('.pick button:not([aria-pressed])').focus()")
    explorer.press(Keys.ENTER)
    explorer.wait(lambda: explorer.focused.text == "Undo", "the focus at the way back")
    explorer.press(Keys.ENTER)
    explorer.wait(lambda: explorer.texts(".pick .line-title") == [first, *rest], "the film back")
    assert explorer.focused.text == first
    said = explorer.js("return [...document.querySelectorAll('.pick [role=group]')].map((e) => e.ariaLabel)")
    assert said[0] == f"What you think of {first}"


def test_strangers_find_it_as_clear(explorer: Explorer, stub: StubMesh) -> None:
    explorer.size(360, 800)
    found = {}
    for address in ("for-you", "for-you/told", "group"):
        explorer.open(f"#/{address}")
        explorer.settle()
        if wrong := structure(explorer) + explorer.js(CONTRAST)[0] + explorer.complaints():
            found[address] = wrong

    assert found == {}
